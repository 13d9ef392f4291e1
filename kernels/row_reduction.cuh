// Reductions along rows, in the order of kernels/tree.h: a warp a row while a lane folds one chunk, else a block a row.
// Both are right for any grid size. Aliasing: `store` may overwrite what `load` and `finish` read of its row.
#pragma once

#include <cstdint>

#include "kernels/device.cuh"
#include "kernels/row_reduction.h"
#include "kernels/tree.h"
#include "kernels/warp.cuh"

namespace rushlight {

inline constexpr unsigned kRowThreads = 256;
static_assert(kWarpRowCols == kWarpThreads * kTreeChunk);

/// REQUIRES: the chunk exists.
template <class Operation>
__device__ typename Operation::Partial fold_chunk(const Operation& operation, std::int64_t row, std::int64_t chunk) {
  const std::int64_t first = chunk * kTreeChunk;
  const std::int64_t last = first + kTreeChunk < operation.cols() ? first + kTreeChunk : operation.cols();
  typename Operation::Partial partial = operation.load(row, first);
  for (std::int64_t col = first + 1; col < last; ++col) {
    partial = Operation::combine(partial, operation.load(row, col));
  }
  return partial;
}

__device__ inline std::int64_t chunks_of(std::int64_t cols) {
  return (cols + kTreeChunk - 1) / kTreeChunk;
}

/// Every lane gets the row's total.
template <class Operation>
__device__ typename Operation::Partial reduce_row_in_warp(const Operation& operation, std::int64_t row, unsigned lane) {
  using Partial = typename Operation::Partial;
  const auto chunks = static_cast<unsigned>(chunks_of(operation.cols()));
  Partial partial{};
  if (lane < chunks) partial = fold_chunk(operation, row, lane);
  for (unsigned step = 1; step < chunks; step *= 2) {
    const Partial right = shuffle_down(partial, step);
    if (lane % (2 * step) == 0 && lane + step < chunks) partial = Operation::combine(partial, right);
  }
  return broadcast(partial);
}

/// REQUIRES: cols <= kWarpRowCols.
template <class Operation>
__global__ void row_reduction_warp_kernel(Operation operation) {
  const unsigned lane = threadIdx.x % kWarpThreads;
  const std::int64_t warps = std::int64_t{gridDim.x} * (blockDim.x / kWarpThreads);
  std::int64_t row = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarpThreads;
  for (; row < operation.rows(); row += warps) {
    const auto all = reduce_row_in_warp(operation, row, lane);
    if (lane == 0) operation.finish(row, all);
    if (!operation.stores()) continue;
    __syncwarp();
    for (std::int64_t col = lane; col < operation.cols(); col += kWarpThreads) operation.store(row, col, all);
  }
}

template <class Partial>
struct RowShared {
  Partial partials[kRowThreads];
  PairwiseStack<Partial> rounds;  // Here, as every thread that can run would get one of its own.
};

/// The row's total, for thread 0 alone.
template <class Operation>
__device__ typename Operation::Partial reduce_row_in_block(const Operation& operation, std::int64_t row,
                                                           RowShared<typename Operation::Partial>& shared) {
  using Partial = typename Operation::Partial;
  const auto combine = [](const Partial& a, const Partial& b) { return Operation::combine(a, b); };
  const std::int64_t chunks = chunks_of(operation.cols());
  const unsigned thread = threadIdx.x;
  if (thread == 0) shared.rounds.clear();
  for (std::int64_t first = 0; first < chunks; first += kRowThreads) {  // A round is a whole subtree of the tree.
    const auto count = static_cast<unsigned>(chunks - first < kRowThreads ? chunks - first : kRowThreads);
    if (thread < count) shared.partials[thread] = fold_chunk(operation, row, first + thread);
    for (unsigned step = 1; step < count; step *= 2) {
      __syncthreads();
      if (thread % (2 * step) == 0 && thread + step < count) {
        shared.partials[thread] = Operation::combine(shared.partials[thread], shared.partials[thread + step]);
      }
    }
    if (thread == 0) shared.rounds.push(shared.partials[0], combine);
    if (first + kRowThreads < chunks) __syncthreads();
  }
  return thread == 0 ? shared.rounds.total(combine) : Partial{};
}

/// REQUIRES: a block of kRowThreads.
template <class Operation>
__global__ void row_reduction_block_kernel(Operation operation) {
  using Partial = typename Operation::Partial;
  RowShared<Partial>& shared = shared_memory<RowShared<Partial>>();
  for (std::int64_t row = blockIdx.x; row < operation.rows(); row += gridDim.x) {
    const Partial total = reduce_row_in_block(operation, row, shared);
    if (threadIdx.x == 0) {
      operation.finish(row, total);
      shared.partials[0] = total;
    }
    __syncthreads();
    const Partial all = shared.partials[0];
    if (operation.stores()) {
      for (std::int64_t col = threadIdx.x; col < operation.cols(); col += kRowThreads) operation.store(row, col, all);
    }
    __syncthreads();
  }
}

}  // namespace rushlight
