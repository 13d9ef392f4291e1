#include "src/backend/cpu/core_distance.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <thread>

#include "src/backend/cpu/team.h"

namespace rushlight {
namespace {

using std::chrono::milliseconds;

// What is found for cores of their own is the machine's.
TEST(CoreDistanceTest, IsMeasuredForTeamsOfAnySize) {
  for (const int threads : {2, 3, 9, 4096}) {
    for (int i = 0; i < 5; ++i) measure_core_distance(threads);
  }
  EXPECT_EQ(measure_core_distance(1), CoreDistance::near);
  EXPECT_EQ(measure_core_distance(4096), CoreDistance::near);
}

// Each waits for the other to be put aside.
TEST(CoreDistanceTest, ThreadsThatShareACoreAreNearAndGiveUp) {
  cpu_set_t all, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i) {
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  }
  run_team(2, [&](Part) { sched_setaffinity(0, sizeof(one), &one); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(measure_core_distance(2), CoreDistance::near);
  run_team(2, [&](Part) { sched_setaffinity(0, sizeof(all), &all); });
}

int measurements = 0;

CoreDistance count_and_find_far(int duration) {
  ++measurements;
  std::this_thread::sleep_for(milliseconds(duration));
  return CoreDistance::far;
}

TEST(CoreDistanceWatchTest, KeepsWhatItMeasuredForASecondOrAHundredTimesAsLong) {
  const CoreDistanceWatch::Clock::time_point start = CoreDistanceWatch::Clock::now();
  measurements = 0;
  CoreDistanceWatch quick(0, count_and_find_far), slow(20, count_and_find_far);
  EXPECT_EQ(quick.at(start), CoreDistance::far);
  EXPECT_EQ(quick.at(start + milliseconds(999)), CoreDistance::far);
  EXPECT_EQ(measurements, 1);
  quick.at(start + std::chrono::hours(1));
  EXPECT_EQ(measurements, 2);
  slow.at(start);
  EXPECT_EQ(slow.at(start + milliseconds(2019)), CoreDistance::far);
  EXPECT_EQ(measurements, 3);
  slow.at(start + std::chrono::hours(1));
  EXPECT_EQ(measurements, 4);
}

}  // namespace
}  // namespace rushlight
