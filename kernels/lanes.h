// Eight neighbouring columns are one item of work: one Philox block of dropout, one 32-byte load.
#pragma once

#include <cstdint>

#include "kernels/portable.h"

namespace rushlight {

inline constexpr int kLanes = 8;

RL_HD inline std::int64_t lane_blocks(std::int64_t columns) {
  return (columns + kLanes - 1) / kLanes;
}

/// How many of block `block`'s columns exist: 8, or fewer at the end of a row.
RL_HD inline int lanes_in(std::int64_t columns, std::int64_t block) {
  const std::int64_t left = columns - block * kLanes;
  return left < kLanes ? static_cast<int>(left) : kLanes;
}

/// f(0) to f(count - 1). The full block is a loop of constant length, which compilers turn into vectors.
template <class F>
RL_HD inline void for_each_lane(int count, F f) {
  if (count == kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) f(lane);
  } else {
    for (int lane = 0; lane < count; ++lane) f(lane);
  }
}

/// Partial sums of eight columns.
struct LaneSums {
  float value[kLanes];
};

RL_HD inline LaneSums add(const LaneSums& a, const LaneSums& b) {
  LaneSums sum;
  for (int lane = 0; lane < kLanes; ++lane) sum.value[lane] = a.value[lane] + b.value[lane];
  return sum;
}

/// The member, row and block that item `item` of [models, rows, blocks] stands for.
struct BlockIndex {
  std::int64_t model;
  std::int64_t row;
  std::int64_t block;

  RL_HD static BlockIndex of(std::uint64_t item, std::int64_t rows, std::int64_t blocks) {
    const std::uint64_t line = item / static_cast<std::uint64_t>(blocks);
    const std::uint64_t block = item - line * static_cast<std::uint64_t>(blocks);
    const std::uint64_t model = line / static_cast<std::uint64_t>(rows);
    return {static_cast<std::int64_t>(model),
            static_cast<std::int64_t>(line - model * static_cast<std::uint64_t>(rows)),
            static_cast<std::int64_t>(block)};
  }
};

}  // namespace rushlight
