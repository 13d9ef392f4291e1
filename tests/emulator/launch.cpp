#include <algorithm>
#include <map>
#include <utility>

#include "tests/emulator/device.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"

namespace rushlight::emulator {
namespace {

// What cudaFuncSetAttribute allowed to kernels.
std::map<const void*, std::size_t>& allowed_shared_bytes() {
  static auto& it = *new std::map<const void*, std::size_t>;
  return it;
}

std::size_t shared_limit(const void* kernel) {
  const auto found = allowed_shared_bytes().find(kernel);
  return found == allowed_shared_bytes().end() ? kSharedPerBlock : found->second;
}

bool fits(const dim3& size, const unsigned (&limit)[3]) {
  return size.x > 0 && size.y > 0 && size.z > 0 && size.x <= limit[0] && size.y <= limit[1] && size.z <= limit[2];
}

cudaError_t check_launch(const cudaLaunchConfig_t& config, const void* kernel, const CUstream_st& stream) {
  if (settings().driver == Driver::unknown_architecture) return cudaErrorNoKernelImageForDevice;
  const std::uint64_t threads = std::uint64_t{config.blockDim.x} * config.blockDim.y * config.blockDim.z;
  if (!fits(config.gridDim, kMaxGrid) || !fits(config.blockDim, kMaxBlock) || threads > kMaxThreadsPerBlock) {
    return cudaErrorInvalidConfiguration;
  }
  if (config.dynamicSmemBytes > shared_limit(kernel)) return cudaErrorInvalidValue;
  if (config.numAttrs != 0) violation("launch attributes, which are not emulated");
  return stream.device == current_device() ? cudaSuccess : cudaErrorInvalidResourceHandle;
}

cudaError_t occupancy(int* blocks, int block_size, std::size_t shared_bytes) {
  if (block_size <= 0 || block_size > static_cast<int>(kMaxThreadsPerBlock)) return cudaErrorInvalidValue;
  constexpr int kLanes = kWarp;
  const int by_threads = kThreadsPerMultiprocessor / ((block_size + kLanes - 1) / kLanes * kLanes);
  const std::size_t by_shared = kSharedPerMultiprocessor / (shared_bytes + kSharedReservedPerBlock);
  *blocks = std::min({kBlocksPerMultiprocessor, by_threads, static_cast<int>(by_shared)});
  return cudaSuccess;
}

}  // namespace

cudaError_t enqueue_launch(const cudaLaunchConfig_t& config, Launch launch) {
  return device_call([&] {
    CUstream_st& stream = stream_of(config.stream, "a launch");
    if (const cudaError_t error = check_launch(config, launch.kernel, stream); error != cudaSuccess) return error;
    ++counters().launches;
    if (fault_now(FaultKind::launch)) return cudaErrorLaunchFailure;
    const std::string name = launch.name;
    if (fault_now(FaultKind::lost)) return enqueue(stream, Work{name, lose_device, {}});
    if (fault_now(FaultKind::wrong)) return enqueue(stream, Work{name, [] {}, {}});
    launch.grid = config.gridDim;
    launch.block = config.blockDim;
    launch.shared_bytes = config.dynamicSmemBytes;
    return enqueue(stream, Work{name, [launch = std::move(launch)] { run_grid(launch); }, {}});
  });
}

}  // namespace rushlight::emulator

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

extern "C" {

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* result, const void* kernel) {
  return device_call([&] {
    if (settings().driver == Driver::unknown_architecture) return cudaErrorNoKernelImageForDevice;
    *result = {};
    result->maxThreadsPerBlock = static_cast<int>(kMaxThreadsPerBlock);
    result->numRegs = kWarp;
    result->ptxVersion = 90;
    result->binaryVersion = 90;
    result->maxDynamicSharedSizeBytes = static_cast<int>(shared_limit(kernel));
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute which, int value) {
  return device_call([&] {
    if (settings().driver == Driver::unknown_architecture) return cudaErrorNoKernelImageForDevice;
    if (which != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaErrorNotSupported;
    if (value < 0 || static_cast<std::size_t>(value) > kSharedPerBlockOptin) return cudaErrorInvalidValue;
    allowed_shared_bytes()[kernel] = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* /*kernel*/, int block_size,
                                                                   std::size_t shared_bytes, unsigned /*flags*/) {
  return device_call([&] { return occupancy(blocks, block_size, shared_bytes); });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int block_size,
                                                          std::size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, block_size, shared_bytes, 0);
}
}
