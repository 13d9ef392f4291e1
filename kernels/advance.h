// The last operation of a step: the step number and the place in the epoch move on, on the device.
#pragma once

#include <cstdint>

#include "kernels/cost.h"
#include "kernels/pass_state.h"
#include "kernels/portable.h"

namespace rushlight {

enum class StepCount : std::uint32_t { advance, keep };

/// One item in all. In passes without training the step stays: in mc mode it is the index of the pass.
struct Advance {
  PassState* state = nullptr;
  std::uint64_t rows = 0;
  StepCount step = StepCount::advance;

  RL_HD std::uint64_t work_items() const { return 1; }
  Cost cost() const {
    const std::int64_t bytes = bytes_of<std::uint64_t>(step == StepCount::advance ? 2 : 1);
    return {bytes, bytes, 0, 1};
  }

  RL_HD void operator()(std::uint64_t) const {
    if (step == StepCount::advance) ++state->step;
    state->position += rows;
  }
};

}  // namespace rushlight
