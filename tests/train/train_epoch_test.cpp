// Where train_epoch stops for its callback, and how an epoch that was stopped goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/trainer.h>

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/messages.h"
#include "tests/support/numbers.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// 40 samples: five batches and five samples over.
Dataset five_batches() {
  return small_data(40, kFeatures, kClasses);
}

class TrainEpochTest : public OnEachDevice {
 protected:
  /// The steps of the whole training at which a callback comes in three epochs of five steps.
  std::vector<std::uint64_t> calls(std::uint64_t every) const {
    Sequential model = small_model(device());
    Trainer trainer = small_trainer(model);
    std::vector<std::uint64_t> seen;
    const auto note = [&](const Progress& progress) {
      seen.push_back(progress.step());
      EXPECT_EQ(progress.metrics().samples, static_cast<std::int64_t>(progress.epoch_step()) * kBatch);
      return AfterStep::go_on;
    };
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) trainer.train_epoch(five_batches(), note, every);
    EXPECT_EQ(trainer.steps(), 15U);
    EXPECT_EQ(trainer.epochs(), 3U);
    return seen;
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, TrainEpochTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(TrainEpochTest, AStoppedEpochGoesOnToTheSameBits) {
  const Dataset data = epoch_data();
  Sequential whole_model = small_model(device()), parts_model = small_model(device());
  Trainer whole = small_trainer(whole_model), parts = small_trainer(parts_model);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const Metrics expected = whole.train_epoch(data);
    EXPECT_EQ(parts.train_epoch(data, stop_after(1)).samples, 7);
    EXPECT_EQ(parts.epoch_steps(), 1U);
    parts.evaluate(data);
    EXPECT_EQ(parts.train_epoch(data, stop_after(2)).samples, 14);
    const Metrics found = parts.train_epoch(data);
    EXPECT_EQ(found.loss, expected.loss);
    EXPECT_EQ(found.accuracy, expected.accuracy);
    EXPECT_EQ(found.samples, expected.samples);
    EXPECT_EQ(parts.epoch_steps(), 0U);
    EXPECT_EQ(parts.epochs(), whole.epochs());
  }
  EXPECT_EQ(weights(parts_model), weights(whole_model));
}

TEST_P(TrainEpochTest, ACallbackSeesWhereTheTrainingStands) {
  Sequential model = small_model(device());
  Trainer trainer = small_trainer(model);
  std::vector<std::uint64_t> seen;
  for (int epoch = 0; epoch < 2; ++epoch) {
    trainer.train_epoch(epoch_data(), [&](const Progress& progress) {
      seen.insert(seen.end(), {progress.step(), progress.epoch(), progress.epoch_step()});
      EXPECT_EQ(progress.epoch_steps(), 3U);
      EXPECT_EQ(progress.metrics().samples, static_cast<std::int64_t>(progress.epoch_step()) * kBatch);
      return AfterStep::go_on;
    });
  }
  EXPECT_THAT(seen, ElementsAre(1, 0, 1, 2, 0, 2, 3, 0, 3, 4, 1, 1, 5, 1, 2, 6, 1, 3));
}

TEST_P(TrainEpochTest, CallbacksComeAtMultiplesOfTheTrainingsStepsAndAtTheEpochsEnd) {
  EXPECT_THAT(calls(2), ElementsAre(2, 4, 5, 6, 8, 10, 12, 14, 15));
  EXPECT_THAT(calls(3), ElementsAre(3, 5, 6, 9, 10, 12, 15));
  EXPECT_THAT(calls(7), ElementsAre(5, 7, 10, 14, 15));
  EXPECT_THAT(calls(5), ElementsAre(5, 10, 15));
  EXPECT_THAT(calls(std::numeric_limits<std::uint64_t>::max()), ElementsAre(5, 10, 15));
}

TEST_P(TrainEpochTest, EveryZeroStepsIsRefusedAndNothingHappens) {
  Sequential model = small_model(device());
  Trainer trainer = small_trainer(model);
  const std::vector<float> before = weights(model);
  int calls = 0;
  const auto count = [&](const Progress&) {
    ++calls;
    return AfterStep::go_on;
  };
  EXPECT_THAT(message_of<InvalidArgument>([&] { trainer.train_epoch(five_batches(), count, 0); }),
              HasSubstr("1 step or more, but is 0"));
  EXPECT_THROW(trainer.train_epoch(five_batches(), {}, 0), InvalidArgument);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(trainer.steps(), 0U);
  EXPECT_EQ(weights(model), before);
}

// Stopped in the middle, a training comes to its callbacks at the same steps, and to the same bits.
TEST_P(TrainEpochTest, HowOftenACallbackComesAndWhereItStopsChangesNoBit) {
  const Dataset data = five_batches();
  Sequential whole_model = small_model(device());
  Trainer whole = small_trainer(whole_model);
  std::vector<Metrics> expected;
  for (int epoch = 0; epoch < 3; ++epoch) expected.push_back(whole.train_epoch(data));
  for (const std::uint64_t every : {1, 2, 3, 4, 64}) {
    SCOPED_TRACE(every);
    Sequential model = small_model(device());
    Trainer trainer = small_trainer(model);
    std::vector<std::uint64_t> stops;
    const auto stop = [&](const Progress& progress) {
      stops.push_back(progress.step());
      return AfterStep::stop;
    };
    for (const Metrics& one : expected) {
      Metrics found = trainer.train_epoch(data, stop, every);
      while (trainer.epoch_steps() > 0) found = trainer.train_epoch(data, stop, every);
      EXPECT_EQ(found.loss, one.loss);
      EXPECT_EQ(found.samples, one.samples);
    }
    std::vector<std::uint64_t> multiples;
    for (std::uint64_t step = 1; step <= 15; ++step) {
      if (step % every == 0 || step % 5 == 0) multiples.push_back(step);
    }
    EXPECT_EQ(stops, multiples);
    EXPECT_EQ(bits_of(weights(model)), bits_of(weights(whole_model)));
  }
}

}  // namespace
}  // namespace rushlight
