// The one kernel that runs any elementwise operation. Right for any grid size: threads stride over the items.
#pragma once

#include <cstdint>

namespace rushlight {

template <class Operation>
__global__ void elementwise_kernel(Operation operation) {
  const std::uint64_t stride = std::uint64_t{gridDim.x} * blockDim.x;
  const std::uint64_t items = operation.work_items();
  for (std::uint64_t item = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; item < items; item += stride) {
    operation(item);
  }
}

}  // namespace rushlight
