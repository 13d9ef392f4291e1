#include "src/backend/cpu/product.h"

#include <algorithm>

#include "src/backend/backend.h"

namespace rushlight {
namespace {

// Of words. A panel of so many rows fills half of a first cache of 64 KB, or all of one of 32 KB.
constexpr std::int64_t kDepth = 512;
// Of a transposed `a` each step lies in another cache line, which takes room beside the panel.
constexpr std::int64_t kTransposedDepth = 256;
// So much is packed at a time where many rows use it: most of a second cache of 512 KB.
constexpr std::int64_t kPackedFloats = 80 * 1024;
// With fewer rows a panel is packed just before all of them go over it.
constexpr std::int64_t kFewRows = 256;
// Else so many tiles do while it is near, and their rows of c are then handed on.
constexpr std::int64_t kTilesTogether = 4;
// Where each thread has so many, it takes little time that it packs all panels.
constexpr std::int64_t kManySamples = 256;

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// The panel is wider than what is left of c: each tile goes to a place of its own first.
void run_narrow(const ProductKernel& kernel, ProductStrip strip, std::int64_t height, std::int64_t columns) {
  float whole[kMostTileRows * kMostPanelColumns];
  const ProductStrip all = strip;
  strip.c = whole;
  strip.c_row = kernel.columns;
  strip.tall = 1;
  strip.low = 0;
  float* c = all.c;
  for (std::int64_t tile = 0; tile < all.tall + all.low; ++tile) {
    const std::int64_t rows = tile < all.tall ? height : height - 1;
    for (std::int64_t i = 0; i < rows && strip.sum == Sum::onto; ++i) {
      std::fill_n(std::copy_n(c + i * all.c_row, columns, whole + i * kernel.columns), kernel.columns - columns, 0.0f);
    }
    kernel.strip[rows - 1](strip);
    for (std::int64_t i = 0; i < rows; ++i) std::copy_n(whole + i * kernel.columns, columns, c + i * all.c_row);
    strip.a += rows * strip.a_row;
    c += rows * all.c_row;
  }
}

}  // namespace

/// a as tiles read it: word (i, l) is first[i * row + l * step].
struct PanelProduct::Left {
  const float* first;
  std::int64_t row, step;
};

struct PanelProduct::Job {
  const Matmul& product;
  std::int64_t model;
  Range rows;    // Of c.
  Range panels;  // Of its columns.
  const ProductSequel* sequel;
  float* workspace;
};

PanelProduct::PanelProduct(const MatmulShape& shape, int threads, const ProductKernel& kernel)
    : shape_(shape),
      kernel_(kernel),
      threads_(threads),
      panels_(ceil_divide(shape.n, kernel.columns)),
      row_lines_(ceil_divide(shape.m, kLineFloats)),
      by_rows_(shape.transpose_a == Transpose::yes ||
               (shape.transpose_b == Transpose::yes && shape.m >= kManySamples * threads)),
      few_rows_(shape.transpose_a == Transpose::no && shape.m <= kFewRows) {
  const std::int64_t words = words_of(shape.k), most = shape.transpose_a == Transpose::yes ? kTransposedDepth : kDepth;
  const std::int64_t depth = ceil_divide(words, ceil_divide(words, most));
  depth_ = depth * kernel.in_word;
  packed_panel_ = depth * kernel.columns;
  panels_together_ = few_rows_ ? 1 : std::clamp<std::int64_t>(kPackedFloats / packed_panel_, 1, panels_);
  rows_together_ = few_rows_ ? shape.m : kTilesTogether * kernel.rows;
  const std::int64_t packed_a = kernel.pack_a == nullptr ? 0 : rows_together_ * (few_rows_ ? words : depth);
  const std::int64_t packed = (panels_together_ * packed_panel_ + packed_a) * std::int64_t{sizeof(float)};
  thread_workspace_ = is_vector() ? 0 : align_up(packed) / std::int64_t{sizeof(float)};
}

std::int64_t PanelProduct::words_of(std::int64_t k) const {
  return ceil_divide(k, kernel_.in_word);
}

// Columns are split first: so no two threads pack the same panel, and each has whole columns. Where a core would wait
// for another's copies, rows are: with a transposed `a`, whose thread reads the weights that it writes in the next
// forward pass; and with many samples, which a thread then takes from layer to layer.
PanelProduct::Grid PanelProduct::grid(int parts) const {
  const int first = static_cast<int>(std::min<std::int64_t>(parts, by_rows_ ? row_lines_ : panels_));
  const int second = static_cast<int>(std::min<std::int64_t>(parts / first, by_rows_ ? panels_ : row_lines_));
  return by_rows_ ? Grid{first, second} : Grid{second, first};
}

int PanelProduct::useful_parts() const {
  // A thread's part should last some microseconds: 2^17 multiplications.
  const std::int64_t worth = (shape_.models * shape_.m * shape_.n * shape_.k) >> 17;
  const Grid best = grid(static_cast<int>(std::clamp<std::int64_t>(worth, 1, threads_)));
  return best.rows * best.columns;
}

bool PanelProduct::can_feed(ProductSequel::Takes takes) const {
  return takes == ProductSequel::Takes::any_region || grid(threads_).rows == 1;
}

void PanelProduct::run(const Matmul& product, Part part, const ProductSequel* sequel) const {
  const Grid parts = grid(std::min(part.of, useful_parts()));
  if (part.index >= parts.rows * parts.columns) return;
  const Range lines = Part{part.index / parts.columns, parts.rows}.range(row_lines_);
  const Range rows{lines.begin * kLineFloats, std::min(lines.end * kLineFloats, shape_.m)};
  const Range panels = Part{part.index % parts.columns, parts.columns}.range(panels_);
  float* const workspace = static_cast<float*>(product.workspace) + part.index * thread_workspace_;
  for (std::int64_t model = 0; model < shape_.models; ++model) {
    const Job job{product, model, rows, panels, sequel, workspace};
    is_vector() ? run_vector(job) : run_panels(job);
  }
}

void PanelProduct::run_vector(const Job& job) const {
  const Range columns{job.panels.begin * kernel_.columns, std::min(job.panels.end * kernel_.columns, shape_.n)};
  kernel_.times_vector({job.product.b.row(job.model, columns.begin), shape_.b_stride, shape_.k, columns.count()},
                       job.product.a.row(job.model, 0), job.product.c.row(job.model, 0) + columns.begin);
  if (job.sequel != nullptr) job.sequel->run({job.model, {0, 1}, columns});
}

void PanelProduct::run_panels(const Job& job) const {
  const bool by_columns = job.sequel != nullptr && job.sequel->takes() == ProductSequel::Takes::whole_columns;
  if (job.rows.count() <= kFewRows && shape_.transpose_a == Transpose::no) fetch_rows(job);
  const std::int64_t together = ceil_divide(job.rows.count(), ceil_divide(job.rows.count(), rows_together_));
  const Left whole = few_rows_ ? left(job, {0, shape_.k}, job.rows) : Left{};
  for (std::int64_t first = job.panels.begin; first < job.panels.end; first += panels_together_) {
    const Range panels{first, std::min(first + panels_together_, job.panels.end)};
    const Range columns{panels.begin * kernel_.columns, std::min(panels.end * kernel_.columns, shape_.n)};
    for (std::int64_t begin = 0; begin < shape_.k; begin += depth_) {
      const Range k{begin, std::min(begin + depth_, shape_.k)};
      for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
        pack(job, k, panel, job.workspace + (panel - panels.begin) * packed_panel_);
      }
      for (std::int64_t row = job.rows.begin; row < job.rows.end; row += together) {
        const Range rows{row, std::min(row + together, job.rows.end)};
        const Left a =
            few_rows_ ? Left{whole.first + k.begin / kernel_.in_word, whole.row, whole.step} : left(job, k, rows);
        run_rows(job, a, k, panels, rows);
        if (job.sequel != nullptr && !by_columns && k.end == shape_.k) job.sequel->run({job.model, rows, columns});
      }
    }
    if (by_columns) job.sequel->run({job.model, job.rows, columns});
  }
}

