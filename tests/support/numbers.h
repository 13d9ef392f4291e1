// Numbers for tests: a generator apart from the one under test, and comparisons.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace rushlight {

/// Sizes that no tile, vector or chunk divides.
inline constexpr std::int64_t kOddSizes[] = {1, 3, 17, 129};

/// In [-2, 2), multiples of 2^-12.
inline std::vector<float> arbitrary_floats(std::int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = (static_cast<float>(engine() >> 18) - 8192.0F) / 4096.0F;
  return values;
}

inline std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

/// The largest |a - b| / max(|b|, floor); infinite where one is NaN and the other is not.
template <class A, class B>
double worst_relative_error(const std::vector<A>& found, const std::vector<B>& expected, double floor = 1e-3) {
  if (found.size() != expected.size()) return HUGE_VAL;
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double a = static_cast<double>(found[i]), b = static_cast<double>(expected[i]);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::abs(a - b) / std::max(std::abs(b), floor);
    worst = std::isfinite(error) ? std::max(worst, error) : HUGE_VAL;
  }
  return worst;
}

}  // namespace rushlight
