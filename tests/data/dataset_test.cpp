// Data sets from memory: what they share, what a view sees, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>
#include <xxhash.h>

#include <cstring>
#include <limits>
#include <numeric>

#include "tests/io/temporary_folder.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

/// Seven samples of 2 x 3, each byte its own index, with labels 0 to 6.
Dataset seven() {
  std::vector<std::uint8_t> features(42);
  std::iota(features.begin(), features.end(), std::uint8_t{0});
  return {features, {0, 1, 2, 3, 4, 5, 6}, {2, 3}, "seven"};
}

TEST(DatasetTest, HoldsWhatItWasGiven) {
  const Dataset data = seven();
  EXPECT_EQ(data.size(), 7);
  EXPECT_EQ(data.features(), 6);
  EXPECT_THAT(data.shape(), ElementsAre(2, 3));
  EXPECT_EQ(data.classes(), 7);
  EXPECT_TRUE(data.has_labels());
  EXPECT_EQ(data.name(), "seven");
  EXPECT_EQ(data.first(), 0);
  EXPECT_THAT(data.sample(6), ElementsAre(36, 37, 38, 39, 40, 41));
  EXPECT_EQ(data.pixels().size(), 42U);
}

TEST(DatasetTest, ClassesAreTheHighestLabelPlusOneAndNotTheirNumber) {
  EXPECT_EQ(Dataset({1, 2, 3}, {0, 99, 5}, {1}).classes(), 100);
  constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(Dataset({1}, {kHighest}, {1}).classes(), std::int64_t{kHighest} + 1);
}

TEST(DatasetTest, WithoutLabelsItHasNoClasses) {
  const Dataset data({1, 2, 3, 4}, {}, {2});
  EXPECT_FALSE(data.has_labels());
  EXPECT_EQ(data.classes(), 0);
  EXPECT_THAT(data.rows(1, 1).labels(), IsEmpty());
  EXPECT_EQ(data.name(), "memory");
}

TEST(DatasetTest, RowsAreAViewOfTheSameBytes) {
  const Dataset data = seven();
  const Dataset rows = data.rows(2, 3);
  EXPECT_EQ(rows.size(), 3);
  EXPECT_EQ(rows.first(), 2);
  EXPECT_EQ(rows.pixels().data(), data.pixels().data() + 12);
  EXPECT_EQ(rows.pixels().size(), 18U);
  EXPECT_THAT(rows.labels(), ElementsAre(2, 3, 4));
  EXPECT_THAT(rows.sample(1), ElementsAre(18, 19, 20, 21, 22, 23));
}

TEST(DatasetTest, RowsOfRowsCountFromTheView) {
  const Dataset rows = seven().rows(2, 4).rows(1, 2);
  EXPECT_EQ(rows.first(), 3);
  EXPECT_THAT(rows.labels(), ElementsAre(3, 4));
}

TEST(DatasetTest, AViewKeepsNameClassesAndHashOfTheWhole) {
  const Dataset data = seven();
  const Dataset rows = data.rows(0, 1);
  EXPECT_EQ(rows.classes(), 7);
  EXPECT_EQ(rows.hash(), data.hash());
  EXPECT_EQ(rows.name(), "seven");
}

TEST(DatasetTest, AViewOutlivesWhatItCameFrom) {
  const Dataset last = [] { return seven().rows(6, 1); }();
  EXPECT_THAT(last.pixels(), ElementsAre(36, 37, 38, 39, 40, 41));
}

TEST(DatasetTest, TheSameViewIsTheSameRowsOfTheSameStorage) {
  const Dataset data = seven();
  const Dataset copy = data;
  EXPECT_TRUE(data.same_view(copy));
  EXPECT_TRUE(data.rows(1, 2).same_view(copy.rows(0, 3).rows(1, 2)));
  EXPECT_FALSE(data.rows(1, 2).same_view(data.rows(1, 3)));
  EXPECT_FALSE(data.rows(1, 2).same_view(data.rows(2, 2)));
  EXPECT_FALSE(data.same_view(seven()));
}