// What another core wrote comes slowly, one line after the other, unless many are asked for at once.
void PanelProduct::fetch_rows(const Job& job) const {
  for (std::int64_t row = job.rows.begin; row < job.rows.end; ++row) {
    const float* const a = job.product.a.row(job.model, row);
    for (std::int64_t l = 0; l < shape_.k; l += kLineFloats) __builtin_prefetch(a + l);
  }
}

void PanelProduct::pack(const Job& job, Range k, std::int64_t panel, float* to) const {
  const std::int64_t column = panel * kernel_.columns;
  const std::int64_t columns = std::min(kernel_.columns, shape_.n - column);
  if (shape_.transpose_b == Transpose::yes) {
    kernel_.pack_transposed({job.product.b.row(job.model, column) + k.begin, shape_.b_stride, k.count(), columns}, to);
  } else {
    kernel_.pack({job.product.b.row(job.model, k.begin) + column, shape_.b_stride, k.count(), columns}, to);
  }
}

// Where it is packed it lies behind the panels.
PanelProduct::Left PanelProduct::left(const Job& job, Range k, Range rows) const {
  const Matrix<const float>& a = job.product.a;
  float* const packed = job.workspace + panels_together_ * packed_panel_;
  if (shape_.transpose_a == Transpose::yes) {
    const float* const first = a.row(job.model, k.begin) + rows.begin;
    if (kernel_.pack_a == nullptr) return {first, 1, shape_.a_stride};
    kernel_.pack_transposed_a({first, shape_.a_stride, k.count(), rows.count()}, packed);
    return {packed, 1, rows.count()};
  }
  const float* const first = a.row(job.model, rows.begin) + k.begin;
  if (kernel_.pack_a == nullptr) return {first, shape_.a_stride, 1};
  kernel_.pack_a({first, shape_.a_stride, k.count(), rows.count()}, packed);
  return {packed, words_of(k.count()), 1};
}

