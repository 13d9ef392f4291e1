// The one place that launches kernels.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/elementwise.h"

namespace rushlight {

/// Enqueues the operation on `stream`; pointers in it are device memory. An operation without items is nothing.
/// @throws DeviceError with CUDA's own words if the launch is refused.
void launch(const Elementwise& operation, cudaStream_t stream);

}  // namespace rushlight
