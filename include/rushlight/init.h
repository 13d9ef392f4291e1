// Initial weights.
#pragma once

#include <cstdint>

namespace rushlight {

/// A Linear's weight is uniform in ±sqrt(6 / (in + out)); its bias, as torch.nn.Linear's, in ±1 / sqrt(in).
/// Source: Glorot and Bengio, AISTATS 2010, equation 16.
struct XavierUniform {};

/// Drawn on the host from Philox4x32-10: the same bits on every device.
struct InitOptions {
  std::uint64_t seed = 777;
};

}  // namespace rushlight
