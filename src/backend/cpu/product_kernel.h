// The innermost loops of a matrix product, for one width of vectors. Each file product_<vectors>.cpp compiles them for
// its own; nothing else may be compiled there, as it would need those vectors wherever the linker used it.
// Exactness: in fp32 an element of c is one chain of fused multiply-adds in the order of k: the same bits for any
// width, tile or number of threads (baseline x86-64, which has no FMA, rounds the products as well); in bf16
// product_bf16.h tells. Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34
// (2008).
#pragma once

#include <cstdint>

#include "src/backend/cpu/lines_ahead.h"

namespace rushlight {

enum class Sum { fresh, onto };  // c = a · b, or c += a · b.

/// c [rows, columns of a panel] from a [rows, k] and a panel [k, columns], in words, each of which is a float or holds
/// several neighbouring k of a smaller type. Word (i, l) of a is a[i * a_row + l * a_step]. The rows are tiles of
/// nearly the same height, the `tall` ones first.
struct ProductStrip {
  std::int64_t tall = 0;
  std::int64_t low = 0;  // One row less.
  std::int64_t k = 0;    // In words.
  const float* a = nullptr;
  std::int64_t a_row = 0;
  std::int64_t a_step = 0;
  const float* panel = nullptr;
  float* c = nullptr;
  std::int64_t c_row = 0;
  Sum sum = Sum::fresh;
  Ahead ahead;
};

/// A part of an operand. Of b, element (l, j) is data[l * stride + j], or data[j * stride + l] if b is stored
/// transposed; of a, whose rows are the columns here, data[j * stride + l], or data[l * stride + j].
struct ProductSource {
  const float* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t k = 0;
  std::int64_t columns = 0;  // That exist; the panel's others are filled with zeros.
};

inline constexpr int kMostTileRows = 14;
inline constexpr int kMostPanelColumns = 32;

struct ProductKernel {
  std::int64_t rows = 0;                                   // Of the largest tile.
  std::int64_t columns = 0;                                // Of a panel.
  std::int64_t in_word = 1;                                // Elements of k: 1 of fp32, 2 of bf16.
  void (*strip[kMostTileRows])(const ProductStrip&) = {};  // By the height of a tall tile - 1.
  void (*pack)(const ProductSource&, float* panel) = nullptr;
  void (*pack_transposed)(const ProductSource&, float* panel) = nullptr;
  /// Words [columns of the source, k], or [k, columns] if a is stored transposed. Null: tiles read a where it lies.
  void (*pack_a)(const ProductSource&, float* words) = nullptr;
  void (*pack_transposed_a)(const ProductSource&, float* words) = nullptr;
  /// y[j] = the sum over l of x[l] · data[j * stride + l]: of b every element is read once, from memory. The order of
  /// the sum is this function's own.
  void (*times_vector)(const ProductSource&, const float* x, float* y) = nullptr;
};

/// Null where the processor's architecture has no such vectors.
const ProductKernel* baseline_product_kernel();
const ProductKernel* avx2_product_kernel();
const ProductKernel* avx512_product_kernel();
const ProductKernel* avx512bf16_product_kernel();

/// `Lanes` brings the type of a vector, one that may lie anywhere, and multiply-adds.
template <class Lanes>
struct LaneMemory {
  using Vector = typename Lanes::Vector;
  using Unaligned = typename Lanes::Unaligned;
  static constexpr int kLanes = sizeof(Vector) / sizeof(float);

  static Unaligned& at(float* data) { return *reinterpret_cast<Unaligned*>(data); }
  static const Unaligned& at(const float* data) { return *reinterpret_cast<const Unaligned*>(data); }

  using Four = float __attribute__((vector_size(16)));
  using FourAnywhere = float __attribute__((vector_size(16), aligned(alignof(float))));

