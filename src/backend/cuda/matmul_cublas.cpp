#include "src/backend/cuda/matmul_cublas.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <limits>

namespace rushlight {
namespace {

struct CublasMatmul final : MatmulPlan {
  CublasMatmul(const MatmulShape& its_shape, std::int64_t its_workspace) : shape(its_shape), workspace(its_workspace) {}

  std::int64_t workspace_bytes() const override { return workspace; }

  MatmulShape shape;
  std::int64_t workspace;
};

std::string text_of(const MatmulShape& shape) {
  return fmt::format("multiplying {} x [{}, {}] by [{}, {}]", shape.models, shape.m, shape.k, shape.k, shape.n);
}

cublasComputeType_t compute_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return CUBLAS_COMPUTE_32F;
    case Precision::tf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Precision::bf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
  }
  return CUBLAS_COMPUTE_32F;
}

cublasOperation_t operation(Transpose transpose) {
  return transpose == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

Cublas::Cublas(cudaStream_t stream, Precision precision, std::int64_t workspace_bytes)
    : library_(open_cublas()), compute_(compute_type(precision)), workspace_bytes_(workspace_bytes) {
  check(library_, library_.create(&handle_), "opening cuBLAS");
  try {
    check(library_, library_.set_stream(handle_, stream), "giving cuBLAS its stream");
  } catch (...) {
    static_cast<void>(library_.destroy(handle_));
    throw;
  }
}

Cublas::~Cublas() {
  static_cast<void>(library_.destroy(handle_));
}

std::unique_ptr<MatmulPlan> Cublas::prepare(const MatmulShape& shape) const {
  for (const std::int64_t extent :
       {shape.models, shape.m, shape.n, shape.k, shape.a_stride, shape.b_stride, shape.c_stride}) {
    if (extent > std::numeric_limits<int>::max()) {
      throw DeviceError(
          fmt::format("{} is beyond cuBLAS, whose extents are below 2^31: choose a smaller batch", text_of(shape)));
    }
  }
  return std::make_unique<CublasMatmul>(shape, workspace_bytes_);
}

// cuBLAS counts by columns: a row-major c = a · b is, to it, c' = b' · a', without a copy.
void Cublas::run(const Matmul& product) {
  const MatmulShape& shape = static_cast<const CublasMatmul*>(product.plan)->shape;
  if (product.workspace != workspace_) {
    check(library_, library_.set_workspace(handle_, product.workspace, static_cast<std::size_t>(workspace_bytes_)),
          "giving cuBLAS its workspace");
    workspace_ = product.workspace;
  }
  const float one = 1.0f, zero = 0.0f;
  const auto narrow = [](std::int64_t extent) { return static_cast<int>(extent); };
  const cublasStatus_t status = library_.gemm(
      handle_, operation(shape.transpose_b), operation(shape.transpose_a), narrow(shape.n), narrow(shape.m),
      narrow(shape.k), &one, product.b.data, CUDA_R_32F, narrow(shape.b_stride), product.b.model_stride, product.a.data,
      CUDA_R_32F, narrow(shape.a_stride), product.a.model_stride, &zero, product.c.data, CUDA_R_32F,
      narrow(shape.c_stride), product.c.model_stride, narrow(shape.models), compute_, CUBLAS_GEMM_DEFAULT);
  if (status != CUBLAS_STATUS_SUCCESS) check(library_, status, text_of(shape));
}

}  // namespace rushlight
