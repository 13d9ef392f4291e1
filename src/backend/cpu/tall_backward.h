// The backward of bias, ReLU and dropout over many rows. Elsewhere threads split the columns and each sums its own;
// here memory decides, which is read fastest along whole rows: threads split these, and the last one joins the sums.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "src/backend/command.h"
#include "src/backend/cpu/lane_kernels.h"
#include "src/backend/cpu/part.h"

namespace rushlight {

/// Sums of columns over segments of rows, which the threads of a team leave for the last one that is done.
class SegmentSums {
 public:
  /// Makes room for a command, whichever it is. No thread may be at one.
  void fit(const Command& command);

  float* of(std::int64_t segment, std::int64_t columns) { return sums_.data() + segment * columns; }

  /// Whether this is the last of so many calls. What the others wrote before theirs can be read then.
  bool is_last(int calls);

 private:
  std::vector<float> sums_;
  std::atomic<int> done_ = 0;
};

/// Null: the command is another, or its rows are few.
const BiasReluDropoutBackward* tall_backward(const Command& command);

/// How many segments of rows there are, of all members.
std::int64_t segments_of(const BiasReluDropoutBackward& tall);

/// A thread's part. The bits do not depend on the number of parts.
void run_tall(const BiasReluDropoutBackward& tall, Part part, const LaneKernels& kernels, SegmentSums& sums);

}  // namespace rushlight
