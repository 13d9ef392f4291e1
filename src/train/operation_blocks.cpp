#include "src/train/operation_blocks.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace rushlight {
namespace {

constexpr std::int64_t kFloat = sizeof(float);
constexpr std::int64_t kWidth = 512, kFeatures = 784, kClasses = 10;

/// What all blocks share: their memory, and random values on the host.
struct Store {
  Store(const std::shared_ptr<Backend>& its_backend, std::int64_t bytes)
      : backend(its_backend), memory(backend, bytes), values(1 << 18) {
    std::mt19937 generator(1);
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    for (float& value : values) value = uniform(generator);
  }

  void write_floats(float* to, std::int64_t count) const {
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t now = std::min<std::int64_t>(count - done, static_cast<std::int64_t>(values.size()));
      upload_values(*backend, to + done, values.data(), now);
      done += now;
    }
  }

  /// Random integers below `end`.
  template <class T>
  void write_integers(T* to, std::int64_t count, std::int64_t end) const {
    std::mt19937 generator(2);
    std::vector<T> integers(static_cast<std::size_t>(count));
    for (T& integer : integers) integer = static_cast<T>(generator() % static_cast<std::uint64_t>(end));
    upload_values(*backend, to, integers.data(), count);
  }

  std::shared_ptr<Backend> backend;
  Buffer memory;
  std::vector<float> values;
};

/// Lays each operation's blocks from the memory's start on.
class Builder {
 public:
  // Counts are rounded down to what fits, but for the least of each: an eighth and 64 KiB are there for them.
  Builder(const std::shared_ptr<Backend>& backend, std::int64_t bytes)
      : bytes_(bytes), store_(std::make_shared<Store>(backend, bytes + bytes / 8 + (std::int64_t{64} << 10))) {}

  std::vector<OperationBlock> build() {
    add_select_batch();
    add_gather_pixels();
    add_forward("bias_relu_forward", DropoutUse::off);
    add_forward("bias_relu_dropout_forward", DropoutUse::on);
    add_backward();
    add_adam_prepare();
    add_adam();
    add_advance();
    add_softmax_cross_entropy();
    add_loss_sum();
    return std::move(blocks_);
  }

 private:
  enum class DropoutUse { off, on };

  template <class T>
  T* take(std::int64_t count) {
    const std::int64_t begin = std::exchange(taken_, taken_ + align_up(bytes_of<T>(count)));
    return static_cast<T*>(static_cast<void*>(store_->memory.data() + begin));
  }

  Matrix<float> take_matrix(std::int64_t rows, std::int64_t cols) {
    const std::int64_t stride = store_->backend->row_stride(cols);
    return {take<float>(rows * stride), 1, rows, cols, stride, 0};
  }

  std::int64_t rows_of(std::int64_t bytes_a_row) const { return std::max<std::int64_t>(1, bytes_ / bytes_a_row); }
  std::int64_t row_bytes(std::int64_t cols) const { return store_->backend->row_stride(cols) * kFloat; }

  /// `refill`: a function of the store.
  template <class Operation, class Refill>
  void add(const char* name, const Operation& operation, const Refill& refill) {
    blocks_.push_back({Node{name, operation}, [store = store_, refill] { refill(*store); }});
    taken_ = 0;
  }

  void add_select_batch() {
    constexpr std::int64_t kMost = 1 << 18;
    const std::int64_t rows = std::min(kMost, rows_of(bytes_of<std::int64_t>(1) + bytes_of<std::int32_t>(2)));
    PassState* const state = take<PassState>(1);
    std::int32_t* const labels = take<std::int32_t>(rows);
    const SelectBatch select{.state = state,
                             .labels = labels,
                             .rows = rows,
                             .seed = 777,
                             .order = SampleOrder::shuffled,
                             .indices = take<std::int64_t>(rows),
                             .batch_labels = take<std::int32_t>(rows)};
    add("select_batch", Elementwise{select}, [=](const Store& store) {
      const PassState now{.samples = static_cast<std::uint64_t>(rows)};
      upload_values(*store.backend, state, &now, 1);
      store.write_integers(labels, rows, kClasses);
    });
  }

  void add_gather_pixels() {
    const std::int64_t rows = rows_of(kFeatures + row_bytes(kFeatures) + bytes_of<std::int64_t>(1));
    std::int64_t* const indices = take<std::int64_t>(rows);
    float* const pixels = take<float>(rows * kFeatures / kFloat);  // Bytes of random floats.
    const GatherPixels gather{.pixels = static_cast<const std::uint8_t*>(static_cast<void*>(pixels)),
                              .indices = indices,
                              .x = take_matrix(rows, kFeatures)};
    add("gather_pixels", Elementwise{gather}, [=](const Store& store) {
      store.write_integers(indices, rows, rows);
      store.write_floats(pixels, rows * kFeatures / kFloat);
    });
  }

  struct Draw {
    DropoutDraw draw;
    std::function<void(const Store&)> refill;
  };

  Draw take_draw() {
    Member* const members = take<Member>(1);
    DropoutRate* const rates = take<DropoutRate>(1);
    PassState* const state = take<PassState>(1);
    return {{.members = members, .rates = rates, .state = state, .node = 2}, [=](const Store& store) {
              const Member member{777, 0};
              const DropoutRate rate = dropout_rate(0.3);
              const PassState now{};
              upload_values(*store.backend, members, &member, 1);
              upload_values(*store.backend, rates, &rate, 1);
              upload_values(*store.backend, state, &now, 1);
            }};
  }

