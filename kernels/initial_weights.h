// Uniform initial weights: element i reads word i mod 4 of counter (i / 4, tensor, 0, c3).
//   u = fp32(word >> 8) · 2^-24;  value = (2u - 1) · bound
// Exactness: 2u - 1 is exact, the product is one fp32 rounding; the same bits everywhere.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/portable.h"
#include "kernels/random.h"

namespace rushlight {

enum class InitialTensor : std::uint32_t { weight = 0, bias = 1 };

RL_HD inline float uniform_element(const RandomStream& stream, InitialTensor tensor, std::uint64_t i, float bound) {
  const PhiloxBlock block = stream.block(static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(tensor), 0);
  const float u = static_cast<float>(block.word[i % 4] >> 8) * 0x1p-24f;
  return (2.0f * u - 1.0f) * bound;
}

/// Glorot and Bengio, AISTATS 2010, equation 16.
inline float xavier_bound(std::int64_t in, std::int64_t out) {
  return static_cast<float>(std::sqrt(6.0 / static_cast<double>(in + out)));
}

/// torch.nn.Linear's bias.
inline float linear_bias_bound(std::int64_t in) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(in)));
}

}  // namespace rushlight
