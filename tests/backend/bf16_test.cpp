#include "src/backend/cpu/bf16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace rushlight {
namespace {

std::uint32_t rounded(std::uint32_t bits) {
  return std::bit_cast<std::uint32_t>(rounded_to_bf16(std::bit_cast<float>(bits)));
}

TEST(Bf16Test, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(rounded_to_bf16(1.0F), 1.0F);
  EXPECT_EQ(rounded_to_bf16(1 + 0x1p-8F), 1.0F);             // Between 1 and 1 + 2^-7: the even one.
  EXPECT_EQ(rounded_to_bf16(1 + 3 * 0x1p-8F), 1 + 0x1p-6F);  // Between 1 + 2^-7 and 1 + 2^-6.
  EXPECT_EQ(rounded_to_bf16(1 + 0x1p-8F + 0x1p-23F), 1 + 0x1p-7F);
  EXPECT_EQ(rounded_to_bf16(1 + 0x1p-8F - 0x1p-23F), 1.0F);
  EXPECT_EQ(rounded_to_bf16(-(1 + 3 * 0x1p-8F)), -(1 + 0x1p-6F));
  EXPECT_EQ(rounded_to_bf16(2 - 0x1p-23F), 2.0F);  // Carries into the exponent.
}

TEST(Bf16Test, KeepsZerosInfinitiesAndWhatFits) {
  for (const std::uint32_t bits : {0x00000000U, 0x80000000U, 0x7f800000U, 0xff800000U, 0x7f7f0000U, 0x3f810000U}) {
    EXPECT_EQ(rounded(bits), bits);
  }
}

TEST(Bf16Test, WhatIsBeyondTheRangeIsInfinity) {
  EXPECT_EQ(rounded(0x7f7f7fffU), 0x7f7f0000U);
  EXPECT_EQ(rounded(0x7f7f8000U), 0x7f800000U);
  EXPECT_EQ(rounded(0xff7fffffU), 0xff800000U);
}

// All of the first one's payload is in the half that goes.
TEST(Bf16Test, NanStaysNanWithItsSignAndBecomesQuiet) {
  EXPECT_EQ(rounded(0x7f800001U), 0x7fc00000U);
  EXPECT_EQ(rounded(0xff800001U), 0xffc00000U);
  EXPECT_EQ(rounded(0x7fffffffU), 0x7fff0000U);
  EXPECT_EQ(rounded(0xffffffffU), 0xffff0000U);
  EXPECT_EQ(rounded(0x7fa5ffffU), 0x7fe50000U);
}

TEST(Bf16Test, DenormalsAreRoundedLikeOthers) {
  EXPECT_EQ(rounded(0x00008000U), 0x00000000U);
  EXPECT_EQ(rounded(0x00008001U), 0x00010000U);
  EXPECT_EQ(rounded(0x80018000U), 0x80020000U);
  EXPECT_EQ(rounded(0x007fffffU), 0x00800000U);  // The least normal number.
}

// std::nearbyint rounds ties to even; a number's neighbours are 2^(exponent - 7) apart.
TEST(Bf16Test, IsTheNearestOfAnyNumber) {
  std::mt19937 engine(7);
  for (int i = 0; i < 100000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(engine()));
    if (!std::isnormal(value) || std::fabs(value) > 0x1p127F) continue;
    const double step = std::ldexp(1.0, std::ilogb(value) - 7);
    ASSERT_EQ(static_cast<double>(rounded_to_bf16(value)), std::nearbyint(double{value} / step) * step) << value;
  }
}

TEST(Bf16Test, VectorsGiveTheBitsOfTheirElements) {
  using Four = std::uint32_t __attribute__((vector_size(16)));
  std::mt19937 engine(8);
  for (int i = 0; i < 10000; ++i) {
    // One of two has the exponent of NaN.
    Four bits{};
    for (int lane = 0; lane < 4; ++lane) {
      bits[lane] = static_cast<std::uint32_t>(engine()) | (lane % 2 == 0 ? 0x7f800000U : 0U);
    }
    Four found = bits;
    round_to_bf16(found);
    for (int lane = 0; lane < 4; ++lane) ASSERT_EQ(found[lane], rounded(bits[lane])) << std::hex << bits[lane];
  }
}

}  // namespace
}  // namespace rushlight
