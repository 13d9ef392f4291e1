#include "src/backend/reference_backend.h"

#include <utility>

#include "kernels/lanes.h"
#include "src/backend/cpu/bf16.h"

namespace rushlight {
namespace {

struct ReferenceMatmul final : MatmulPlan {
  ReferenceMatmul(const MatmulShape& its_shape, std::int64_t its_workspace)
      : shape(its_shape), workspace(its_workspace) {}

  std::int64_t workspace_bytes() const override { return workspace; }

  MatmulShape shape;
  std::int64_t workspace;
};

/// Element (i, l) of op(matrix) of a member is first[i * row + l * column].
struct Elements {
  Elements(const Matrix<const float>& matrix, Transpose transpose, std::int64_t model)
      : first(matrix.row(model, 0)),
        row(transpose == Transpose::yes ? 1 : matrix.stride),
        column(transpose == Transpose::yes ? matrix.stride : 1) {}

  const float* first;
  std::int64_t row, column;
};

/// Up to eight neighbouring elements of a row of c, which share what they read of a. One thread's, so there is no race
/// to look for; looking takes minutes.
template <Precision kOperands>
[[gnu::no_sanitize("thread")]] void multiply(Elements a, Elements b, std::int64_t row, std::int64_t col, std::int64_t k,
                                             int count, float* c) {
  const auto rounded = [](float value) { return kOperands == Precision::bf16 ? rounded_to_bf16(value) : value; };
  double sums[kLanes] = {};
  for (std::int64_t l = 0; l < k; ++l) {
    const double left = rounded(a.first[row * a.row + l * a.column]);
    for (int lane = 0; lane < count; ++lane) {
      sums[lane] += left * rounded(b.first[l * b.row + (col + lane) * b.column]);
    }
  }
  for (int lane = 0; lane < count; ++lane) c[lane] = static_cast<float>(sums[lane]);
}

}  // namespace

ReferenceBackend::ReferenceBackend(std::shared_ptr<Backend> like) : CpuBackend(1), like_(std::move(like)) {
  const Device device = like_->device();
  operands_ = device.kind == Device::Kind::cpu ? device.precision : Precision::fp32;
}

std::unique_ptr<MatmulPlan> ReferenceBackend::prepare(const MatmulShape& shape) {
  return std::make_unique<ReferenceMatmul>(shape, like_->prepare(shape)->workspace_bytes());
}

void ReferenceBackend::run(const Node& node) {
  const Matmul* const product = std::get_if<Matmul>(&node.command);
  if (product == nullptr) return CpuBackend::run(node);
  const auto multiply_some = operands_ == Precision::bf16 ? multiply<Precision::bf16> : multiply<Precision::fp32>;
  const MatmulShape& shape = static_cast<const ReferenceMatmul*>(product->plan)->shape;
  for (std::int64_t model = 0; model < shape.models; ++model) {
    const Elements a(product->a, shape.transpose_a, model), b(product->b, shape.transpose_b, model);
    for (std::int64_t row = 0; row < shape.m; ++row) {
      for (std::int64_t col = 0; col < shape.n; col += kLanes) {
        multiply_some(a, b, row, col, shape.k, lanes_in(shape.n, col / kLanes), product->c.row(model, row) + col);
      }
    }
  }
}

}  // namespace rushlight