void PanelProduct::run_rows(const Job& job, const Left& a, Range k, Range panels, Range rows) const {
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
    run_strip(job, a, k, rows, panel, job.workspace + (panel - panels.begin) * packed_panel_);
  }
}

// Tiles of nearly the same height: a low one would wait for its own sums.
void PanelProduct::run_strip(const Job& job, const Left& a, Range k, Range rows, std::int64_t panel,
                             const float* packed) const {
  const std::int64_t column = panel * kernel_.columns;
  const std::int64_t columns = std::min(kernel_.columns, shape_.n - column);
  const std::int64_t tiles = ceil_divide(rows.count(), kernel_.rows), height = ceil_divide(rows.count(), tiles);
  ProductStrip strip{.tall = rows.count() - tiles * (height - 1),
                     .low = tiles * height - rows.count(),
                     .k = words_of(k.count()),
                     .a = a.first,
                     .a_row = a.row,
                     .a_step = a.step,
                     .panel = packed,
                     .c = job.product.c.row(job.model, rows.begin) + column,
                     .c_row = shape_.c_stride,
                     .sum = k.begin == 0 ? Sum::fresh : Sum::onto,
                     .ahead = ahead(job, k, rows, panel)};
  if (columns < kernel_.columns) return run_narrow(kernel_, strip, height, columns);
  kernel_.strip[height - 1](strip);
}

// Memory is slower than the sums: while a panel is in use, the next one comes nearer, or the next columns of c.
Ahead PanelProduct::ahead(const Job& job, Range k, Range rows, std::int64_t panel) const {
  if (panel + 1 >= job.panels.end) return {};
  const std::int64_t next = (panel + 1) * kernel_.columns, columns = std::min(kernel_.columns, shape_.n - next);
  const std::int64_t lines = ceil_divide(columns, kLineFloats);
  if (panels_together_ > 1) {
    return {job.product.c.row(job.model, rows.begin) + next, shape_.c_stride, rows.count(), lines};
  }
  if (shape_.transpose_b == Transpose::yes) {
    const float* const first = job.product.b.row(job.model, next) + k.begin;
    return {first, shape_.b_stride, columns, ceil_divide(k.count(), kLineFloats)};
  }
  return {job.product.b.row(job.model, k.begin) + next, shape_.b_stride, k.count(), lines};
}

const ProductKernel& product_kernel(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return *avx512_product_kernel();
    case InstructionSet::avx2:
      return *avx2_product_kernel();
    case InstructionSet::baseline:
      break;
  }
  return *baseline_product_kernel();
}

const ProductKernel* bf16_product_kernel() {
  return has_avx512_bf16() ? avx512bf16_product_kernel() : nullptr;
}

Precision precision_of(const ProductKernel& kernel) {
  return kernel.in_word == 1 ? Precision::fp32 : Precision::bf16;
}

}  // namespace rushlight
