// Dropout's mask: a unit is dropped when its 16-bit lane is below t = floor(p · 65536 + 0.5); kept units are multiplied
// by fp32(65536 / (65536 - t)), the inverse of the share really kept. Exactness: integers, and one division on the
// host; the same bits everywhere. Source: Srivastava et al., "Dropout", JMLR 15 (2014), scaled while training.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/lanes.h"
#include "kernels/pass_state.h"
#include "kernels/philox.h"
#include "kernels/portable.h"
#include "kernels/random.h"

namespace rushlight {

/// A member's rate, as the kernels use it. The scale of a layer that drops all is 0.
struct DropoutRate {
  std::uint32_t threshold = 0;  // 0 to 65536.
  float scale = 1.0f;
};

inline DropoutRate dropout_rate(double p) {
  const auto threshold = static_cast<std::uint32_t>(p * 65536.0 + 0.5);
  if (threshold >= 65536) return {65536, 0.0f};
  return {threshold, static_cast<float>(65536.0 / (65536.0 - threshold))};
}

/// Lane `lane` of 0 to 7: lane 0 is the low half of word 0, lane 1 its high half, and so on.
RL_HD inline std::uint32_t dropout_lane(const PhiloxBlock& block, int lane) {
  return (block.word[lane / 2] >> (16 * (lane % 2))) & 0xFFFFu;
}

/// A member of an ensemble or sweep: whose draws these are.
struct Member {
  std::uint64_t seed = 0;
  std::uint32_t model = 0;
  std::uint32_t unused = 0;  // Memory is compared as a whole, and padding would be anything.

  bool operator==(const Member&) const = default;
};
static_assert(std::has_unique_object_representations_v<Member>);

/// Where a dropout layer's masks come from. All pointers are backend memory, read when the kernel runs.
/// `rates` null: no dropout.
struct DropoutDraw {
  const Member* members = nullptr;     // [models]
  const DropoutRate* rates = nullptr;  // [models]
  const PassState* state = nullptr;
  std::uint32_t node = 0;
  Purpose purpose = Purpose::dropout;  // dropout, or mc_dropout.

  RL_HD bool on() const { return rates != nullptr; }
  RL_HD DropoutRate rate(std::int64_t model) const { return on() ? rates[model] : DropoutRate{}; }

  RL_HD RandomStream stream(std::int64_t model) const {
    return {members[model].seed, purpose, node, members[model].model};
  }

  /// A row's part of the counter. In mc mode rows count from the sample's place in its file.
  RL_HD std::uint32_t sample(std::int64_t row) const {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(row) +
                                      (purpose == Purpose::mc_dropout ? state->first + state->position : 0));
  }

  /// The 128 bits of eight neighbouring columns.
  RL_HD PhiloxBlock block(const BlockIndex& at) const {
    return stream(at.model).block(static_cast<std::uint32_t>(at.block), sample(at.row),
                                  static_cast<std::uint32_t>(state->step));
  }
};

}  // namespace rushlight
