#include "src/backend/reference_backend.h"

#include <utility>
#include <vector>

namespace rushlight {
namespace {

struct ReferenceMatmul final : MatmulPlan {
  ReferenceMatmul(const MatmulShape& its_shape, std::int64_t its_workspace)
      : shape(its_shape), workspace(its_workspace) {}

  std::int64_t workspace_bytes() const override { return workspace; }

  MatmulShape shape;
  std::int64_t workspace;
};

/// A row of c. Row by row of b, as far as b lies so, which is many times faster than column by column.
void multiply_row(const Matmul& product, const MatmulShape& shape, std::int64_t model, std::int64_t row) {
  const auto a = [&](std::int64_t k) {
    return double{shape.transpose_a == Transpose::no ? product.a.row(model, row)[k] : product.a.row(model, k)[row]};
  };
  std::vector<double> sums(static_cast<std::size_t>(shape.n));
  if (shape.transpose_b == Transpose::yes) {
    for (std::int64_t col = 0; col < shape.n; ++col) {
      const float* const b = product.b.row(model, col);
      for (std::int64_t k = 0; k < shape.k; ++k) sums[static_cast<std::size_t>(col)] += a(k) * double{b[k]};
    }
  } else {
    for (std::int64_t k = 0; k < shape.k; ++k) {
      const float* const b = product.b.row(model, k);
      for (std::int64_t col = 0; col < shape.n; ++col) sums[static_cast<std::size_t>(col)] += a(k) * double{b[col]};
    }
  }
  float* const c = product.c.row(model, row);
  for (std::int64_t col = 0; col < shape.n; ++col) c[col] = static_cast<float>(sums[static_cast<std::size_t>(col)]);
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
    for (std::int64_t row = 0; row < shape.m; ++row) multiply_row(*product, shape, model, row);
  }
}

}  // namespace rushlight
