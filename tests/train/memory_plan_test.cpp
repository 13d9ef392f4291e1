#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/memory_plan.h>
#include <rushlight/trainer.h>

#include <string>
#include <tuple>
#include <vector>

#include "src/train/model_state.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/devices.h"
#include "tests/support/numbers.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::HasSubstr;

std::int64_t allocated(const Sequential& model) {
  return model.state()->backend()->allocated_bytes();
}

using Entry = std::tuple<MemoryUse, std::string, std::int64_t>;

std::vector<Entry> entries(const MemoryPlan& plan) {
  std::vector<Entry> result;
  for (const MemoryPlanEntry& entry : plan.entries) result.emplace_back(entry.use, entry.name, entry.bytes);
  return result;
}

/// The number is a batch size.
class MemoryPlanTest : public OnEachDeviceWithNumber {
 protected:
  void prepare() override { model_.to(device()); }

  /// What a copy of a data set takes besides the plan.
  static std::int64_t copy_of(const Dataset& data) { return align_up(data.size() * 129) + align_up(data.size() * 4); }

  /// The same where a CPU reads it where it is.
  std::int64_t taken_by(const Dataset& data) const { return device().kind == Device::Kind::cpu ? 0 : copy_of(data); }

  Sequential model_{Linear(129, 257), ReLU(), Dropout(0.3),  Linear(257, 256, Bias::absent),
                    Dropout(0.1),     ReLU(), Linear(256, 3)};
};
INSTANTIATE_TEST_SUITE_P(Batches, MemoryPlanTest,
                         testing::Combine(testing::ValuesIn(device_cases()), testing::ValuesIn(kOddSizes)),
                         numbered_case_name);

class OneMemoryPlanTest : public OnEachDevice {
 protected:
  void prepare() override { model_.to(device()); }

  Sequential model_{Linear(129, 257), ReLU(), Dropout(0.3), Linear(257, 256, Bias::absent), ReLU(), Linear(256, 3)};
};
INSTANTIATE_TEST_SUITE_P(Devices, OneMemoryPlanTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(MemoryPlanTest, OfTrainingIsWhatIsTakenAndTakesNothing) {
  const MemoryPlan plan = plan_memory(model_, number(), Mode::train);
  EXPECT_EQ(allocated(model_), 0);
  EXPECT_FALSE(model_.initialized());
  model_.initialize(XavierUniform{});
  EXPECT_EQ(allocated(model_), plan.bytes(MemoryUse::parameters));
  Trainer trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = number()});
  EXPECT_EQ(allocated(model_), plan.bytes());
  EXPECT_EQ(entries(trainer.memory_plan()), entries(plan));
  const Dataset data = small_data(2 * number() + 1, 129, 3);
  trainer.train_epoch(data);
  EXPECT_EQ(allocated(model_), plan.bytes() + taken_by(data));
}

// A batch is copied on any device.
TEST_P(MemoryPlanTest, OfPassesWithoutGradientsIsWhatIsTaken) {
  const Dataset data = small_data(number(), 129, 3);
  const MemoryPlan eval = plan_memory(model_, number(), Mode::eval);
  const MemoryPlan mc = plan_memory(model_, number(), Mode::mc);
  EXPECT_EQ(allocated(model_), 0);
  model_.initialize(XavierUniform{}).eval();
  model_.predict(data);
  EXPECT_EQ(allocated(model_), eval.bytes() + copy_of(data));
  model_.evaluate(data);
  EXPECT_EQ(allocated(model_), eval.bytes() + copy_of(data));
  model_.predict(data, {.mc_pass = 1});
  EXPECT_EQ(allocated(model_), mc.bytes() + copy_of(data));
}

