// The random contract: which Philox counter belongs to which draw. docs/design.md has it in words; tests freeze it.
//   key = seed;  counter = (c0, c1, c2, purpose << 28 | node << 16 | model)
#pragma once

#include <cstdint>

#include "kernels/philox.h"
#include "kernels/portable.h"

namespace rushlight {

enum class Purpose : std::uint32_t {
  dropout = 0,
  initial_weights = 1,
  shuffle = 2,
  augmentation = 3,
  mc_dropout = 4,
  validation_split = 5,
  noise = 6,
  mixup = 7
};

inline constexpr std::uint32_t kMaxNodes = 1u << 12;
inline constexpr std::uint32_t kMaxModels = 1u << 16;
inline constexpr std::uint64_t kMaxSteps = std::uint64_t{1} << 32;

/// Who draws: a module of a member of an ensemble.
struct RandomStream {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::dropout;
  std::uint32_t node = 0;
  std::uint32_t model = 0;

  RL_HD std::uint32_t c3() const { return static_cast<std::uint32_t>(purpose) << 28 | node << 16 | model; }

  RL_HD PhiloxBlock block(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2) const {
    return philox4x32_10({{c0, c1, c2, c3()}}, seed);
  }
};

}  // namespace rushlight
