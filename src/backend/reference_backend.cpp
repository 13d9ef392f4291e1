#include "src/backend/reference_backend.h"

#include <utility>

#include "kernels/lanes.h"

namespace rushlight {
namespace {

struct ReferenceMatmul final : MatmulPlan {
  ReferenceMatmul(const MatmulShape& its_shape, std::int64_t its_workspace)
      : shape(its_shape), workspace(its_workspace) {}

  std::int64_t workspace_bytes() const override { return workspace; }

  MatmulShape shape;
  std::int64_t workspace;
};

/// The element of op(matrix).
double at(const Matrix<const float>& matrix, Transpose transpose, std::int64_t model, std::int64_t row,
          std::int64_t col) {
  return transpose == Transpose::yes ? matrix.row(model, col)[row] : matrix.row(model, row)[col];
}

/// Neighbouring columns of a row of c, which share what they read of a.
void multiply(const Matmul& product, const MatmulShape& shape, std::int64_t model, std::int64_t row, std::int64_t col) {
  const Matrix<const float> a = product.a, b = product.b;
  const Transpose transpose_a = shape.transpose_a, transpose_b = shape.transpose_b;
  const int count = lanes_in(shape.n, col / kLanes);
  double sums[kLanes] = {};
  for (std::int64_t k = 0, end = shape.k; k < end; ++k) {
    const double left = at(a, transpose_a, model, row, k);
    for_each_lane(count, [&](int lane) { sums[lane] += left * at(b, transpose_b, model, k, col + lane); });
  }
  for_each_lane(count, [&](int lane) { product.c.row(model, row)[col + lane] = static_cast<float>(sums[lane]); });
}

}  // namespace

ReferenceBackend::ReferenceBackend(std::shared_ptr<Backend> like) : CpuBackend(1), like_(std::move(like)) {}

std::unique_ptr<MatmulPlan> ReferenceBackend::prepare(const MatmulShape& shape) {
  return std::make_unique<ReferenceMatmul>(shape, like_->prepare(shape)->workspace_bytes());
}

void ReferenceBackend::run(const Node& node) {
  const Matmul* const product = std::get_if<Matmul>(&node.command);
  if (product == nullptr) return CpuBackend::run(node);
  const MatmulShape& shape = static_cast<const ReferenceMatmul*>(product->plan)->shape;
  for (std::int64_t model = 0; model < shape.models; ++model) {
    for (std::int64_t row = 0; row < shape.m; ++row) {
      for (std::int64_t col = 0; col < shape.n; col += kLanes) multiply(*product, shape, model, row, col);
    }
  }
}

}  // namespace rushlight
