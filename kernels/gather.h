// A batch from the resident data set: which samples, then their pixels as floats.
//   indices[row] = the sample at position + row of the epoch's order;  x[row, c] = pixels[indices[row], c] / divisor
// Shapes: pixels [samples, features]; labels [samples]; indices, batch_labels [rows]; x [1, rows, features].
// Rows beyond the data set are padding: sample 0, which nothing counts.  Exactness: one fp32 division; the same bits
// everywhere.
#pragma once

#include <cstdint>

#include "kernels/cost.h"
#include "kernels/lanes.h"
#include "kernels/pass_state.h"
#include "kernels/portable.h"
#include "kernels/shuffle.h"
#include "kernels/view.h"

namespace rushlight {

enum class SampleOrder : std::uint32_t { shuffled, file };

/// One item: a row of the batch.
struct SelectBatch {
  const PassState* state = nullptr;
  const std::int32_t* labels = nullptr;  // Null: none.
  std::int64_t rows = 0;
  std::uint64_t seed = 0;
  SampleOrder order = SampleOrder::file;
  std::int64_t* indices = nullptr;
  std::int32_t* batch_labels = nullptr;

  RL_HD std::uint64_t work_items() const { return static_cast<std::uint64_t>(rows); }
  Cost cost() const {
    const std::int64_t label_bytes = labels == nullptr ? 0 : bytes_of<std::int32_t>(rows);
    return {bytes_of<PassState>(1) + label_bytes, bytes_of<std::int64_t>(rows) + label_bytes, 0, rows};
  }

  RL_HD void operator()(std::uint64_t item) const {
    const std::uint64_t position = state->position + item;
    std::uint64_t sample = 0;
    if (position < state->samples) {
      sample = order == SampleOrder::file
                   ? position
                   : shuffled(position, state->samples, seed, static_cast<std::uint32_t>(state->epoch));
    }
    indices[item] = static_cast<std::int64_t>(sample);
    if (labels != nullptr) batch_labels[item] = labels[sample];
  }
};

/// One item: eight neighbouring features of a row.
struct GatherPixels {
  const std::uint8_t* pixels = nullptr;
  const std::int64_t* indices = nullptr;
  Matrix<float> x;
  float divisor = 255.0f;

  RL_HD BlockGrid grid() const { return {1, x.rows, lane_blocks(x.cols)}; }
  RL_HD std::uint64_t work_items() const { return grid().items(); }
  Cost cost() const { return {x.elements() + bytes_of<std::int64_t>(x.rows), x.bytes(), x.elements(), x.elements()}; }

  RL_HD void operator()(std::uint64_t item) const {
    const BlockIndex at = grid().at(item);
    const std::uint8_t* source = pixels + indices[at.row] * x.cols + at.block * kLanes;
    const int count = lanes_in(x.cols, at.block);
    LaneFloats values{};
    for_each_lane(count, [&](int lane) { values.value[lane] = static_cast<float>(source[lane]) / divisor; });
    store_lanes(x.row(0, at.row) + at.block * kLanes, count, values);
  }
};

}  // namespace rushlight
