#include "src/backend/cpu/tall_backward.h"

#include <algorithm>

#include "kernels/tree.h"

namespace rushlight {
namespace {

// A whole subtree of the tree of sums, so that these are its lower levels.
constexpr std::int64_t kSegmentRows = 8 * kTreeChunk;
constexpr std::int64_t kTallRows = 32 * kSegmentRows;

std::int64_t segments_of_member(const BiasReluDropoutBackward& tall) {
  return (tall.dx.rows + kSegmentRows - 1) / kSegmentRows;
}

std::int64_t padded_columns(const BiasReluDropoutBackward& tall) {
  return lane_blocks(tall.dx.cols) * kLanes;
}

void join(const BiasReluDropoutBackward& tall, SegmentSums& sums) {
  const std::int64_t segments = segments_of_member(tall);
  for (std::uint64_t item = 0; item < tall.work_items(); ++item) {
    const BlockIndex at = tall.grid().at(item);
    PairwiseStack<LaneFloats> joined;
    for (std::int64_t segment = 0; segment < segments; ++segment) {
      const float* const sum = sums.of(at.model * segments + segment, padded_columns(tall)) + at.block * kLanes;
      joined.push(load_lanes(sum, lanes_in(tall.dx.cols, at.block)), BiasReluDropoutBackward::combine);
    }
    tall.finish(item, joined.total(BiasReluDropoutBackward::combine));
  }
}

}  // namespace

void SegmentSums::fit(const Command& command) {
  const BiasReluDropoutBackward* const tall = tall_backward(command);
  if (tall == nullptr) return;
  const auto floats = static_cast<std::size_t>(segments_of(*tall) * padded_columns(*tall));
  if (floats > sums_.size()) sums_.resize(floats);
}

bool SegmentSums::is_last(int calls) {
  if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 != calls) return false;
  done_.store(0, std::memory_order_relaxed);
  return true;
}

const BiasReluDropoutBackward* tall_backward(const Command& command) {
  const auto* const reduction = std::get_if<ColumnReduction>(&command);
  const auto* const backward = reduction == nullptr ? nullptr : std::get_if<BiasReluDropoutBackward>(reduction);
  return backward != nullptr && backward->dx.rows >= kTallRows ? backward : nullptr;
}

std::int64_t segments_of(const BiasReluDropoutBackward& tall) {
  return tall.dx.models * segments_of_member(tall);
}

void run_tall(const BiasReluDropoutBackward& tall, Part part, const LaneKernels& kernels, SegmentSums& sums) {
  const std::int64_t segments = segments_of_member(tall);
  const Range mine = part.range(segments_of(tall));
  const bool joins = tall.dbias.data != nullptr;
  for (std::int64_t segment = mine.begin; segment < mine.end; ++segment) {
    const std::int64_t row = segment % segments * kSegmentRows;
    kernels.backward(tall, segment / segments, {row, std::min(row + kSegmentRows, tall.dx.rows)},
                     {0, lane_blocks(tall.dx.cols)}, joins ? sums.of(segment, padded_columns(tall)) : nullptr);
  }
  if (joins && sums.is_last(part.of)) join(tall, sums);
}

}  // namespace rushlight
