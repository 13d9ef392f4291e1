// cuBLAS, opened when the first product is prepared: programs that use no GPU neither need nor load it.
#pragma once

#include <cublas_v2.h>

#include <memory>
#include <span>
#include <string>

namespace rushlight {

/// The calls in use, by their real types.
struct CublasLibrary {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace = nullptr;
  decltype(&cublasGemmStridedBatchedEx) gemm = nullptr;
  decltype(&cublasGetStatusString) status_string = nullptr;
};

/// The file names under which cuBLAS of this build's CUDA version is looked for, best first.
std::span<const std::string> cublas_names();

/// Stays loaded. @throws DeviceError that lists what was tried.
CublasLibrary open_cublas(std::span<const std::string> names = cublas_names());

/// @throws DeviceError: `what` failed, and cuBLAS's words.
void check(const CublasLibrary& library, cublasStatus_t status, const std::string& what);

}  // namespace rushlight
