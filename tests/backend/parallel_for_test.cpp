#include "src/backend/cpu/parallel_for.h"

#include <gtest/gtest.h>

#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace rushlight {
namespace {

using Ends = std::pair<std::int64_t, std::int64_t>;

std::set<Ends> ranges_of(int threads, std::int64_t count, std::int64_t grain) {
  std::mutex mutex;
  std::set<Ends> ranges;
  parallel_for(threads, count, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(ranges.insert({begin, end}).second);
  });
  return ranges;
}

TEST(ParallelForTest, CoversEachItemOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    for (const std::int64_t count : {0, 1, 2, 3, 5, 7, 16, 17, 129, 1000}) {
      for (const std::int64_t grain : {1, 2, 16, 512}) {
        std::int64_t next = 0;
        for (const auto& [begin, end] : ranges_of(threads, count, grain)) {
          ASSERT_EQ(begin, next);
          ASSERT_LT(begin, end);
          next = end;
        }
        ASSERT_EQ(next, count) << threads << " threads, grain " << grain;
      }
    }
  }
}

TEST(ParallelForTest, TakesNoMoreThreadsThanTheGrainAllows) {
  EXPECT_EQ(ranges_of(7, 100, 1).size(), 7U);
  EXPECT_EQ(ranges_of(7, 100, 50).size(), 2U);
  EXPECT_EQ(ranges_of(7, 100, 51).size(), 1U);
  EXPECT_EQ(ranges_of(7, 3, 1).size(), 3U);
  EXPECT_EQ(ranges_of(7, 3, 0).size(), 3U);
}

TEST(ParallelForTest, SplitDependsOnCountAndThreadsAlone) {
  const std::set<Ends> expected{{0, 3}, {3, 6}, {6, 10}};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ranges_of(3, 10, 1), expected);
}

TEST(ParallelForTest, WritesAreSeenWhenItReturns) {
  std::vector<std::int64_t> values(10000, 0);
  for (int round = 0; round < 20; ++round) {
    parallel_for(3, 10000, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) values[static_cast<std::size_t>(i)] += i;
    });
  }
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), std::int64_t{0}), 20 * std::int64_t{9999} * 10000 / 2);
}

TEST(ParallelForTest, WorksFromAnotherThread) {
  std::set<Ends> ranges;
  std::thread([&] { ranges = ranges_of(3, 10, 1); }).join();
  EXPECT_EQ(ranges.size(), 3U);
}

}  // namespace
}  // namespace rushlight
