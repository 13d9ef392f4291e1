#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <rushlight/error.h>

#include "src/backend/cuda/check.h"
#include "src/backend/cuda/cuda_backend.h"
#include "src/backend/cuda_backend.h"

namespace rushlight {
namespace {

struct Devices {
  int count = 0;
  std::string obstacle;  // Why there are none.
};

Devices find_devices() {
  Devices found;
  const cudaError_t status = cudaGetDeviceCount(&found.count);
  static_cast<void>(cudaGetLastError());
  if (status == cudaSuccess && found.count > 0) return found;
  return {0, explain(status == cudaSuccess ? cudaErrorNoDevice : status)};
}

}  // namespace

std::string why_no_cuda() {
  const Devices devices = find_devices();
  if (devices.count == 0) return devices.obstacle;
  try {
    const CudaBackend probe(Device::cuda());
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

std::shared_ptr<Backend> make_cuda_backend(const Device& device) {
  const Devices devices = find_devices();
  if (devices.count == 0) {
    throw DeviceError(fmt::format("{} cannot be used: {}; `--device cpu` runs the same on a CPU", to_string(device),
                                  devices.obstacle));
  }
  if (device.index >= devices.count) {
    throw DeviceError(fmt::format("{} is not there: this machine has {} that this process sees, cuda:0{}",
                                  to_string(device),
                                  devices.count == 1 ? "one GPU" : fmt::format("{} GPUs", devices.count),
                                  devices.count == 1 ? "" : fmt::format(" to cuda:{}", devices.count - 1)));
  }
  try {
    return std::make_shared<CudaBackend>(device);
  } catch (const DeviceError& error) {
    throw DeviceError(
        fmt::format("{} cannot be used: {}; `--device cpu` runs the same on a CPU", to_string(device), error.what()));
  }
}

std::string describe_cuda_build() {
  return fmt::format("CUDA {}.{}, code for {}", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
                     built_architectures());
}

}  // namespace rushlight
