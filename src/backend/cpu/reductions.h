// The CPU's bodies of the two reductions. Both sum in the order of kernels/tree.h, for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/tree.h"
#include "src/backend/cpu/parallel_for.h"

namespace rushlight {

template <class Operation>
void reduce_rows(int threads, const Operation& operation) {
  constexpr std::int64_t kGrain = 16;
  using Partial = typename Operation::Partial;
  parallel_for(threads, operation.rows(), kGrain, [&operation](std::int64_t begin, std::int64_t end) {
    const Operation local = operation;
    const auto combine = [](const Partial& a, const Partial& b) { return Operation::combine(a, b); };
    for (std::int64_t row = begin; row < end; ++row) {
      const Partial all = tree_reduce<Partial>(
          local.cols(), [&](std::int64_t col) { return local.load(row, col); }, combine);
      local.finish(row, all);
      if (!local.stores()) continue;
      for (std::int64_t col = 0; col < local.cols(); ++col) local.store(row, col, all);
    }
  });
}

/// Up to this many neighbouring items are summed together, row by row, so that memory is read along rows.
inline constexpr std::int64_t kColumnTile = 8;

template <class Operation>
void reduce_column_tile(const Operation& operation, std::int64_t first, std::int64_t items) {
  using Partial = typename Operation::Partial;
  const auto combine = [](const Partial& a, const Partial& b) { return Operation::combine(a, b); };
  PairwiseStack<Partial> stacks[kColumnTile];
  Partial partials[kColumnTile];
  const auto item = [first](std::int64_t i) { return static_cast<std::uint64_t>(first + i); };
  const std::int64_t rows = operation.rows();
  for (std::int64_t begin = 0; begin < rows; begin += kTreeChunk) {
    const std::int64_t end = std::min(begin + kTreeChunk, rows);
    for (std::int64_t i = 0; i < items; ++i) partials[i] = operation.load(begin, item(i));
    for (std::int64_t row = begin + 1; row < end; ++row) {
      for (std::int64_t i = 0; i < items; ++i) {
        partials[i] = Operation::combine(partials[i], operation.load(row, item(i)));
      }
    }
    for (std::int64_t i = 0; i < items; ++i) stacks[i].push(partials[i], combine);
  }
  for (std::int64_t i = 0; i < items; ++i) operation.finish(item(i), stacks[i].total(combine));
}

template <class Operation>
void reduce_columns(int threads, const Operation& operation) {
  constexpr std::int64_t kGrain = 1;
  const auto items = static_cast<std::int64_t>(operation.work_items());
  const std::int64_t tiles = (items + kColumnTile - 1) / kColumnTile;
  parallel_for(threads, tiles, kGrain, [&operation, items](std::int64_t begin, std::int64_t end) {
    const Operation local = operation;
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const std::int64_t first = tile * kColumnTile;
      reduce_column_tile(local, first, std::min(kColumnTile, items - first));
    }
  });
}

}  // namespace rushlight
