// cuRAND's host generator needs no GPU. It deals out blocks of four words in turns: word i of its sequence is word
// i mod 4 of counter (block / 65536, 0, block mod 65536, 0), where block = i / 4, and key = seed.
#include <curand.h>
#include <gtest/gtest.h>

#include <vector>

#include "kernels/philox.h"

namespace rushlight {
namespace {

constexpr std::uint64_t kSubsequences = 65536;

std::uint32_t word_of_sequence(std::uint64_t i, std::uint64_t seed) {
  const std::uint64_t block = i / 4;
  const PhiloxBlock words = philox4x32_10(
      {{static_cast<std::uint32_t>(block / kSubsequences), 0, static_cast<std::uint32_t>(block % kSubsequences), 0}},
      seed);
  return words.word[i % 4];
}

std::vector<std::uint32_t> curand_words(std::uint64_t seed, std::uint64_t offset, curandOrdering_t ordering,
                                        std::size_t count) {
  std::vector<std::uint32_t> words(count);
  curandGenerator_t generator = nullptr;
  EXPECT_EQ(curandCreateGeneratorHost(&generator, CURAND_RNG_PSEUDO_PHILOX4_32_10), CURAND_STATUS_SUCCESS);
  EXPECT_EQ(curandSetGeneratorOrdering(generator, ordering), CURAND_STATUS_SUCCESS);
  EXPECT_EQ(curandSetPseudoRandomGeneratorSeed(generator, seed), CURAND_STATUS_SUCCESS);
  EXPECT_EQ(curandSetGeneratorOffset(generator, offset), CURAND_STATUS_SUCCESS);
  EXPECT_EQ(curandGenerate(generator, words.data(), words.size()), CURAND_STATUS_SUCCESS);
  EXPECT_EQ(curandDestroyGenerator(generator), CURAND_STATUS_SUCCESS);
  return words;
}

class CurandTest : public ::testing::TestWithParam<curandOrdering_t> {};

TEST_P(CurandTest, PhiloxIsTheSameGenerator) {
  constexpr std::size_t kCount = 5001;
  for (const std::uint64_t seed : {0ULL, 777ULL, (1ULL << 32) + 1, 0xFEDCBA9876543210ULL}) {
    // The last two offsets reach the second and third counter of each subsequence.
    for (const std::uint64_t offset :
         std::vector<std::uint64_t>{0, 3, 4 * kSubsequences - 2000, 8 * kSubsequences - 7}) {
      const std::vector<std::uint32_t> words = curand_words(seed, offset, GetParam(), kCount);
      for (std::size_t i = 0; i < kCount; ++i) {
        ASSERT_EQ(words[i], word_of_sequence(offset + i, seed)) << "word " << i << " of seed " << seed;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orderings, CurandTest,
                         ::testing::Values(CURAND_ORDERING_PSEUDO_DEFAULT, CURAND_ORDERING_PSEUDO_LEGACY),
                         [](const auto& one) {
                           return one.param == CURAND_ORDERING_PSEUDO_DEFAULT ? "Default" : "Legacy";
                         });

}  // namespace
}  // namespace rushlight
