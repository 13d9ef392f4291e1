#include "kernels/advance.h"

#include <gtest/gtest.h>

#include "tests/support/backends.h"
#include "tests/support/guarded.h"

namespace rushlight {
namespace {

class AdvanceTest : public OnEachBackend {
 protected:
  PassState state_after(const PassState& before, std::uint64_t rows, StepCount step, int times) {
    const Guarded<PassState> state = guarded_values<PassState>(backend_, {before});
    for (int i = 0; i < times; ++i) backend_->run(Elementwise{Advance{state.data(), rows, step}});
    EXPECT_TRUE(state.intact());
    return state.read()[0];
  }
};

TEST_P(AdvanceTest, MovesStepAndPositionAndNothingElse) {
  const PassState after = state_after({7, 3, 200, 60000, 11}, 100, StepCount::advance, 3);
  EXPECT_EQ(after.step, 10U);
  EXPECT_EQ(after.epoch, 3U);
  EXPECT_EQ(after.position, 500U);
  EXPECT_EQ(after.samples, 60000U);
  EXPECT_EQ(after.first, 11U);
}

TEST_P(AdvanceTest, KeepsTheStepWithoutTraining) {
  const PassState after = state_after({7, 3, 200, 60000, 11}, 17, StepCount::keep, 2);
  EXPECT_EQ(after.step, 7U);
  EXPECT_EQ(after.position, 234U);
}

INSTANTIATE_TEST_SUITE_P(Backends, AdvanceTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
