#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <rushlight/error.h>

#include "kernels/portable.h"
#include "src/backend/cuda/check.h"
#include "src/backend/cuda/cuda_backend.h"
#include "src/backend/cuda_backend.h"

namespace rushlight {
namespace {

struct Devices {
  int count = 0;
  cudaError_t status = cudaSuccess;  // Why there are none.
};

Devices find_devices() {
  Devices found;
  found.status = cudaGetDeviceCount(&found.count);
  static_cast<void>(cudaGetLastError());
  if (found.status == cudaSuccess && found.count == 0) found.status = cudaErrorNoDevice;
  if (found.status != cudaSuccess) found.count = 0;
  return found;
}

/// The CUDA version that the driver knows, or 0.
int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

GpuInfo describe_gpu(int index) {
  GpuInfo gpu{.device = Device::cuda(index)};
  cudaDeviceProp properties{};
  if (const cudaError_t status = cudaGetDeviceProperties(&properties, index); status != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    gpu.obstacle = explain(status);
    return gpu;
  }
  gpu.name = properties.name;
  gpu.architecture = fmt::format("sm_{}{}", properties.major, properties.minor);
  gpu.multiprocessors = properties.multiProcessorCount;
  gpu.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  try {
    const CudaBackend probe(gpu.device);
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free memory");
    gpu.free_bytes = static_cast<std::int64_t>(free);
  } catch (const DeviceError& error) {
    gpu.obstacle = error.what();
  }
  return gpu;
}

}  // namespace

int count_gpus() {
  return find_devices().count;
}

std::string why_no_cuda(int index) {
  const Devices devices = find_devices();
  if (devices.count == 0) return explain(devices.status);
  return describe_gpu(index).obstacle;
}

GpuInventory find_gpus() {
  const int driver = driver_version();
  GpuInventory found{.build = describe_cuda_build(), .emulated = kEmulated};
  if (driver > 0) found.driver = fmt::format("{}.{}", driver / 1000, driver % 1000 / 10);
  const Devices devices = find_devices();
  if (devices.count == 0) {
    found.obstacle = explain(devices.status);
    const bool none = driver == 0 || devices.status == cudaErrorNoDevice;
    found.presence = none ? GpuPresence::none : GpuPresence::unusable;
    return found;
  }
  found.presence = GpuPresence::unusable;
  for (int i = 0; i < devices.count; ++i) {
    found.gpus.push_back(describe_gpu(i));
    if (found.gpus.back().obstacle.empty()) found.presence = GpuPresence::usable;
  }
  if (found.presence == GpuPresence::unusable) found.obstacle = found.gpus.front().obstacle;
  return found;
}

std::shared_ptr<Backend> make_cuda_backend(const Device& device) {
  const Devices devices = find_devices();
  if (devices.count == 0) {
    throw DeviceError(fmt::format("{} cannot be used: {}; `--device cpu` runs the same on a CPU", to_string(device),
                                  explain(devices.status)));
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