  static void transpose_four(const float* source, std::int64_t stride, float* to, std::int64_t to_stride) {
    const auto load = [&](int i) { return Four(*reinterpret_cast<const FourAnywhere*>(source + i * stride)); };
    const Four r0 = load(0), r1 = load(1), r2 = load(2), r3 = load(3);
    const Four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5),
               high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    const Four low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5),
               high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    const auto store = [&](int i, Four row) { *reinterpret_cast<FourAnywhere*>(to + i * to_stride) = row; };
    store(0, __builtin_shufflevector(low01, low23, 0, 1, 4, 5));
    store(1, __builtin_shufflevector(low01, low23, 2, 3, 6, 7));
    store(2, __builtin_shufflevector(high01, high23, 0, 1, 4, 5));
    store(3, __builtin_shufflevector(high01, high23, 2, 3, 6, 7));
  }
};

/// Operands as they are: a word is a float.
template <class Lanes, std::int64_t kColumns>
struct FloatOperands : LaneMemory<Lanes> {
  using LaneMemory<Lanes>::at;
  using LaneMemory<Lanes>::kLanes;
  using Vector = typename Lanes::Vector;
  static constexpr std::int64_t kInWord = 1;

  static void broadcast(const float* word, Vector& factor) { factor = *word - Vector{}; }

  static void add_product(const float* x, const float* y, Vector& sum) {
    const Vector left = at(x), right = at(y);  // A reference to what `at` gives would count as aligned.
    Lanes::multiply_add(left, right, sum);
  }
  static void add_product(const float* x, const float* y, float& sum) { Lanes::multiply_add(*x, *y, sum); }

  static void pack(const ProductSource& source, float* panel) {
    for (std::int64_t l = 0; l < source.k; ++l, panel += kColumns) {
      const float* const row = source.data + l * source.stride;
      if (source.columns == kColumns) {
#pragma GCC unroll 4
        for (std::int64_t j = 0; j < kColumns; j += kLanes) at(panel + j) = at(row + j);
      } else {
        for (std::int64_t j = 0; j < kColumns; ++j) panel[j] = j < source.columns ? row[j] : 0.0f;
      }
    }
  }

  static void pack_transposed(const ProductSource& source, float* panel) {
    std::int64_t l = 0;
    if (source.columns == kColumns) {
      for (; l + 4 <= source.k; l += 4) {
        for (std::int64_t j = 0; j < kColumns; j += 4) {
          LaneMemory<Lanes>::transpose_four(source.data + j * source.stride + l, source.stride,
                                            panel + l * kColumns + j, kColumns);
        }
      }
    }
    for (; l < source.k; ++l) {
      for (std::int64_t j = 0; j < kColumns; ++j) {
        panel[l * kColumns + j] = j < source.columns ? source.data[j * source.stride + l] : 0.0f;
      }
    }
  }
};

/// `Operands` tells what the words are, and makes them.
template <class Lanes, int kVectors, int kRows, template <class, std::int64_t> class Operands = FloatOperands>
struct ProductLoops : LaneMemory<Lanes> {
  using LaneMemory<Lanes>::at;
  using LaneMemory<Lanes>::kLanes;
  using typename LaneMemory<Lanes>::FourAnywhere;
  using Vector = typename Lanes::Vector;
  static constexpr std::int64_t kColumns = std::int64_t{kLanes} * kVectors;
  using Words = Operands<Lanes, kColumns>;
  static constexpr std::int64_t kWordsAStep = 16;  // After which lines ahead are asked for.

  template <int kTall>
  static void strip(const ProductStrip& given) {
    ProductStrip s = given;
    const std::int64_t steps = (s.tall + s.low) * ((s.k + kWordsAStep - 1) / kWordsAStep);
    LinesAhead ahead(s.ahead, steps);
    for (; s.tall > 0; --s.tall) tile<kTall>(s, ahead);
    if constexpr (kTall > 1) {
      for (; s.low > 0; --s.low) tile<kTall - 1>(s, ahead);
    }
  }

  static void times_vector(const ProductSource& source, const float* x, float* y) {
    constexpr std::int64_t kTogether = 4;
    std::int64_t j = 0;
    for (; j + kTogether <= source.columns; j += kTogether) dots<kTogether>(source, j, x, y);
    for (; j < source.columns; ++j) dots<1>(source, j, x, y);
  }

