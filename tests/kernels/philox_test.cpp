#include "kernels/philox.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace rushlight {
namespace {

std::array<std::uint32_t, 4> words(const std::array<std::uint32_t, 4>& c, std::uint64_t key) {
  const PhiloxBlock block = philox4x32_10({{c[0], c[1], c[2], c[3]}}, key);
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

// Random123's kat_vectors, lines "philox4x32 10": zeros, ones, and digits of pi.
TEST(PhiloxTest, GivesThePublishedVectors) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(words({0, 0, 0, 0}, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(words({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(PhiloxTest, EqualsRandom123ForManyCountersAndKeys) {
  std::mt19937 engine(1);
  const auto word = [&engine] { return static_cast<std::uint32_t>(engine()); };
  for (int i = 0; i < 20000; ++i) {
    const std::array<std::uint32_t, 4> counter{word(), word(), word(), word()};
    const std::array<std::uint32_t, 2> key{word(), word()};
    const r123::Philox4x32::ctr_type expected =
        r123::Philox4x32{}({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
    ASSERT_EQ(words(counter, std::uint64_t{key[1]} << 32 | key[0]),
              (std::array<std::uint32_t, 4>{expected[0], expected[1], expected[2], expected[3]}));
  }
}

}  // namespace
}  // namespace rushlight
