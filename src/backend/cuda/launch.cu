#include "src/backend/cuda/launch.h"

#include <algorithm>
#include <string>

#include "kernels/column_reduction.cuh"
#include "kernels/elementwise.cuh"
#include "kernels/row_reduction.cuh"
#include "src/backend/cuda/check.h"
#include "src/backend/cuda/launch_shape.cuh"

namespace rushlight {
namespace {

constexpr std::uint64_t kBlocksAMultiprocessor = 8;  // Of 256 threads: all that an SM can hold, or more.

/// As many blocks as the items need, or as fill the GPU: kernels stride over the rest.
cudaLaunchConfig_t configure(const LaunchShape& shape, std::uint64_t items, const LaunchTarget& target) {
  const std::uint64_t most = kBlocksAMultiprocessor * static_cast<std::uint64_t>(target.multiprocessors);
  const std::uint64_t blocks = (items + shape.items - 1) / shape.items;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(std::min(most, blocks)));
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = target.stream;
  return config;
}

void check_launch(cudaError_t status, const char* kernel, std::uint64_t count, const char* of, std::int64_t each) {
  if (status == cudaSuccess) return;
  check(status,
        std::string("launching ") + kernel + " kernel over " + std::to_string(count) + of + std::to_string(each));
}

template <class Operation>
void launch_elementwise(const Operation& operation, const LaunchTarget& target) {
  const std::uint64_t items = operation.work_items();
  if (items == 0) return;
  const cudaLaunchConfig_t config = configure(kElementwiseShape, items, target);
  check_launch(cudaLaunchKernelEx(&config, elementwise_kernel<Operation>, operation), "an elementwise", items,
               " groups of ", kLanes);
}

template <class Operation>
void launch_rows(const Operation& operation, const LaunchTarget& target) {
  const auto rows = static_cast<std::uint64_t>(operation.rows());
  if (rows == 0) return;
  if (operation.cols() <= kWarpRowCols) {
    const cudaLaunchConfig_t config = configure(kRowWarpShape, rows, target);
    check_launch(cudaLaunchKernelEx(&config, row_reduction_warp_kernel<Operation>, operation), "a row reduction", rows,
                 " rows of ", operation.cols());
    return;
  }
  const cudaLaunchConfig_t config = configure(kRowBlockShape<Operation>, rows, target);
  check_launch(cudaLaunchKernelEx(&config, row_reduction_block_kernel<Operation>, operation), "a row reduction", rows,
               " rows of ", operation.cols());
}

template <class Operation>
void launch_columns(const Operation& operation, const LaunchTarget& target) {
  const std::uint64_t items = operation.work_items();
  if (items == 0) return;
  const cudaLaunchConfig_t config = configure(kColumnShape<Operation>, items, target);
  check_launch(cudaLaunchKernelEx(&config, column_reduction_kernel<Operation>, operation), "a column reduction", items,
               " groups of columns with rows: ", operation.rows());
}

}  // namespace

void launch(const Elementwise& operation, const LaunchTarget& target) {
  std::visit([&target](const auto& one) { launch_elementwise(one, target); }, operation);
}

void launch(const RowReduction& operation, const LaunchTarget& target) {
  std::visit([&target](const auto& one) { launch_rows(one, target); }, operation);
}

void launch(const ColumnReduction& operation, const LaunchTarget& target) {
  std::visit([&target](const auto& one) { launch_columns(one, target); }, operation);
}

cudaError_t kernel_image_status() {
  cudaFuncAttributes attributes{};
  const auto kernel = &elementwise_kernel<Advance>;
  return cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel));
}

}  // namespace rushlight