  static ProductKernel kernel() {
    ProductKernel kernel{.rows = kRows,
                         .columns = kColumns,
                         .in_word = Words::kInWord,
                         .pack = Words::pack,
                         .pack_transposed = Words::pack_transposed,
                         .times_vector = times_vector};
    if constexpr (Words::kInWord > 1) {
      kernel.pack_a = Words::pack_a;
      kernel.pack_transposed_a = Words::pack_transposed_a;
    }
    set_strips<kRows>(kernel);
    return kernel;
  }

 private:
  template <int kTall>
  static void set_strips(ProductKernel& kernel) {
    kernel.strip[kTall - 1] = strip<kTall>;
    if constexpr (kTall > 1) set_strips<kTall - 1>(kernel);
  }

  // Computes the strip's first rows and moves it on to the next.
  template <int kTileRows>
  [[gnu::always_inline]] static inline void tile(ProductStrip& s, LinesAhead& ahead) {
    Vector sums[kTileRows][kVectors];
#pragma GCC unroll 16
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sums[i][v] = s.sum == Sum::onto ? Vector(at(s.c + i * s.c_row + v * kLanes)) : Vector{};
      }
    }
    const float* a = s.a;
    const float* panel = s.panel;
    for (std::int64_t left = s.k; left > 0; left -= kWordsAStep) {
      ahead.step();
      const std::int64_t steps = left < kWordsAStep ? left : kWordsAStep;
      for (std::int64_t l = 0; l < steps; ++l, a += s.a_step, panel += kColumns) {
        Vector b[kVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) b[v] = at(panel + v * kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kTileRows; ++i) {
          Vector factor;
          Words::broadcast(a + i * s.a_row, factor);
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) Lanes::multiply_add(factor, b[v], sums[i][v]);
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) at(s.c + i * s.c_row + v * kLanes) = sums[i][v];
    }
    s.a += kTileRows * s.a_row;
    s.c += kTileRows * s.c_row;
  }

  template <int kTogether>
  static void dots(const ProductSource& source, std::int64_t first, const float* x, float* y) {
    constexpr int kChains = 2;  // A row's, so that additions do not wait for each other.
    const float* const b = source.data + first * source.stride;
    const std::int64_t whole = source.k / kLanes * kLanes;
    float lanes[kTogether * kLanes], totals[kTogether];
    for (int j = 0; j < kTogether; ++j) {
      const float* const row = b + j * source.stride;
      Vector sums[kChains] = {};
      std::int64_t l = 0;
      for (; l + kChains * kLanes <= whole; l += kChains * kLanes) {
#pragma GCC unroll 2
        for (int c = 0; c < kChains; ++c) Words::add_product(x + l + c * kLanes, row + l + c * kLanes, sums[c]);
      }
      if (l < whole) Words::add_product(x + l, row + l, sums[0]);
      at(lanes + j * kLanes) = sums[0] + sums[1];
    }
    add_lanes<kTogether>(lanes, totals);
    for (int j = 0; j < kTogether; ++j) {
      for (std::int64_t l = whole; l < source.k; ++l) Words::add_product(x + l, b + j * source.stride + l, totals[j]);
      y[first + j] = totals[j];
    }
  }

  // In order. Four rows go side by side: one alone would wait for each of its additions.
  template <int kTogether>
  static void add_lanes(const float* lanes, float* totals) {
    if constexpr (kTogether == 4) {
      float columns[4 * kLanes];
      for (int lane = 0; lane < kLanes; lane += 4) {
        LaneMemory<Lanes>::transpose_four(lanes + lane, kLanes, columns + 4 * lane, 4);
      }
      FourAnywhere sum{};
      for (int lane = 0; lane < kLanes; ++lane) sum += *reinterpret_cast<const FourAnywhere*>(columns + 4 * lane);
      *reinterpret_cast<FourAnywhere*>(totals) = sum;
    } else {
      for (int j = 0; j < kTogether; ++j) {
        totals[j] = 0;
        for (int lane = 0; lane < kLanes; ++lane) totals[j] += lanes[j * kLanes + lane];
      }
    }
  }
};

}  // namespace rushlight
