// The CPU's bodies of the two reductions. Both sum in the order of kernels/tree.h, for any number of threads.
#pragma once

#include <cstdint>

#include "kernels/tree.h"
#include "src/backend/cpu/part.h"

namespace rushlight {

template <class Operation>
void reduce_rows(const Operation& operation, Range rows) {
  using Partial = typename Operation::Partial;
  const auto combine = [](const Partial& a, const Partial& b) { return Operation::combine(a, b); };
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const Partial all = tree_reduce<Partial>(
        operation.cols(), [&](std::int64_t col) { return operation.load(row, col); }, combine);
    operation.finish(row, all);
    if (!operation.stores()) continue;
    for (std::int64_t col = 0; col < operation.cols(); ++col) operation.store(row, col, all);
  }
}

template <class Operation>
void reduce_columns(const Operation& operation, Range items) {
  using Partial = typename Operation::Partial;
  const auto combine = [](const Partial& a, const Partial& b) { return Operation::combine(a, b); };
  for (std::int64_t i = items.begin; i < items.end; ++i) {
    const auto item = static_cast<std::uint64_t>(i);
    operation.finish(item, tree_reduce<Partial>(
                               operation.rows(), [&](std::int64_t row) { return operation.load(row, item); }, combine));
  }
}

}  // namespace rushlight
