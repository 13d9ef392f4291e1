// Adam over a flat block of parameters.
//   m = m + (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g²
//   p = p - lr / (1 - beta1^t) · m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
// Shapes: parameters, gradients, m, v [models, size], size a multiple of 8; corrections, rates [models].
// Aliasing: none.  Exactness: the same bits on every backend.  NaN: a NaN gradient makes parameter and moments NaN.
// Padding of zeros stays zero, also where eps is 0 (torch.optim.Adam: NaN).
// Source: Kingma and Ba, "Adam", ICLR 2015, algorithm 1; eps as in torch.optim.Adam.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cost.h"
#include "kernels/lanes.h"
#include "kernels/pass_state.h"
#include "kernels/portable.h"
#include "kernels/view.h"

namespace rushlight {

/// base^exponent by squaring.
RL_HD inline double power(double base, std::uint64_t exponent) {
  double result = 1.0;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

/// The numbers of step t = state->step + 1. One item: a member.
struct AdamPrepare {
  const PassState* state = nullptr;
  const double* rates = nullptr;
  double beta1 = 0;
  double beta2 = 0;
  std::int64_t models = 0;
  AdamCorrections* corrections = nullptr;

  RL_HD std::uint64_t work_items() const { return static_cast<std::uint64_t>(models); }
  /// The powers, whose number of steps depends on t, are left out.
  Cost cost() const {
    return {bytes_of<PassState>(1) + bytes_of<double>(models), bytes_of<AdamCorrections>(models), 5 * models, models};
  }

  RL_HD void operator()(std::uint64_t item) const {
    const std::uint64_t t = state->step + 1;
    corrections[item] = {static_cast<float>(rates[item] / (1.0 - power(beta1, t))),
                         static_cast<float>(1.0 / std::sqrt(1.0 - power(beta2, t)))};
  }
};

/// One item: eight neighbouring elements.
struct AdamUpdate {
  Vector<float> parameters;
  Vector<const float> gradients;
  Vector<float> first_moments;
  Vector<float> second_moments;
  const AdamCorrections* corrections = nullptr;
  float one_minus_beta1 = 0;
  float beta2 = 0;
  float one_minus_beta2 = 0;
  float eps = 0;

  RL_HD BlockGrid grid() const { return {parameters.models, 1, parameters.size / kLanes}; }
  RL_HD std::uint64_t work_items() const { return grid().items(); }
  Cost cost() const {
    const std::int64_t block = parameters.bytes(), elements = parameters.models * parameters.size;
    return {4 * block, 3 * block, 14 * elements, elements};
  }

  /// One element, or a vector of them: then `root`, the square root of v, and `update_parameter`.
  template <class T>
  [[gnu::always_inline]] RL_HD void update_moments(const T& g, T& m, T& v) const {
    m = m + (g - m) * one_minus_beta1;
    v = v * beta2 + g * g * one_minus_beta2;
  }

  template <class T>
  [[gnu::always_inline]] RL_HD void update_parameter(const AdamCorrections& now, const T& m, const T& root,
                                                     T& p) const {
    const T denominator = root * now.inverse_root_correction2 + eps;
    // 0 / 0 where eps is 0 and every gradient was 0, as in padding: such an element stays.
    p = p - now.step_size * (m / (m == 0.0f ? T{} + 1.0f : denominator));
  }

  RL_HD void operator()(std::uint64_t item) const {
    const BlockIndex at = grid().at(item);
    const AdamCorrections now = corrections[at.model];
    const std::int64_t offset = at.block * kLanes;
    const LaneFloats gradient = load_lanes(gradients.member(at.model) + offset, kLanes);
    LaneFloats parameter = load_lanes(parameters.member(at.model) + offset, kLanes);
    LaneFloats first = load_lanes(first_moments.member(at.model) + offset, kLanes);
    LaneFloats second = load_lanes(second_moments.member(at.model) + offset, kLanes);
    for (int lane = 0; lane < kLanes; ++lane) {
      update_moments(gradient.value[lane], first.value[lane], second.value[lane]);
      update_parameter(now, first.value[lane], std::sqrt(second.value[lane]), parameter.value[lane]);
    }
    store_lanes(parameters.member(at.model) + offset, kLanes, parameter);
    store_lanes(first_moments.member(at.model) + offset, kLanes, first);
    store_lanes(second_moments.member(at.model) + offset, kLanes, second);
  }
};

}  // namespace rushlight
