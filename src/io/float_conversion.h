// Stored floating-point types to float32. f16 and bf16 are exact; f64 is rounded to nearest, beyond the range to
// infinity. NaN stays NaN. Source: IEEE 754-2019, sections 3.4 and 5.4.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace rushlight {

inline float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16U);
}

inline float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0) {  // Zero or subnormal: mantissa · 2^-24, exact in float32.
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t wide = exponent == 0x1fU ? 0xffU : exponent + (127U - 15U);
  return std::bit_cast<float>(sign | (wide << 23U) | (mantissa << 13U));
}

static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559);
inline float f64_to_float(std::uint64_t bits) {
  return static_cast<float>(std::bit_cast<double>(bits));
}

}  // namespace rushlight