  // In place, as networks run it.
  void add_forward(const char* name, DropoutUse use) {
    const Draw draw = take_draw();
    float* const bias = take<float>(kWidth);
    const Matrix<float> y = take_matrix(rows_of(row_bytes(kWidth)), kWidth);
    const BiasReluDropoutForward forward{y.as_const(), Vector<const float>{bias, 1, kWidth, kWidth}, y,
                                         Activation::relu, use == DropoutUse::on ? draw.draw : DropoutDraw{}};
    add(name, Elementwise{forward}, [=](const Store& store) {
      draw.refill(store);
      store.write_floats(bias, kWidth);
      store.write_floats(y.data, y.rows * y.stride);
    });
  }

  void add_backward() {
    const Draw draw = take_draw();
    float* const dbias = take<float>(kWidth);
    const std::int64_t rows = rows_of(2 * row_bytes(kWidth));
    const Matrix<float> y = take_matrix(rows, kWidth), dx = take_matrix(rows, kWidth);
    const BiasReluDropoutBackward backward{y.as_const(),     dx.as_const(), dx, Vector<float>{dbias, 1, kWidth, kWidth},
                                           Activation::relu, draw.draw};
    add("bias_relu_dropout_backward", ColumnReduction{backward}, [=](const Store& store) {
      draw.refill(store);
      store.write_floats(y.data, rows * y.stride);
      store.write_floats(dx.data, rows * dx.stride);
    });
  }

  void add_adam_prepare() {
    PassState* const state = take<PassState>(1);
    double* const rates = take<double>(1);
    const AdamPrepare prepare{.state = state,
                              .rates = rates,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .models = 1,
                              .corrections = take<AdamCorrections>(1)};
    add("adam_prepare", Elementwise{prepare}, [=](const Store& store) {
      const PassState now{.step = 1000};
      const double rate = 1e-3;
      upload_values(*store.backend, state, &now, 1);
      upload_values(*store.backend, rates, &rate, 1);
    });
  }

  void add_adam() {
    const std::int64_t size = align_up(rows_of(4)) / 4 / kFloat * 4;
    AdamCorrections* const corrections = take<AdamCorrections>(1);
    const auto vector = [&] { return Vector<float>{take<float>(size), 1, size, size}; };
    const Vector<float> parameters = vector(), gradients = vector(), first = vector(), second = vector();
    const AdamUpdate update{.parameters = parameters,
                            .gradients = gradients.as_const(),
                            .first_moments = first,
                            .second_moments = second,
                            .corrections = corrections,
                            .one_minus_beta1 = 0.1f,
                            .beta2 = 0.999f,
                            .one_minus_beta2 = 0.001f,
                            .eps = 1e-8f};
    add("adam", Elementwise{update}, [=](const Store& store) {
      const AdamCorrections now{.step_size = 1e-3f, .inverse_root_correction2 = 1.0f};
      upload_values(*store.backend, corrections, &now, 1);
      for (const Vector<float>& block : {parameters, gradients, first}) store.write_floats(block.data, size);
      store.backend->fill_zero(second.data, second.bytes());  // Squares of the gradients join it at the first run.
    });
  }

  void add_advance() {
    PassState* const state = take<PassState>(1);
    add("advance", Elementwise{Advance{.state = state, .rows = 100}}, [=](const Store& store) {
      const PassState now{};
      upload_values(*store.backend, state, &now, 1);
    });
  }

  void add_softmax_cross_entropy() {
    const std::int64_t rows = rows_of(2 * row_bytes(kClasses) + 3 * kFloat);
    std::int32_t* const labels = take<std::int32_t>(rows);
    const Matrix<float> logits = take_matrix(rows, kClasses);
    const SoftmaxCrossEntropy loss{.logits = logits.as_const(),
                                   .labels = labels,
                                   .loss = {take<float>(rows), 1, rows, rows},
                                   .correct = {take<std::uint32_t>(rows), 1, rows, rows},
                                   .dlogits = take_matrix(rows, kClasses),
                                   .gradient_scale = 1.0f / static_cast<float>(rows)};
    add("softmax_cross_entropy", RowReduction{loss}, [=](const Store& store) {
      store.write_integers(labels, rows, kClasses);
      store.write_floats(logits.data, rows * logits.stride);
    });
  }

  void add_loss_sum() {
    const std::int64_t rows = rows_of(2 * kFloat);
    PassState* const state = take<PassState>(1);
    EpochSums* const sums = take<EpochSums>(1);
    float* const loss = take<float>(rows);
    std::uint32_t* const correct = take<std::uint32_t>(rows);
    const LossSum sum{.loss = {loss, 1, rows, rows}, .correct = {correct, 1, rows, rows}, .state = state, .sums = sums};
    add("loss_sum", ColumnReduction{sum}, [=](const Store& store) {
      const PassState now{.samples = static_cast<std::uint64_t>(rows)};
      upload_values(*store.backend, state, &now, 1);
      store.backend->fill_zero(sums, bytes_of<EpochSums>(1));
      store.write_floats(loss, rows);
      store.write_integers(correct, rows, 2);
    });
  }

  std::int64_t bytes_;
  std::shared_ptr<Store> store_;
  std::int64_t taken_ = 0;
  std::vector<OperationBlock> blocks_;
};

}  // namespace

std::vector<OperationBlock> operation_blocks(const std::shared_ptr<Backend>& backend, std::int64_t bytes) {
  return Builder(backend, bytes).build();
}

}  // namespace rushlight
