// Fused bias + ReLU + dropout, each of the three optional.
//   pre = x + bias[column];  act = pre <= 0 ? 0 : pre;  y = kept ? act * scale : 0
//   dx = kept and act' ? dy * scale : 0;  dbias[column] = sum of dx over the rows
// Shapes: x, y, dy, dx [models, rows, cols]; bias, dbias [models, cols].
// Aliasing: y may be x; dx may be dy.  Exactness: the same bits on every backend.  NaN: a kept NaN stays NaN.
// No mask is stored: after ReLU `y > 0` marks the kept positive units, as the scale is at least 1; without ReLU it is
// drawn again. Source: Srivastava et al., "Dropout", JMLR 15 (2014), scaled while training.
#pragma once

#include <cstdint>

#include "kernels/cost.h"
#include "kernels/dropout.h"
#include "kernels/lanes.h"
#include "kernels/portable.h"
#include "kernels/view.h"

namespace rushlight {

enum class Activation : std::uint32_t { identity, relu };

/// One item: eight neighbouring columns, one Philox block.
struct BiasReluDropoutForward {
  Matrix<const float> x;
  Vector<const float> bias;  // data null: none.
  Matrix<float> y;
  Activation activation = Activation::identity;
  DropoutDraw draw;

  RL_HD std::uint64_t work_items() const { return static_cast<std::uint64_t>(y.models * y.rows * lane_blocks(y.cols)); }
  Cost cost() const {
    const int steps = (bias.data != nullptr ? 1 : 0) + (activation == Activation::relu ? 1 : 0) + (draw.on() ? 1 : 0);
    return {x.bytes() + bias.bytes(), y.bytes(), steps * y.elements(), y.elements()};
  }

  RL_HD void operator()(std::uint64_t item) const {
    const BlockIndex at = BlockIndex::of(item, y.rows, lane_blocks(y.cols));
    const int count = lanes_in(y.cols, at.block);
    LaneFloats y_lanes = load_lanes(x.row(at.model, at.row) + at.block * kLanes, count);
    float* const value = y_lanes.value;
    if (bias.data != nullptr) {
      const LaneFloats term = load_lanes(bias.member(at.model) + at.block * kLanes, count);
      for_each_lane(count, [&](int lane) { value[lane] += term.value[lane]; });
    }
    if (activation == Activation::relu) {
      for_each_lane(count, [&](int lane) { value[lane] = value[lane] <= 0.0f ? 0.0f : value[lane]; });
    }
    if (draw.on()) {
      const PhiloxBlock bits = draw.block(at.model, at.row, at.block);
      const DropoutRate rate = draw.rate(at.model);
      for_each_lane(count, [&](int lane) {
        value[lane] = dropout_lane(bits, lane) < rate.threshold ? 0.0f : value[lane] * rate.scale;
      });
    }
    store_lanes(y.row(at.model, at.row) + at.block * kLanes, count, y_lanes);
  }
};

/// A column reduction whose load stores dx. One item: eight neighbouring columns of a member.
struct BiasReluDropoutBackward {
  using Partial = LaneFloats;

  Matrix<const float> y;  // The forward's result; not read without ReLU.
  Matrix<const float> dy;
  Matrix<float> dx;
  Vector<float> dbias;  // data null: none.
  Activation activation = Activation::identity;
  DropoutDraw draw;

  RL_HD std::uint64_t work_items() const { return static_cast<std::uint64_t>(dx.models * lane_blocks(dx.cols)); }
  RL_HD std::int64_t rows() const { return dx.rows; }
  Cost cost() const {
    const bool relu = activation == Activation::relu;
    return {dy.bytes() + (relu ? y.bytes() : 0), dx.bytes() + dbias.bytes(), (relu ? 3 : 2) * dx.elements(),
            dx.elements()};
  }

  RL_HD Partial load(std::int64_t row, std::uint64_t item) const {
    const BlockIndex at = BlockIndex::of(item, 1, lane_blocks(dx.cols));
    const int count = lanes_in(dx.cols, at.block);
    const DropoutRate rate = draw.rate(at.model);
    Partial result = load_lanes(dy.row(at.model, row) + at.block * kLanes, count);
    float* const value = result.value;
    for_each_lane(count, [&](int lane) { value[lane] *= rate.scale; });
    if (activation == Activation::relu) {
      const LaneFloats output = load_lanes(y.row(at.model, row) + at.block * kLanes, count);
      for_each_lane(count, [&](int lane) { value[lane] = output.value[lane] > 0.0f ? value[lane] : 0.0f; });
    } else if (draw.on()) {
      const PhiloxBlock bits = draw.block(at.model, row, at.block);
      for_each_lane(count,
                    [&](int lane) { value[lane] = dropout_lane(bits, lane) < rate.threshold ? 0.0f : value[lane]; });
    }
    store_lanes(dx.row(at.model, row) + at.block * kLanes, count, result);
    return result;
  }

  RL_HD static Partial combine(const Partial& a, const Partial& b) { return add(a, b); }

  RL_HD void finish(std::uint64_t item, const Partial& sum) const {
    if (dbias.data == nullptr) return;
    const BlockIndex at = BlockIndex::of(item, 1, lane_blocks(dx.cols));
    store_lanes(dbias.member(at.model) + at.block * kLanes, lanes_in(dx.cols, at.block), sum);
  }
};

}  // namespace rushlight