TEST_P(MemoryPlanTest, EveryEntryIsAMultipleOfTheAlignmentAndTheUsesMakeTheSum) {
  for (const Mode mode : {Mode::train, Mode::eval, Mode::mc}) {
    const MemoryPlan plan = plan_memory(model_, number(), mode);
    std::int64_t sum = 0;
    for (const MemoryPlanEntry& entry : plan.entries) {
      EXPECT_EQ(entry.bytes % 256, 0) << entry.name;
      EXPECT_FALSE(entry.name.empty());
      sum += entry.bytes;
    }
    EXPECT_EQ(plan.bytes(), sum);
    std::int64_t by_use = 0;
    for (int use = 0; use <= static_cast<int>(MemoryUse::data); ++use) {
      by_use += plan.bytes(static_cast<MemoryUse>(use));
    }
    EXPECT_EQ(by_use, sum);
  }
}

// Rows of 129, 257 and 256 columns are 136, 264 and 272 floats apart on a CPU, as 256 would fall into few cache sets;
// on a GPU they are whole lines of 32.
TEST_P(MemoryPlanTest, HoldsTheBytesThatTheShapesNeed) {
  const auto aligned = [](std::int64_t floats) { return (floats * 4 + 255) / 256 * 256; };
  const bool cpu = device().kind == Device::Kind::cpu;
  const std::int64_t of129 = cpu ? 136 : 160, of257 = cpu ? 264 : 288, of256 = cpu ? 272 : 256;
  const std::int64_t parameters =
      aligned(257 * of129) + aligned(257) + aligned(256 * of257) + aligned(3 * of256) + aligned(3);
  const MemoryPlan train = plan_memory(model_, number(), Mode::train);
  EXPECT_EQ(train.bytes(MemoryUse::parameters), parameters);
  EXPECT_EQ(train.bytes(MemoryUse::gradients), parameters);
  EXPECT_EQ(train.bytes(MemoryUse::moments), 2 * parameters);
  const MemoryPlan eval = plan_memory(model_, number(), Mode::eval);
  EXPECT_EQ(eval.bytes(MemoryUse::gradients) + eval.bytes(MemoryUse::moments), 0);
  EXPECT_LE(eval.bytes(MemoryUse::activations), train.bytes(MemoryUse::activations));
  EXPECT_EQ(eval.bytes(MemoryUse::activations),
            aligned(number() * of129) + aligned(number() * of257) + aligned(number() * of256));
}

TEST_P(OneMemoryPlanTest, AFinishedTrainerGivesItsMemoryBack) {
  model_.initialize(XavierUniform{});
  const std::int64_t before = allocated(model_);
  {
    Trainer trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = 3});
    trainer.step(small_data(3, 129, 3));
    EXPECT_GT(allocated(model_), before);
  }
  EXPECT_EQ(allocated(model_), before);
}

TEST_P(OneMemoryPlanTest, AnImpossibleBatchIsRefusedWithoutTakingMemory) {
  for (const std::int64_t batch : {std::int64_t{0}, std::int64_t{-5}, std::int64_t{1} << 31}) {
    EXPECT_THAT(message_of<InvalidArgument>([&] { plan_memory(model_, batch, Mode::eval); }),
                HasSubstr(std::to_string(batch)));
  }
  Sequential wide{Linear(1, 1 << 22)};
  wide.to(device());
  for (const Mode mode : {Mode::train, Mode::eval, Mode::mc}) {
    EXPECT_THAT(message_of<InvalidArgument>([&] { plan_memory(wide, (std::int64_t{1} << 31) - 1, mode); }),
                HasSubstr("smaller batch"));
  }
  EXPECT_EQ(allocated(model_) + allocated(wide), 0);
}

TEST_P(OneMemoryPlanTest, ABatchThatNoMachineHoldsIsPlannedAndThenRefused) {
  constexpr std::int64_t kBatch31 = (std::int64_t{1} << 31) - 1;
  EXPECT_GT(plan_memory(model_, kBatch31, Mode::train).bytes(), kBatch31 * 129 * 4);
  model_.initialize(XavierUniform{});
  const std::int64_t before = allocated(model_);
  EXPECT_THAT(message_of<DeviceError>([&] { Trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = kBatch31}); }),
              HasSubstr("smaller batch"));
  EXPECT_EQ(allocated(model_), before);
}

}  // namespace
}  // namespace rushlight
