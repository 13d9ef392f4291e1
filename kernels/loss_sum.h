// Adds a batch's losses, right answers and samples to each member's sums of the epoch.
// Shapes: loss, correct [models, rows]; sums [models].  Rows beyond the data set are padding and count nothing.
// Exactness: fp64 in the fixed order of sums; the same bits on every backend for the same losses.
#pragma once

#include <cstdint>

#include "kernels/cost.h"
#include "kernels/pass_state.h"
#include "kernels/portable.h"
#include "kernels/view.h"

namespace rushlight {

/// A column reduction. One item: a member.
struct LossSum {
  using Partial = EpochSums;

  Vector<const float> loss;
  Vector<const std::uint32_t> correct;
  const PassState* state = nullptr;
  EpochSums* sums = nullptr;

  RL_HD std::uint64_t work_items() const { return static_cast<std::uint64_t>(loss.models); }
  RL_HD std::int64_t rows() const { return loss.size; }
  Cost cost() const {
    const std::int64_t sum_bytes = bytes_of<EpochSums>(loss.models), elements = loss.models * loss.size;
    return {bytes_of<PassState>(1) + loss.bytes() + correct.bytes() + sum_bytes, sum_bytes, elements, elements};
  }

  RL_HD Partial load(std::int64_t row, std::uint64_t item) const {
    const auto model = static_cast<std::int64_t>(item);
    if (state->position + static_cast<std::uint64_t>(row) >= state->samples) return {};
    return {static_cast<double>(loss.member(model)[row]), correct.member(model)[row], 1};
  }

  RL_HD static Partial combine(const Partial& a, const Partial& b) {
    return {a.loss + b.loss, a.correct + b.correct, a.samples + b.samples};
  }

  RL_HD void finish(std::uint64_t item, const Partial& batch) const { sums[item] = combine(sums[item], batch); }
};

}  // namespace rushlight
