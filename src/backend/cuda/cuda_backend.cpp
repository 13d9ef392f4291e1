#include "src/backend/cuda_backend.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <rushlight/error.h>

namespace rushlight {

std::string why_no_cuda() {
  return "this version builds the elementwise kernels for GPUs but not yet the rest of a step, which comes with the "
         "next one";
}

std::shared_ptr<Backend> make_cuda_backend(int index) {
  throw DeviceError(
      fmt::format("cuda:{} cannot be used: {}; `--device cpu` runs the same on a CPU", index, why_no_cuda()));
}

std::string describe_cuda_build() {
  return fmt::format("CUDA {}.{}, elementwise kernels alone", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
}

}  // namespace rushlight
