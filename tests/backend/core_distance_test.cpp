#include "src/backend/cpu/core_distance.h"

#include <gtest/gtest.h>

namespace rushlight {
namespace {

// What is measured is the machine's; that it ends, for any team, is ours.
TEST(CoreDistanceTest, IsMeasuredForTeamsOfAnySize) {
  for (const int threads : {1, 2, 3, 9}) {
    for (int i = 0; i < 5; ++i) {
      const CoreDistance distance = measure_core_distance(threads);
      EXPECT_TRUE(distance == CoreDistance::near || distance == CoreDistance::far);
    }
  }
}

TEST(CoreDistanceTest, OneThreadAndThreadsThatShareACoreAreNear) {
  EXPECT_EQ(measure_core_distance(1), CoreDistance::near);
  EXPECT_EQ(measure_core_distance(4096), CoreDistance::near);
}

}  // namespace
}  // namespace rushlight
