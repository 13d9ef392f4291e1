// Our code allocates nothing after the first step. OpenMP's teams are not ours, so the whole heap is watched where one
// thread runs, and operator new and the bytes in use where several do.
#include "tests/allocation/allocation_counter.h"

#include <gtest/gtest.h>
#include <rushlight/trainer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/train/small_training.h"

namespace rushlight {
namespace {

struct Counted {
  std::int64_t news = 0;
  std::int64_t mallocs = 0;
  std::uint64_t steps = 0;
  std::size_t bytes_before = 0;
  std::size_t bytes_after = 0;
};

/// Counts from the end of step `from` to the end of step `to` of the epoch.
class Watch {
 public:
  Watch(std::uint64_t from, std::uint64_t to) : from_(from), to_(to) {}

  AfterStep operator()(const Progress& progress) {
    if (progress.epoch_step() == from_) {
      counted.bytes_before = allocation::live_bytes();
      counted.steps = progress.step();
      allocation::news = allocation::mallocs = 0;
      allocation::counting = true;
    }
    if (progress.epoch_step() == to_) {
      allocation::counting = false;
      counted = {allocation::news, allocation::mallocs, progress.step() - counted.steps, counted.bytes_before,
                 allocation::live_bytes()};
    }
    return AfterStep::go_on;
  }

  Counted counted;

 private:
  std::uint64_t from_;
  std::uint64_t to_;
};

/// A training whose operations are large enough that every thread takes part.
class AllocationTest : public testing::TestWithParam<int> {
 protected:
  AllocationTest() { model_.initialize(XavierUniform{}).to(Device::cpu(GetParam())); }

  void expect_nothing(const Counted& counted, std::uint64_t steps) {
    EXPECT_EQ(counted.steps, steps);
    EXPECT_EQ(counted.news, 0);
    if (GetParam() == 1) {
      EXPECT_EQ(counted.mallocs, 0);
    }
    EXPECT_EQ(counted.bytes_after, counted.bytes_before);
  }

  Dataset data_ = small_data(53 * 129 + 5, kFeatures, kClasses);
  Sequential model_{Linear(kFeatures, 129), ReLU(), Dropout(0.3), Linear(129, 65), ReLU(), Dropout(0.5),
                    Linear(65, kClasses)};
};
INSTANTIATE_TEST_SUITE_P(Threads, AllocationTest, testing::Values(1, 2));

TEST_P(AllocationTest, StepsAfterTheFirstAllocateNothing) {
  Trainer trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = 129});
  Watch first(2, 52);
  trainer.train_epoch(data_, std::ref(first));
  expect_nothing(first.counted, 50);
}

TEST_P(AllocationTest, AllStepsOfALaterEpochOnTheSameDataAllocateNothing) {
  Trainer trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = 129});
  trainer.train_epoch(data_);
  trainer.evaluate(data_);
  Watch second(1, 53);
  trainer.train_epoch(data_, std::ref(second));
  expect_nothing(second.counted, 52);
}

TEST_P(AllocationTest, SingleStepsAllocateNoMoreThanTheirMeasuring) {
  Trainer trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = 129});
  for (std::int64_t step = 0; step < 2; ++step) trainer.step(data_.rows(step * 129, 129));
  const std::size_t before = allocation::live_bytes();
  for (std::int64_t step = 2; step < 52; ++step) trainer.step(data_.rows(step * 129, 129));
  EXPECT_EQ(allocation::live_bytes(), before);
}

// What the tests above rest on: the counters see C++'s and C's allocations, from any thread, and the bytes in use.
TEST(AllocationCounterTest, SeesNewMallocAndBytes) {
  const std::size_t before = allocation::live_bytes();
  allocation::news = allocation::mallocs = 0;
  allocation::counting = true;
  auto values = std::make_unique<std::vector<float>>(10'001);
  void* volatile raw = std::malloc(10'001);
  void* volatile aligned = std::aligned_alloc(256, 10'240);
  allocation::counting = false;
  EXPECT_EQ(allocation::news, 2);
  EXPECT_EQ(allocation::mallocs, allocation::kSeesAlignedAllocations ? 4 : 3);
  EXPECT_GE(allocation::live_bytes(), before + 60'000);
  std::free(raw);
  std::free(aligned);
  values.reset();
  EXPECT_EQ(allocation::live_bytes(), before);
}

}  // namespace
}  // namespace rushlight
