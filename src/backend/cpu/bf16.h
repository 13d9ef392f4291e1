// bfloat16: the upper half of a float, rounded to nearest, ties to even; beyond the range it is infinity. NaN stays
// NaN, with its sign and the upper bits of its payload, and becomes quiet. Denormals are rounded like any other number.
// Source: IEEE 754-2019, sections 4.3.1 and 6.2.3.
#pragma once

#include <cstdint>

namespace rushlight {

/// `bits`: a float's, or a vector of several. Afterwards those of the bf16, widened: their lower half is 0.
template <class Bits>
[[gnu::always_inline]] inline void round_to_bf16(Bits& bits) {
  const Bits nearest = bits + (((bits >> 16) & 1) + 0x7fff), quiet = bits | 0x00400000;
  bits = ((bits & 0x7fffffff) > 0x7f800000 ? quiet : nearest) & 0xffff0000U;
}

[[gnu::always_inline]] inline float rounded_to_bf16(float value) {
  auto bits = __builtin_bit_cast(std::uint32_t, value);
  round_to_bf16(bits);
  return __builtin_bit_cast(float, bits);
}

}  // namespace rushlight
