#include "kernels/lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "tests/support/numbers.h"

namespace rushlight {
namespace {

TEST(LanesTest, BlocksCoverEveryColumnOnce) {
  for (const std::int64_t columns : {1, 3, 7, 8, 9, 16, 17, 129}) {
    std::vector<int> seen(static_cast<std::size_t>(columns), 0);
    for (std::int64_t block = 0; block < lane_blocks(columns); ++block) {
      EXPECT_GT(lanes_in(columns, block), 0);
      for_each_lane(lanes_in(columns, block), [&](int lane) { ++seen.at(static_cast<std::size_t>(block * 8 + lane)); });
    }
    EXPECT_EQ(seen, std::vector<int>(seen.size(), 1)) << columns;
  }
}

TEST(LanesTest, ItemsCountBlocksThenRowsThenMembers) {
  for (const std::int64_t rows : kOddSizes) {
    for (const std::int64_t blocks : kOddSizes) {
      std::uint64_t item = 0;
      for (std::int64_t model = 0; model < 3; ++model) {
        for (std::int64_t row = 0; row < rows; ++row) {
          for (std::int64_t block = 0; block < blocks; ++block) {
            const BlockIndex at = BlockGrid{3, rows, blocks}.at(item++);
            ASSERT_EQ(std::tuple(at.model, at.row, at.block), std::tuple(model, row, block));
          }
        }
      }
    }
  }
}

TEST(LanesTest, LanesAreMovedFromAndToAnyPlaceAndNoOtherIsTouched) {
  alignas(LaneFloats) float source[24], target[24];
  for (int i = 0; i < 24; ++i) source[i] = static_cast<float>(i + 1);
  for (int offset = 0; offset <= 16; ++offset) {
    for (int count = 1; count <= kLanes; ++count) {
      const LaneFloats loaded = load_lanes(source + offset, count);
      std::fill_n(target, 24, -1.0F);
      store_lanes(target + offset, count, loaded);
      for (int lane = 0; lane < kLanes; ++lane) {
        EXPECT_EQ(loaded.value[lane], lane < count ? static_cast<float>(offset + lane + 1) : 0.0F);
      }
      for (int i = 0; i < 24; ++i) {
        const bool moved = i >= offset && i < offset + count;
        ASSERT_EQ(target[i], moved ? source[i] : -1.0F) << offset << ", " << count << ": " << i;
      }
    }
  }
}

TEST(LanesTest, SumsAddLaneByLane) {
  const LaneFloats a{{1, 2, 3, 4, 5, 6, 7, 8}}, b{{10, 20, 30, 40, 50, 60, 70, 80}};
  const LaneFloats sum = add(a, b);
  for (int lane = 0; lane < kLanes; ++lane) EXPECT_EQ(sum.value[lane], 11.0F * static_cast<float>(lane + 1));
}

}  // namespace
}  // namespace rushlight
