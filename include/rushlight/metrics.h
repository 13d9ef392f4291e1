// What a pass over data tells.
#pragma once

#include <cstdint>

namespace rushlight {

/// Means over `samples` samples; the sums behind them are kept in fp64 and in integers.
struct Metrics {
  double loss = 0;
  double accuracy = 0;  ///< In [0, 1]: the share of samples whose highest logit is their label's.
  std::int64_t samples = 0;
};

}  // namespace rushlight
