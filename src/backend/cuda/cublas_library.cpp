#include "src/backend/cuda/cublas_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <rushlight/error.h>

#include <array>

#include "src/backend/cuda/check.h"

namespace rushlight {
namespace {

template <class Function>
void find(void* library, const std::string& file, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) throw DeviceError(fmt::format("{} has no {}: install a complete CUDA toolkit", file, name));
}

}  // namespace

std::span<const std::string> cublas_names() {
  static const std::string file = fmt::format("libcublas.so.{}", CUBLAS_VER_MAJOR);
  static const std::array<std::string, 2> names = {file, "/usr/local/cuda/lib64/" + file};
  return names;
}

CublasLibrary open_cublas(std::span<const std::string> names) {
  std::string refusals;
  for (const std::string& name : names) {
    void* const library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      refusals += fmt::format("{}{}", refusals.empty() ? "" : "; ", dlerror());
      continue;
    }
    CublasLibrary table;
    find(library, name, "cublasCreate_v2", table.create);
    find(library, name, "cublasDestroy_v2", table.destroy);
    find(library, name, "cublasSetStream_v2", table.set_stream);
    find(library, name, "cublasSetWorkspace_v2", table.set_workspace);
    find(library, name, "cublasGemmStridedBatchedEx", table.gemm);
    find(library, name, "cublasGetStatusString", table.status_string);
    return table;
  }
  throw DeviceError(
      fmt::format("cuBLAS {} cannot be loaded ({}): install it (Debian's and NVIDIA's package is libcublas), and name "
                  "its folder in LD_LIBRARY_PATH",
                  CUBLAS_VER_MAJOR, refusals));
}

void check(const CublasLibrary& library, cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const bool memory = status == CUBLAS_STATUS_ALLOC_FAILED || status == CUBLAS_STATUS_NOT_INITIALIZED;
  const cudaError_t behind = cudaPeekAtLastError();
  throw DeviceError(fmt::format(
      "{} failed: cuBLAS says {} (status {}); {}", what, library.status_string(status), static_cast<int>(status),
      memory ? "the GPU has probably no memory left for cuBLAS itself: look at `nvidia-smi` for who else uses it"
             : explain(behind == cudaSuccess ? cudaErrorLaunchFailure : behind)));
}

}  // namespace rushlight
