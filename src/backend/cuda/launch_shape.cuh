// How each kernel is launched: for `launch`, and for reports that have no GPU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/column_reduction.cuh"
#include "kernels/row_reduction.cuh"
#include "kernels/warp.cuh"

namespace rushlight {

/// A block of threads.
struct LaunchShape {
  unsigned threads = 0;
  std::uint64_t items = 0;       // Or rows, that it takes at a time.
  std::size_t shared_bytes = 0;  // Of memory whose size the launch gives.
};

inline constexpr unsigned kThreads = 256;

inline constexpr LaunchShape kElementwiseShape{kThreads, kThreads, 0};
inline constexpr LaunchShape kRowWarpShape{kThreads, kThreads / kWarpThreads, 0};

template <class Operation>
inline constexpr LaunchShape kRowBlockShape{kRowThreads, 1, sizeof(RowShared<typename Operation::Partial>)};

template <class Operation>
inline constexpr LaunchShape kColumnShape{kColumnThreads, kColumnItems,
                                          sizeof(ColumnShared<typename Operation::Partial>)};

}  // namespace rushlight