TEST(DatasetTest, TheHashIsXxh3OfFeaturesThenLabels) {
  const std::vector<std::uint8_t> features{9, 8, 7, 6};
  const std::vector<std::int32_t> labels{1, 70'000};
  std::string bytes(features.begin(), features.end());
  bytes.resize(4 + 8);
  std::memcpy(bytes.data() + 4, labels.data(), 8);
  EXPECT_EQ(Dataset(features, labels, {2}).hash(), XXH3_64bits(bytes.data(), bytes.size()));
  EXPECT_EQ(Dataset(features, {}, {2}, "other name").hash(), XXH3_64bits(bytes.data(), 4));
}

TEST(DatasetTest, RowsOutsideAreRefusedWithWhatThereIs) {
  const Dataset rows = seven().rows(1, 5);
  const std::vector<std::pair<std::int64_t, std::int64_t>> outside{
      {-1, 1}, {0, 6}, {5, 1}, {6, 1}, {0, 0}, {0, -1}, {1, kMost}, {kMost, 1}, {kMost, kMost}, {-kMost - 1, kMost}};
  for (const auto& [first, count] : outside) {
    EXPECT_THAT(message_of<InvalidArgument>([&, f = first, c = count] { rows.rows(f, c); }),
                AllOf(HasSubstr("seven"), HasSubstr(std::to_string(count) + " samples from " + std::to_string(first)),
                      HasSubstr("there are 5")));
  }
}

TEST(DatasetTest, ASampleOutsideIsRefused) {
  const Dataset rows = seven().rows(1, 5);
  EXPECT_THAT(rows.sample(4), testing::Contains(30));
  for (const std::int64_t i : {std::int64_t{-1}, std::int64_t{5}, kMost, -kMost - 1}) {
    EXPECT_THROW(rows.sample(i), InvalidArgument) << i;
  }
}

TEST(DatasetTest, SizesThatDisagreeAreRefused) {
  const auto message = [](std::size_t bytes, std::size_t labels, const std::vector<std::int64_t>& shape) {
    return message_of<InvalidArgument>(
        [&] { Dataset(std::vector<std::uint8_t>(bytes), std::vector<std::int32_t>(labels), shape, "odd"); });
  };
  EXPECT_THAT(message(7, 0, {2}), AllOf(HasSubstr("odd"), HasSubstr("7 feature bytes"), HasSubstr("samples of 2")));
  EXPECT_THAT(message(0, 0, {2}), HasSubstr("0 feature bytes"));
  EXPECT_THAT(message(1, 1, {2}), HasSubstr("1 feature bytes"));
  EXPECT_THAT(message(6, 2, {2}), AllOf(HasSubstr("odd"), HasSubstr("3 samples"), HasSubstr("have 2")));
  EXPECT_THAT(message(6, 4, {2}), HasSubstr("have 4"));
}

TEST(DatasetTest, ShapesThatAreNotPositiveOrTooLargeAreRefused) {
  for (const std::vector<std::int64_t>& shape : std::vector<std::vector<std::int64_t>>{
           {0}, {-1}, {2, 0}, {-2, -3}, {kMost, 2}, {std::int64_t{1} << 32, std::int64_t{1} << 31}}) {
    EXPECT_THAT(message_of<InvalidArgument>([&] {
                  Dataset({1, 2, 3, 4, 5, 6}, {}, shape);
                }),
                HasSubstr(std::to_string(shape.front())));
  }
}

TEST(DatasetTest, ANegativeLabelIsRefusedWithItsPlace) {
  EXPECT_THAT(message_of<InvalidArgument>([] {
                Dataset({1, 2, 3}, {0, 1, -4}, {1});
              }),
              AllOf(HasSubstr("label 2"), HasSubstr("-4")));
}

}  // namespace
}  // namespace rushlight
