// What changes from step to step, in backend memory, so that the same commands can be replayed.
#pragma once

#include <cstdint>

namespace rushlight {

struct PassState {
  std::uint64_t step = 0;      // Steps of the whole training; in mc mode the index of the pass.
  std::uint64_t epoch = 0;     // From 0.
  std::uint64_t position = 0;  // Position in the epoch's order of the batch's first sample.
  std::uint64_t samples = 0;   // Samples of the data set; rows beyond it are padding.
  std::uint64_t first = 0;     // Index in its file of the data set's first sample.
};

/// A member's sums over an epoch.
struct EpochSums {
  double loss = 0;
  std::uint64_t correct = 0;
  std::uint64_t samples = 0;
};

/// A member's optimizer numbers of the current step: beta^t by squaring in fp64.
struct AdamCorrections {
  float step_size = 0;                 // lr / (1 - beta1^t)
  float inverse_root_correction2 = 0;  // 1 / sqrt(1 - beta2^t)
};

}  // namespace rushlight
