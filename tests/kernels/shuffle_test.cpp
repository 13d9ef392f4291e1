#include "kernels/shuffle.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/goldens.h"

namespace rushlight {
namespace {

std::vector<std::uint64_t> order_of(std::uint64_t n, std::uint64_t seed, std::uint32_t epoch) {
  std::vector<std::uint64_t> order;
  for (std::uint64_t position = 0; position < n; ++position) order.push_back(shuffled(position, n, seed, epoch));
  return order;
}

TEST(ShuffleTest, KeepsTheContractsVectors) {
  const nlohmann::json vectors = random_contract("shuffle");
  ASSERT_GE(vectors.size(), 30U);
  for (const nlohmann::json& vector : vectors) {
    const auto positions = vector.at("positions").get<std::vector<std::uint64_t>>();
    std::vector<std::uint64_t> samples;
    for (const std::uint64_t position : positions) {
      samples.push_back(shuffled(position, vector.at("n"), vector.at("seed"), vector.at("epoch")));
    }
    EXPECT_EQ(samples, vector.at("samples").get<std::vector<std::uint64_t>>()) << vector.at("n");
  }
}

TEST(ShuffleTest, GivesTheDesignsCheckValues) {
  const std::uint64_t expected[] = {4130, 16831, 54885, 58022, 34237};
  for (std::uint64_t position = 0; position < 5; ++position) {
    EXPECT_EQ(shuffled(position, 60000, 777, 0), expected[position]);
  }
}

TEST(ShuffleTest, GivesEverySampleOnce) {
  for (const std::uint64_t n : {1, 2, 3, 4, 5, 16, 17, 129, 1000, 65537}) {
    std::vector<int> seen(n, 0);
    for (const std::uint64_t sample : order_of(n, 777, 3)) {
      ASSERT_LT(sample, n);
      ++seen[sample];
    }
    EXPECT_EQ(seen, std::vector<int>(n, 1)) << n;
  }
}

TEST(ShuffleTest, DiffersFromEpochToEpochAndFromSeedToSeed) {
  for (const std::uint64_t n : {17, 129, 1000}) {
    const std::vector<std::uint64_t> order = order_of(n, 777, 0);
    EXPECT_NE(order, order_of(n, 777, 1)) << n;
    EXPECT_NE(order, order_of(n, 778, 0)) << n;
    EXPECT_NE(order, order_of(n, 777 + (std::uint64_t{1} << 32), 0)) << n;
    EXPECT_EQ(order, order_of(n, 777, 0)) << n;
  }
}

// Each sample's mean position over many epochs is the middle: within 5 standard errors of a uniform position's mean.
TEST(ShuffleTest, PutsEachSampleAnywhere) {
  constexpr std::uint64_t kSamples = 37;
  constexpr int kEpochs = 4000;
  std::vector<double> sums(kSamples, 0.0);
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<std::uint64_t> order = order_of(kSamples, 5, epoch);
    for (std::size_t position = 0; position < kSamples; ++position) {
      sums[order[position]] += static_cast<double>(position);
    }
  }
  const double sigma = std::sqrt((kSamples * kSamples - 1.0) / 12.0 / kEpochs);
  for (const double sum : sums) EXPECT_NEAR(sum / kEpochs, (kSamples - 1) / 2.0, 5 * sigma);
}

TEST(ShuffleTest, HalfBitsAreTheSmallestThatReach) {
  EXPECT_EQ(shuffle_half_bits(1), 1);
  EXPECT_EQ(shuffle_half_bits(4), 1);
  EXPECT_EQ(shuffle_half_bits(5), 2);
  EXPECT_EQ(shuffle_half_bits(16), 2);
  EXPECT_EQ(shuffle_half_bits(17), 3);
  EXPECT_EQ(shuffle_half_bits(std::uint64_t{1} << 32), 16);
}

}  // namespace
}  // namespace rushlight
