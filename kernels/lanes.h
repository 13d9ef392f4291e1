// Eight neighbouring columns are one item of work: one Philox block of dropout, one 32-byte load. A formula on one
// element is a template over its type: a float, or a vector of eight, whose comparisons and ?: go lane by lane.
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

/// f(0) to f(count - 1). GPUs keep lanes in registers where every loop is of constant length.
template <class F>
RL_HD inline void for_each_lane(int count, F f) {
  if (kOnGpu || count == kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (lane < count) f(lane);
    }
  } else {
    for (int lane = 0; lane < count; ++lane) f(lane);
  }
}

/// Eight neighbouring columns in registers: values, or partial sums.
struct alignas(kLanes * sizeof(float)) LaneFloats {
  float value[kLanes];
};

/// Whether a GPU moves these lanes by two accesses of 128 bits. A CPU's compiler makes better vectors of the plain
/// loop.
RL_HD inline bool moves_as_vectors(const float* data, int count) {
  return kOnGpu && count == kLanes && reinterpret_cast<std::uintptr_t>(data) % alignof(LaneFloats) == 0;
}

/// Lanes from `count` on are 0.
RL_HD inline LaneFloats load_lanes(const float* source, int count) {
  if (moves_as_vectors(source, count)) return *reinterpret_cast<const LaneFloats*>(source);
  LaneFloats loaded{};
  for_each_lane(count, [&](int lane) { loaded.value[lane] = source[lane]; });
  return loaded;
}

RL_HD inline void store_lanes(float* target, int count, const LaneFloats& values) {
  if (moves_as_vectors(target, count)) {
    store_four_floats(target, values.value);
    store_four_floats(target + 4, values.value + 4);
  } else {
    for_each_lane(count, [&](int lane) { target[lane] = values.value[lane]; });
  }
}

RL_HD inline LaneFloats add(const LaneFloats& a, const LaneFloats& b) {
  LaneFloats sum;
  for (int lane = 0; lane < kLanes; ++lane) sum.value[lane] = a.value[lane] + b.value[lane];
  return sum;
}

/// Eight neighbouring columns of a row.
struct BlockIndex {
  std::int64_t model;
  std::int64_t row;
  std::int64_t block;
};

/// The items of [models, rows, blocks], in order.
struct BlockGrid {
  std::int64_t models = 0;
  std::int64_t rows = 0;
  std::int64_t blocks = 0;

  RL_HD std::uint64_t items() const { return static_cast<std::uint64_t>(models * rows * blocks); }

  RL_HD BlockIndex at(std::uint64_t item) const {
    const std::uint64_t line = item / static_cast<std::uint64_t>(blocks);
    const std::uint64_t block = item - line * static_cast<std::uint64_t>(blocks);
    const std::uint64_t model = line / static_cast<std::uint64_t>(rows);
    return {static_cast<std::int64_t>(model),
            static_cast<std::int64_t>(line - model * static_cast<std::uint64_t>(rows)),
            static_cast<std::int64_t>(block)};
  }

  /// The item after `index`, without a division.
  RL_HD void advance(BlockIndex& index) const {
    if (++index.block < blocks) return;
    index.block = 0;
    if (++index.row < rows) return;
    index.row = 0;
    ++index.model;
  }
};

}  // namespace rushlight
