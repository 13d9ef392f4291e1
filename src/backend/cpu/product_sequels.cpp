#include "src/backend/cpu/product_sequels.h"

#include "src/backend/cpu/lane_kernels.h"

namespace rushlight {
namespace {

// Measured: 590 KB of a layer's parameters gain, 280 KB lose.
constexpr std::int64_t kFarBytes = std::int64_t{512} << 10;

Range blocks_of(Range columns) {
  return {columns.begin / kLanes, lane_blocks(columns.end)};
}

// Bias, ReLU and dropout in place: an item is eight columns of a row.
class ForwardSequel final : public ProductSequel {
 public:
  ForwardSequel(const BiasReluDropoutForward& operation, const LaneKernels& kernels)
      : operation_(operation), kernels_(kernels) {}

  Takes takes() const override { return Takes::any_region; }
  void run(const ProductRegion& region) const override {
    kernels_.forward(operation_, region.model, region.rows, blocks_of(region.columns));
  }

 private:
  BiasReluDropoutForward operation_;
  const LaneKernels& kernels_;
};

// Their backward, with the gradient of the bias: an item is eight columns.
class BackwardSequel final : public ProductSequel {
 public:
  BackwardSequel(const BiasReluDropoutBackward& operation, const LaneKernels& kernels)
      : operation_(operation), kernels_(kernels) {}

  Takes takes() const override { return Takes::whole_columns; }

  void run(const ProductRegion& region) const override {
    kernels_.backward(operation_, region.model, region.rows, blocks_of(region.columns),
                      operation_.dbias.member(region.model));
  }

 private:
  BiasReluDropoutBackward operation_;
  const LaneKernels& kernels_;
};

// Adam on a gradient of weights, which starts its block; what follows it in the block goes with its last element.
class AdamSequel final : public ProductSequel {
 public:
  using Update = decltype(LaneKernels::adam);

  AdamSequel(const AdamUpdate& operation, const Matrix<float>& gradient, Update update)
      : operation_(operation), gradient_(gradient), update_(update) {}

  Takes takes() const override { return Takes::any_region; }

  void run(const ProductRegion& region) const override {
    const std::int64_t begin = region.columns.begin / kLanes, end = lane_blocks(region.columns.end);
    const std::int64_t stride = gradient_.stride / kLanes;
    if (region.columns.count() == gradient_.cols) {  // Whole rows, whose padding of zeros stays as it is.
      update_(operation_, region.model, {region.rows.begin * stride, region.rows.end * stride});
    } else {
      for (std::int64_t row = region.rows.begin; row < region.rows.end; ++row) {
        update_(operation_, region.model, {row * stride + begin, row * stride + end});
      }
    }
    if (region.rows.end == gradient_.rows && region.columns.end == gradient_.cols) {
      update_(operation_, region.model, {gradient_.rows * stride, operation_.parameters.size / kLanes});
    }
  }

 private:
  AdamUpdate operation_;
  Matrix<float> gradient_;
  Update update_;
};

bool is(const Matrix<float>& c, const Matrix<const float>& operand) {
  return c.data == operand.data && c.stride == operand.stride && c.model_stride == operand.model_stride;
}

std::unique_ptr<ProductSequel> make(const Matmul& product, const AdamUpdate& next, AdamSequel::Update update) {
  const Matrix<float>& c = product.c;
  const bool starts_block = c.data == next.gradients.data && c.model_stride == next.gradients.model_stride;
  if (!starts_block || c.stride % kLanes != 0 || c.rows * c.stride > next.gradients.size) return nullptr;
  return std::make_unique<AdamSequel>(next, c, update);
}

std::unique_ptr<ProductSequel> make(const Matmul& product, const Elementwise& next, const LaneKernels& kernels) {
  if (const auto* const forward = std::get_if<BiasReluDropoutForward>(&next)) {
    if (is(product.c, forward->x) && is(product.c, forward->y.as_const())) {
      return std::make_unique<ForwardSequel>(*forward, kernels);
    }
  }
  if (const auto* const adam = std::get_if<AdamUpdate>(&next)) return make(product, *adam, kernels.adam);
  return nullptr;
}

std::unique_ptr<ProductSequel> make(const Matmul& product, const ColumnReduction& next, const LaneKernels& kernels) {
  const auto* const backward = std::get_if<BiasReluDropoutBackward>(&next);
  if (backward == nullptr || !is(product.c, backward->dy)) return nullptr;
  return std::make_unique<BackwardSequel>(*backward, kernels);
}

}  // namespace

std::unique_ptr<ProductSequel> make_sequel(const Matmul& product, const Command& next, InstructionSet set) {
  if (const Elementwise* const elementwise = std::get_if<Elementwise>(&next))
    return make(product, *elementwise, lane_kernels(set));
  if (const auto* const reduction = std::get_if<ColumnReduction>(&next))
    return make(product, *reduction, lane_kernels(set));
  return nullptr;
}

std::unique_ptr<ProductSequel> make_far_sequel(const Matmul& product, const AdamUpdate& next, InstructionSet set) {
  if (bytes_of<float>(next.parameters.size) < kFarBytes) return nullptr;
  return make(product, next, lane_kernels(set).adam_past_caches);
}

}  // namespace rushlight
