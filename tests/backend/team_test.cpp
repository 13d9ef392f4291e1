#include "src/backend/cpu/team.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

namespace rushlight {
namespace {

TEST(TeamTest, EachMemberRunsOnceAndKnowsItsPlace) {
  for (const int threads : {1, 2, 3, 7}) {
    std::vector<int> runs(static_cast<std::size_t>(threads), 0);
    run_team(threads, [&](Part member) {
      EXPECT_EQ(member.of, threads);
      ++runs.at(static_cast<std::size_t>(member.index));
    });
    EXPECT_EQ(runs, std::vector<int>(runs.size(), 1));
  }
}

TEST(TeamTest, InAParallelRegionOfTheCallersTheTeamIsTheCallingThread) {
  int members = 0;
#pragma omp parallel num_threads(2)
#pragma omp master
  run_team(3, [&](Part member) { members += member.of; });
  EXPECT_EQ(members, 1);
}

TEST(TeamTest, ARangeIsSplitEvenlyAndWithoutAGap) {
  for (const std::int64_t count : {0, 1, 5, 100, 1001}) {
    for (const int of : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (int index = 0; index < of; ++index) {
        const Range range = Part{index, of}.range(count);
        EXPECT_EQ(range.begin, next);
        EXPECT_LE(std::abs(range.count() * of - count), of);
        next = range.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

TEST(BarrierTest, WhatWasWrittenBeforeItIsSeenAfterIt) {
  for (const int threads : {1, 2, 3, 5}) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(threads), 0);
    std::vector<std::int64_t> wrong(values.size(), 0);
    Barrier barrier;
    run_team(threads, [&](Part member) {
      const auto mine = static_cast<std::size_t>(member.index);
      for (std::int64_t round = 1; round <= 500; ++round) {
        values[mine] = round;
        barrier.wait(member.of);
        for (const std::int64_t value : values) wrong[mine] += value != round;
        barrier.wait(member.of);
      }
    });
    EXPECT_EQ(std::accumulate(wrong.begin(), wrong.end(), std::int64_t{0}), 0) << threads << " threads";
  }
}

TEST(BarrierTest, WakesThoseWhoFellAsleep) {
  std::vector<int> passed(3, 0);
  Barrier barrier;
  run_team(3, [&](Part member) {
    for (int late = 0; late < 3; ++late) {
      if (member.index == late) std::this_thread::sleep_for(std::chrono::milliseconds(30));
      barrier.wait(member.of);
    }
    passed[static_cast<std::size_t>(member.index)] = 1;
  });
  EXPECT_EQ(passed, std::vector<int>(3, 1));
}

}  // namespace
}  // namespace rushlight
