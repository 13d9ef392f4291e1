#include "kernels/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "tests/support/goldens.h"

namespace rushlight {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words words(const RandomStream& stream, std::uint32_t c0, std::uint32_t c1, std::uint32_t c2) {
  const PhiloxBlock block = stream.block(c0, c1, c2);
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

TEST(RandomTest, KeepsTheContractsVectorsOfEveryPurpose) {
  const nlohmann::json vectors = random_contract("streams");
  std::set<std::uint32_t> purposes;
  for (const nlohmann::json& vector : vectors) {
    purposes.insert(vector.at("purpose").get<std::uint32_t>());
    const RandomStream stream{vector.at("seed"), static_cast<Purpose>(vector.at("purpose").get<std::uint32_t>()),
                              vector.at("node"), vector.at("model")};
    EXPECT_EQ(words(stream, vector.at("c0"), vector.at("c1"), vector.at("c2")), vector.at("words").get<Words>())
        << vector;
  }
  EXPECT_EQ(purposes.size(), 8U);
}

TEST(RandomTest, PurposesHaveTheContractsNumbers) {
  EXPECT_EQ(static_cast<int>(Purpose::dropout), 0);
  EXPECT_EQ(static_cast<int>(Purpose::initial_weights), 1);
  EXPECT_EQ(static_cast<int>(Purpose::shuffle), 2);
  EXPECT_EQ(static_cast<int>(Purpose::augmentation), 3);
  EXPECT_EQ(static_cast<int>(Purpose::mc_dropout), 4);
  EXPECT_EQ(static_cast<int>(Purpose::validation_split), 5);
  EXPECT_EQ(static_cast<int>(Purpose::noise), 6);
  EXPECT_EQ(static_cast<int>(Purpose::mixup), 7);
}

TEST(RandomTest, LimitsAreTheFieldsOfTheCounter) {
  EXPECT_EQ(kMaxNodes, 4096U);
  EXPECT_EQ(kMaxModels, 65536U);
  EXPECT_EQ(kMaxSteps, 4294967296U);
}

TEST(RandomTest, EachCoordinateChangesTheWords) {
  std::set<Words> seen;
  seen.insert(words({777, Purpose::dropout, 1, 1}, 1, 1, 1));
  seen.insert(words({778, Purpose::dropout, 1, 1}, 1, 1, 1));
  seen.insert(words({777 + (std::uint64_t{1} << 32), Purpose::dropout, 1, 1}, 1, 1, 1));
  seen.insert(words({777, Purpose::mc_dropout, 1, 1}, 1, 1, 1));
  seen.insert(words({777, Purpose::dropout, 2, 1}, 1, 1, 1));
  seen.insert(words({777, Purpose::dropout, 1, 2}, 1, 1, 1));
  seen.insert(words({777, Purpose::dropout, 1, 1}, 2, 1, 1));
  seen.insert(words({777, Purpose::dropout, 1, 1}, 1, 2, 1));
  seen.insert(words({777, Purpose::dropout, 1, 1}, 1, 1, 2));
  EXPECT_EQ(seen.size(), 9U);
}

}  // namespace
}  // namespace rushlight
