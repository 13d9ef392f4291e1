// Reductions over rows, in the order of kernels/tree.h: a block takes two items (each a group of columns) and, in turn,
// four chunks of 32 rows; each row of each item is a thread's. Right for any grid size. Aliasing: `load` may store to
// what it alone reads.
#pragma once

#include <cstdint>

#include "kernels/device.cuh"
#include "kernels/tree.h"

namespace rushlight {

inline constexpr unsigned kColumnItems = 2;
inline constexpr unsigned kColumnChunks = 4;
inline constexpr unsigned kColumnThreads = kColumnItems * kTreeChunk * kColumnChunks;

template <class Partial>
struct ColumnShared {
  Partial terms[kColumnChunks][kTreeChunk][kColumnItems];
  Partial sums[kColumnChunks][kColumnItems];
  PairwiseStack<Partial> totals[kColumnItems];  // Here, as every thread that can run would get one of its own.
};

/// REQUIRES: a block of kColumnThreads. Neighbouring threads have neighbouring items, so that a row is read as one.
template <class Operation>
__global__ void column_reduction_kernel(Operation operation) {
  using Partial = typename Operation::Partial;
  const auto combine = [](const Partial& a, const Partial& b) { return Operation::combine(a, b); };
  ColumnShared<Partial>& shared = shared_memory<ColumnShared<Partial>>();
  const unsigned place = threadIdx.x % kColumnItems;
  const auto line = static_cast<unsigned>(threadIdx.x / kColumnItems % kTreeChunk);
  const auto chunk = static_cast<unsigned>(threadIdx.x / (kColumnItems * kTreeChunk));
  const std::int64_t rows = operation.rows();
  const std::uint64_t items = operation.work_items();
  for (std::uint64_t first = blockIdx.x * kColumnItems; first < items; first += gridDim.x * kColumnItems) {
    const std::uint64_t item = first + place;
    PairwiseStack<Partial>& total = shared.totals[place];
    if (line == 0 && chunk == 0) total.clear();
    for (std::int64_t begin = 0; begin < rows; begin += kColumnChunks * kTreeChunk) {
      const std::int64_t chunk_begin = begin + chunk * kTreeChunk;
      const std::int64_t row = chunk_begin + line;
      if (item < items && row < rows) shared.terms[chunk][line][place] = operation.load(row, item);
      __syncthreads();
      if (line == 0 && item < items && row < rows) {
        const std::int64_t count = rows - chunk_begin < kTreeChunk ? rows - chunk_begin : kTreeChunk;
        Partial sum = shared.terms[chunk][0][place];
        for (std::int64_t i = 1; i < count; ++i) sum = combine(sum, shared.terms[chunk][i][place]);
        shared.sums[chunk][place] = sum;
      }
      __syncthreads();
      if (line == 0 && chunk == 0 && item < items) {
        for (unsigned i = 0; i < kColumnChunks && begin + i * kTreeChunk < rows; ++i) {
          total.push(shared.sums[i][place], combine);
        }
      }
    }
    if (line == 0 && chunk == 0 && item < items) operation.finish(item, total.total(combine));
  }
}

}  // namespace rushlight
