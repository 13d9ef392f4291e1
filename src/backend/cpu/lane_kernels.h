// The operations that touch every activation and parameter, on vectors of eight lanes: loops around the formulas of
// kernels/, compiled for each set of vectors.
#pragma once

#include "kernels/adam.h"
#include "kernels/bias_relu_dropout.h"
#include "kernels/gather.h"
#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/part.h"

namespace rushlight {

/// The bits are those of the operations' own call, item by item.
struct LaneKernels {
  void (*adam)(const AdamUpdate& operation, std::int64_t model, Range blocks) = nullptr;
  /// The same; where there are such stores, parameters go past the caches to memory. They must be aligned to 32 bytes.
  void (*adam_past_caches)(const AdamUpdate& operation, std::int64_t model, Range blocks) = nullptr;
  void (*gather)(const GatherPixels& operation, Range rows) = nullptr;
  void (*forward)(const BiasReluDropoutForward& operation, std::int64_t model, Range rows, Range blocks) = nullptr;
  /// The sums of dx over the rows, which begin with a chunk of the tree, go to sums[column], or are left out where it
  /// is null; the operation's dbias is not written.
  void (*backward)(const BiasReluDropoutBackward& operation, std::int64_t model, Range rows, Range blocks,
                   float* sums) = nullptr;
};

const LaneKernels& lane_kernels(InstructionSet set);

// Null where the architecture has no such vectors.
const LaneKernels* baseline_lane_kernels();
const LaneKernels* avx2_lane_kernels();
const LaneKernels* avx512_lane_kernels();

}  // namespace rushlight
