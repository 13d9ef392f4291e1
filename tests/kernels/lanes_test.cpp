#include "kernels/lanes.h"

#include <gtest/gtest.h>

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
            const BlockIndex at = BlockIndex::of(item++, rows, blocks);
            ASSERT_EQ(std::tuple(at.model, at.row, at.block), std::tuple(model, row, block));
          }
        }
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
