// The one place that launches kernels.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/column_reduction.h"
#include "kernels/elementwise.h"
#include "kernels/row_reduction.h"

namespace rushlight {

/// Where kernels go, and how many blocks of threads fill the GPU.
struct LaunchTarget {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
};

/// Each enqueues its operation; pointers in it are device memory. An operation without items is nothing.
/// @throws DeviceError with the kernel's kind and size, and CUDA's own words, if the launch is refused.
void launch(const Elementwise& operation, const LaunchTarget& target);
void launch(const RowReduction& operation, const LaunchTarget& target);
void launch(const ColumnReduction& operation, const LaunchTarget& target);

/// Whether this build holds code for the current GPU, as CUDA says it.
cudaError_t kernel_image_status();

}  // namespace rushlight
