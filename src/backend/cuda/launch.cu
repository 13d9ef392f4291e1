#include "src/backend/cuda/launch.h"

#include <rushlight/error.h>

#include <algorithm>
#include <string>

#include "kernels/elementwise.cuh"

namespace rushlight {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::uint64_t kMaxBlocks = std::uint64_t{1} << 20;

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw DeviceError(std::string(what) + " failed: " + cudaGetErrorName(status) + ", " + cudaGetErrorString(status));
}

template <class Operation>
void launch_items(const Operation& operation, cudaStream_t stream) {
  const std::uint64_t items = operation.work_items();
  if (items == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(std::min(kMaxBlocks, (items + kThreads - 1) / kThreads)));
  config.blockDim = dim3(kThreads);
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, elementwise_kernel<Operation>, operation), "launching an elementwise kernel");
}

}  // namespace

void launch(const Elementwise& operation, cudaStream_t stream) {
  std::visit([stream](const auto& one) { launch_items(one, stream); }, operation);
}

}  // namespace rushlight
