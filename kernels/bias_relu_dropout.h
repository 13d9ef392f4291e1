// Fused bias + ReLU + dropout, each of the three optional.
//   pre = x + bias[column];  act = pre <= 0 ? 0 : pre;  y = kept ? act * scale : 0
//   dx = kept and act' ? dy * scale : 0;  dbias[column] = sum of dx over the rows
// Shapes: x, y, dy, dx [models, rows, cols]; bias, dbias [models, cols].
// Aliasing: y may be x; dx may be dy.  Exactness: the same bits on every backend.  NaN: a kept NaN stays NaN.
// No mask is stored: after ReLU `y > 0` marks the kept positive units, as the scale is at least 1; without ReLU it is
// drawn again. Source: Srivastava et al., "Dropout", JMLR 15 (2014), scaled while training.
#pragma once

#include <cstdint>

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

  RL_HD void operator()(std::uint64_t item) const {
    const BlockIndex at = BlockIndex::of(item, y.rows, lane_blocks(y.cols));
    const int count = lanes_in(y.cols, at.block);
    const float* source = x.row(at.model, at.row) + at.block * kLanes;
    float* target = y.row(at.model, at.row) + at.block * kLanes;
    float value[kLanes];
    for_each_lane(count, [&](int lane) { value[lane] = source[lane]; });
    if (bias.data != nullptr) {
      const float* term = bias.member(at.model) + at.block * kLanes;
      for_each_lane(count, [&](int lane) { value[lane] += term[lane]; });
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
    for_each_lane(count, [&](int lane) { target[lane] = value[lane]; });
  }
};

/// A column reduction whose load stores dx. One item: eight neighbouring columns of a member.
struct BiasReluDropoutBackward {
  using Partial = LaneSums;

  Matrix<const float> y;  // The forward's result; not read without ReLU.
  Matrix<const float> dy;
  Matrix<float> dx;
  Vector<float> dbias;  // data null: none.
  Activation activation = Activation::identity;
  DropoutDraw draw;

  RL_HD std::uint64_t work_items() const { return static_cast<std::uint64_t>(dx.models * lane_blocks(dx.cols)); }
  RL_HD std::int64_t rows() const { return dx.rows; }

  RL_HD Partial load(std::int64_t row, std::uint64_t item) const {
    const BlockIndex at = BlockIndex::of(item, 1, lane_blocks(dx.cols));
    const int count = lanes_in(dx.cols, at.block);
    const float* gradient = dy.row(at.model, row) + at.block * kLanes;
    float* target = dx.row(at.model, row) + at.block * kLanes;
    const DropoutRate rate = draw.rate(at.model);
    Partial result{};
    for_each_lane(count, [&](int lane) { result.value[lane] = gradient[lane] * rate.scale; });
    if (activation == Activation::relu) {
      const float* output = y.row(at.model, row) + at.block * kLanes;
      for_each_lane(count, [&](int lane) { result.value[lane] = output[lane] > 0.0f ? result.value[lane] : 0.0f; });
    } else if (draw.on()) {
      const PhiloxBlock bits = draw.block(at.model, row, at.block);
      for_each_lane(count, [&](int lane) {
        result.value[lane] = dropout_lane(bits, lane) < rate.threshold ? 0.0f : result.value[lane];
      });
    }
    for_each_lane(count, [&](int lane) { target[lane] = result.value[lane]; });
    return result;
  }

  RL_HD static Partial combine(const Partial& a, const Partial& b) { return add(a, b); }

  RL_HD void finish(std::uint64_t item, const Partial& sum) const {
    if (dbias.data == nullptr) return;
    const BlockIndex at = BlockIndex::of(item, 1, lane_blocks(dx.cols));
    float* target = dbias.member(at.model) + at.block * kLanes;
    for_each_lane(lanes_in(dx.cols, at.block), [&](int lane) { target[lane] = sum.value[lane]; });
  }
};

}  // namespace rushlight
