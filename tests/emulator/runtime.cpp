#include <cuda_runtime.h>

#include <cstring>

#include "tests/emulator/device.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"

namespace rushlight::emulator {
namespace {

constexpr int kOldDriver = 11040;
thread_local int device_of_thread = 0;

bool is_device(int device) {
  return device >= 0 && device < settings().devices;
}

cudaDeviceProp properties() {
  cudaDeviceProp it{};
  std::strncpy(it.name, "emulated device", sizeof it.name - 1);
  it.totalGlobalMem = static_cast<std::size_t>(settings().memory);
  it.sharedMemPerBlock = kSharedPerBlock;
  it.sharedMemPerBlockOptin = kSharedPerBlockOptin;
  it.sharedMemPerMultiprocessor = kSharedPerMultiprocessor;
  it.reservedSharedMemPerBlock = kSharedReservedPerBlock;
  it.regsPerBlock = kRegisters;
  it.regsPerMultiprocessor = kRegisters;
  it.warpSize = kWarp;
  it.memPitch = kMaxGrid[0];
  it.maxThreadsPerBlock = static_cast<int>(kMaxThreadsPerBlock);
  for (int axis = 0; axis < 3; ++axis) {
    it.maxThreadsDim[axis] = static_cast<int>(kMaxBlock[axis]);
    it.maxGridSize[axis] = static_cast<int>(kMaxGrid[axis]);
  }
  it.totalConstMem = 65536;
  it.major = settings().driver == Driver::unknown_architecture ? 7 : 8;
  it.multiProcessorCount = kMultiprocessors;
  it.maxThreadsPerMultiProcessor = kThreadsPerMultiprocessor;
  it.maxBlocksPerMultiProcessor = kBlocksPerMultiprocessor;
  it.l2CacheSize = 1 << 20;
  it.memoryBusWidth = 5120;
  it.concurrentKernels = 1;
  it.asyncEngineCount = 3;
  it.unifiedAddressing = 1;
  it.canMapHostMemory = 1;
  it.streamPrioritiesSupported = 1;
  it.computePreemptionSupported = 1;
  it.textureAlignment = 512;
  it.texturePitchAlignment = 32;
  return it;
}

cudaError_t attribute(int* value, cudaDeviceAttr which) {
  const cudaDeviceProp it = properties();
  switch (which) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = it.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxBlockDimX:
      *value = it.maxThreadsDim[0];
      break;
    case cudaDevAttrMaxBlockDimY:
      *value = it.maxThreadsDim[1];
      break;
    case cudaDevAttrMaxBlockDimZ:
      *value = it.maxThreadsDim[2];
      break;
    case cudaDevAttrMaxGridDimX:
      *value = it.maxGridSize[0];
      break;
    case cudaDevAttrMaxGridDimY:
      *value = it.maxGridSize[1];
      break;
    case cudaDevAttrMaxGridDimZ:
      *value = it.maxGridSize[2];
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(it.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(it.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(it.sharedMemPerMultiprocessor);
      break;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *value = static_cast<int>(it.reservedSharedMemPerBlock);
      break;
    case cudaDevAttrWarpSize:
      *value = it.warpSize;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = it.multiProcessorCount;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = it.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *value = it.maxBlocksPerMultiProcessor;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = it.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = it.minor;
      break;
    case cudaDevAttrL2CacheSize:
      *value = it.l2CacheSize;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = it.memoryBusWidth;
      break;
    case cudaDevAttrAsyncEngineCount:
      *value = it.asyncEngineCount;
      break;
    case cudaDevAttrUnifiedAddressing:
      *value = it.unifiedAddressing;
      break;
    case cudaDevAttrClockRate:
      *value = 1'000'000;
      break;
    case cudaDevAttrMemoryClockRate:
      *value = 2'000'000;
      break;
    default:
      return cudaErrorInvalidValue;
  }
  return cudaSuccess;
}

// A question about a device, which a busy or lost one answers.
template <class Body>
cudaError_t about_device(int device, const Body& body) {
  if (const cudaError_t error = driver_status(); error != cudaSuccess) return remember(error);
  return remember(is_device(device) ? body() : cudaErrorInvalidDevice);
}

}  // namespace

int current_device() {
  return device_of_thread;
}

}  // namespace rushlight::emulator

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  if (settings().driver == Driver::none) *version = 0;
  if (settings().driver == Driver::old) *version = kOldDriver;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  const cudaError_t error = driver_status();
  *count = error == cudaSuccess ? settings().devices : 0;
  return remember(error);
}

cudaError_t cudaSetDevice(int device) {
  return about_device(device, [&] {
    device_of_thread = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return about_device(device_of_thread, [&] {
    *device = device_of_thread;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* result, int device) {
  return about_device(device, [&] {
    *result = properties();
    result->pciBusID = device;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
  return about_device(device, [&] { return attribute(value, which); });
}

cudaError_t cudaDeviceReset() {
  return release_call([] {
    if (live_objects() != 0) violation("cudaDeviceReset while something of the device is still in use");
    return cudaSuccess;
  });
}
}
