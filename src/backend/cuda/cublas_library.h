// cuBLAS, opened when the first product is prepared: programs that use no GPU neither need nor load it.
#pragma once

#include <cublas_v2.h>

#include <memory>
#include <span>
#include <string>

namespace rushlight {

/// cublasGemmStridedBatchedEx, which has an overload of older days.
using CublasGemm = cublasStatus_t(cublasHandle_t handle, cublasOperation_t transpose_a, cublasOperation_t transpose_b,
                                  int m, int n, int k, const void* alpha, const void* a, cudaDataType a_type, int lda,
                                  long long a_model_stride, const void* b, cudaDataType b_type, int ldb,
                                  long long b_model_stride, const void* beta, void* c, cudaDataType c_type, int ldc,
                                  long long c_model_stride, int models, cublasComputeType_t compute,
                                  cublasGemmAlgo_t algorithm);

/// The calls in use, by their real types.
struct CublasLibrary {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace = nullptr;
  decltype(static_cast<CublasGemm*>(&cublasGemmStridedBatchedEx)) gemm = nullptr;
  decltype(&cublasGetStatusString) status_string = nullptr;
};

/// The file names under which cuBLAS of this build's CUDA version is looked for, best first.
std::span<const std::string> cublas_names();

/// Stays loaded. @throws DeviceError that lists what was tried.
CublasLibrary open_cublas(std::span<const std::string> names = cublas_names());

/// @throws DeviceError: `what` failed, and cuBLAS's words.
void check(const CublasLibrary& library, cublasStatus_t status, const std::string& what);

}  // namespace rushlight
