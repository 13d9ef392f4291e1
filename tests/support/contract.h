// The random contract in the tests' own words, written from docs/design.md alone: what kernels/ is held against.
#pragma once

#include <Random123/philox.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace rushlight::contract {

using Words = std::array<std::uint32_t, 4>;

inline constexpr std::uint32_t kDropout = 0, kInitialWeights = 1, kShuffle = 2, kMonteCarlo = 4;

/// Random123's.
inline Words philox(const Words& c, std::uint64_t seed) {
  const r123::Philox4x32::ctr_type words =
      r123::Philox4x32{}({{c[0], c[1], c[2], c[3]}},
                         {{static_cast<std::uint32_t>(seed & 0xFFFFFFFF), static_cast<std::uint32_t>(seed >> 32)}});
  return {words[0], words[1], words[2], words[3]};
}

inline std::uint32_t last_word(std::uint32_t purpose, std::uint32_t node, std::uint32_t model) {
  return purpose << 28 | node << 16 | model;
}

/// Whose masks, and of which step (or, with kMonteCarlo, of which pass).
struct Mask {
  std::uint64_t seed = 777;
  std::uint32_t model = 0;
  std::uint32_t step = 0;
  std::uint32_t purpose = kDropout;

  /// What a unit is multiplied by: 0, or the inverse of the share kept, as it is rounded to fp32.
  float factor(std::uint32_t node, double p, std::uint32_t row, std::uint32_t column) const {
    const double t = std::floor(p * 65536.0 + 0.5);
    if (t == 0.0) return 1.0F;
    const Words words = philox({column / 8, row, step, last_word(purpose, node, model)}, seed);
    const std::uint32_t word = words[(column % 8) / 2];
    const std::uint32_t lane = column % 2 == 0 ? word % 65536 : word / 65536;
    return lane < t ? 0.0F : static_cast<float>(65536.0 / (65536.0 - t));
  }
};

}  // namespace rushlight::contract
