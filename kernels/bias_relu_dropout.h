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

  RL_HD BlockGrid grid() const { return {y.models, y.rows, lane_blocks(y.cols)}; }
  RL_HD std::uint64_t work_items() const { return grid().items(); }
  Cost cost() const {
    const int steps = (bias.data != nullptr ? 1 : 0) + (activation == Activation::relu ? 1 : 0) + (draw.on() ? 1 : 0);
    return {x.bytes() + bias.bytes(), y.bytes(), steps * y.elements(), y.elements()};
  }

  /// One element, or a vector of them. The bias comes first.
  template <class T>
  [[gnu::always_inline]] RL_HD static void rectify(T& value) {
    value = value <= 0.0f ? T{} : value;
  }

  /// `lane`: each one's 16 random bits.
  template <class T, class Bits>
  [[gnu::always_inline]] RL_HD static void drop(T& value, const Bits& lane, const DropoutRate& rate) {
    value = lane < rate.threshold ? T{} : value * rate.scale;
  }

  RL_HD void operator()(std::uint64_t item) const {
    const BlockIndex at = grid().at(item);
    const int count = lanes_in(y.cols, at.block);
    LaneFloats y_lanes = load_lanes(x.row(at.model, at.row) + at.block * kLanes, count);
    float* const value = y_lanes.value;
    if (bias.data != nullptr) {
      const LaneFloats term = load_lanes(bias.member(at.model) + at.block * kLanes, count);
      for_each_lane(count, [&](int lane) { value[lane] += term.value[lane]; });
    }
    if (activation == Activation::relu) for_each_lane(count, [&](int lane) { rectify(value[lane]); });
    if (draw.on()) {
      const PhiloxBlock bits = draw.block(at);
      const DropoutRate rate = draw.rate(at.model);
      for_each_lane(count, [&](int lane) { drop(value[lane], dropout_lane(bits, lane), rate); });
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

  RL_HD BlockGrid grid() const { return {dx.models, 1, lane_blocks(dx.cols)}; }
  RL_HD std::uint64_t work_items() const { return grid().items(); }
  RL_HD std::int64_t rows() const { return dx.rows; }
  Cost cost() const {
    const bool relu = activation == Activation::relu;
    return {dy.bytes() + (relu ? y.bytes() : 0), dx.bytes() + dbias.bytes(), (relu ? 3 : 2) * dx.elements(),
            dx.elements()};
  }

  /// One element, or a vector of them, dy times the scale: where the forward's result is not positive nothing passes.
  template <class T>
  [[gnu::always_inline]] RL_HD static void pass_positive(T& value, const T& output) {
    value = output > 0.0f ? value : T{};
  }

  /// `lane`: each one's 16 random bits.
  template <class T, class Bits>
  [[gnu::always_inline]] RL_HD static void pass_kept(T& value, const Bits& lane, const DropoutRate& rate) {
    value = lane < rate.threshold ? T{} : value;
  }

  RL_HD Partial load(std::int64_t row, std::uint64_t item) const {
    const BlockIndex at = grid().at(item);
    const int count = lanes_in(dx.cols, at.block);
    const DropoutRate rate = draw.rate(at.model);
    Partial result = load_lanes(dy.row(at.model, row) + at.block * kLanes, count);
    float* const value = result.value;
    for_each_lane(count, [&](int lane) { value[lane] *= rate.scale; });
    if (activation == Activation::relu) {
      const LaneFloats output = load_lanes(y.row(at.model, row) + at.block * kLanes, count);
      for_each_lane(count, [&](int lane) { pass_positive(value[lane], output.value[lane]); });
    } else if (draw.on()) {
      const PhiloxBlock bits = draw.block({at.model, row, at.block});
      for_each_lane(count, [&](int lane) { pass_kept(value[lane], dropout_lane(bits, lane), rate); });
    }
    store_lanes(dx.row(at.model, row) + at.block * kLanes, count, result);
    return result;
  }

  RL_HD static Partial combine(const Partial& a, const Partial& b) { return add(a, b); }

  RL_HD void finish(std::uint64_t item, const Partial& sum) const {
    if (dbias.data == nullptr) return;
    const BlockIndex at = grid().at(item);
    store_lanes(dbias.member(at.model) + at.block * kLanes, lanes_in(dx.cols, at.block), sum);
  }
};

}  // namespace rushlight
