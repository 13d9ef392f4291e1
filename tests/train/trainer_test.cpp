#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/trainer.h>

#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "src/train/training.h"
#include "tests/graph/network_run.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/devices.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainerTest : public OnEachDevice {};
INSTANTIATE_TEST_SUITE_P(Devices, TrainerTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(TrainerTest, LossBeginsNearTheLogarithmOfTheClasses) {
  Sequential model{Linear(129, 65), ReLU(), Linear(65, 10)};
  model.to(device()).initialize(XavierUniform{});
  Trainer trainer(model, CrossEntropyLoss{}, Adam{}, {.batch = 61});
  EXPECT_NEAR(trainer.step(small_data(61, 129, 10)).loss, std::log(10.0), 0.35);
}

TEST_P(TrainerTest, OverfitsSixtyFourImagesWithoutDropout) {
  const Dataset data = small_data(64, 49, 10);
  Sequential model{Linear(49, 65), ReLU(), Linear(65, 33), ReLU(), Linear(33, 10)};
  model.to(device()).initialize(XavierUniform{});
  Trainer trainer(model, CrossEntropyLoss{}, Adam{{.lr = 1e-2}}, {.batch = 16});
  EXPECT_LT(trainer.evaluate(data).accuracy, 0.3);
  for (int epoch = 0; epoch < 40; ++epoch) trainer.train_epoch(data);
  const Metrics seen = trainer.evaluate(data);
  EXPECT_EQ(seen.accuracy, 1.0);
  EXPECT_LT(seen.loss, 0.05);
}

TEST_P(TrainerTest, TheOrderWithinABatchDoesNotMatter) {
  const Dataset data = small_data(kBatch, kFeatures, kClasses);
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  for (std::int64_t i = kBatch; i-- > 0;) {
    const auto sample = data.sample(i);
    pixels.insert(pixels.end(), sample.begin(), sample.end());
    labels.push_back(data.labels()[static_cast<std::size_t>(i)]);
  }
  const Dataset reversed(std::move(pixels), std::move(labels), {kFeatures});
  Sequential first = small_model(device(), 0.0), second = small_model(device(), 0.0);
  Trainer one = small_trainer(first), two = small_trainer(second);
  for (int step = 0; step < 3; ++step) EXPECT_NEAR(one.step(data).loss, two.step(reversed).loss, 1e-6);
}

TEST_P(TrainerTest, StepsAreAnEpochInFileOrder) {
  const Dataset data = epoch_data();
  Sequential by_epoch = small_model(device()), by_step = small_model(device());
  Trainer epochs = small_trainer(by_epoch, 1e-2, Shuffle::off), steps = small_trainer(by_step);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const Metrics whole = epochs.train_epoch(data);
    double loss = 0;
    for (std::int64_t batch = 0; batch < 3; ++batch) loss += steps.step(data.rows(batch * kBatch, kBatch)).loss / 3;
    EXPECT_NEAR(whole.loss, loss, 1e-12);
  }
  EXPECT_EQ(weights(by_epoch), weights(by_step));
  EXPECT_EQ(epochs.steps(), 6U);
  EXPECT_EQ(steps.steps(), 6U);
  EXPECT_EQ(epochs.epochs(), 2U);
  EXPECT_EQ(steps.epochs(), 0U);
}

TEST_P(TrainerTest, TrainingLeavesAPartialBatchOutAndEvaluationKeepsIt) {
  Sequential model = small_model(device(), 0.0);
  Trainer trainer = small_trainer(model, 0.0, Shuffle::off);
  const Dataset data = epoch_data();
  const Metrics seen = trainer.train_epoch(data);
  EXPECT_EQ(seen.samples, 21);
  EXPECT_EQ(trainer.steps(), 3U);
  const Metrics same = trainer.evaluate(data.rows(0, 21));
  EXPECT_NEAR(seen.loss, same.loss, 1e-6);
  EXPECT_EQ(seen.accuracy, same.accuracy);
  EXPECT_EQ(trainer.evaluate(data).samples, 23);
}

TEST_P(TrainerTest, AKeyedEpochSeesEverySampleOnceInAnOrderOfItsOwn) {
  Sequential model = small_model(device(), 0.0);
  Trainer trainer = small_trainer(model, 0.0);
  const Dataset data = epoch_data().rows(1, 21);
  const double mean = trainer.evaluate(data).loss;
  std::vector<double> first_batches;
  for (int epoch = 0; epoch < 3; ++epoch) {
    const auto keep = [&](const Progress& progress) {
      if (progress.epoch_step() == 1) first_batches.push_back(progress.metrics().loss);
      return AfterStep::go_on;
    };
    EXPECT_NEAR(trainer.train_epoch(data, keep).loss, mean, 1e-6);
  }
  EXPECT_GT(std::abs(first_batches[0] - first_batches[1]), 1e-5);
  EXPECT_GT(std::abs(first_batches[1] - first_batches[2]), 1e-5);
}

// 1,003 samples are a whole pass of 1,000 rows and one with padding.
TEST_P(TrainerTest, EvaluationIsAHandCountOverThePredictions) {
  const Dataset data = small_data(1003, kFeatures, kClasses);
  Sequential model = small_model(device());
  Trainer trainer = small_trainer(model);
  trainer.train_epoch(data);
  model.eval();
  const Predictions predictions = model.predict(data);
  double loss = 0;
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto logits = predictions.logits(i);
    const auto label = static_cast<std::size_t>(data.labels()[static_cast<std::size_t>(i)]);
    double sum = 0;
    std::size_t best = 0;
    for (std::size_t c = 0; c < logits.size(); ++c) {
      sum += std::exp(static_cast<double>(logits[c]));
      if (logits[c] > logits[best]) best = c;
    }
    loss += std::log(sum) - static_cast<double>(logits[label]);
    right += best == label ? 1 : 0;
  }
  for (const Metrics& held : {trainer.evaluate(data), model.train().evaluate(data)}) {
    EXPECT_NEAR(held.loss, loss / 1003, 1e-6);
    EXPECT_EQ(held.accuracy, static_cast<double>(right) / 1003);
    EXPECT_EQ(held.samples, 1003);
  }
}

TEST_P(TrainerTest, ALearningRateOfZeroChangesNothing) {
  Sequential model = small_model(device());
  const std::vector<float> before = weights(model);
  Trainer trainer = small_trainer(model, 0.0);
  trainer.train_epoch(epoch_data());
  EXPECT_EQ(weights(model), before);
}

TEST_P(TrainerTest, ANewLearningRateCountsFromTheNextStep) {
  const Dataset data = epoch_data();
  Sequential first = small_model(device()), second = small_model(device());
  Trainer one = small_trainer(first, 1e-2), two = small_trainer(second, 0.5);
  two.set_learning_rate(1e-2);
  EXPECT_EQ(two.learning_rate(), 1e-2);
  one.train_epoch(data);
  two.train_epoch(data, stop_after(2));
  two.train_epoch(data);
  EXPECT_EQ(weights(first), weights(second));
  two.set_learning_rate(0.0);
  two.train_epoch(data);
  EXPECT_EQ(weights(first), weights(second));
  one.set_learning_rate(1e-3);
  one.train_epoch(data);
  EXPECT_NE(weights(first), weights(second));
}

TEST_P(TrainerTest, AModelMayMoveWhileItIsTrained) {
  const Dataset data = epoch_data();
  Sequential still = small_model(device());
  Trainer expected = small_trainer(still);
  expected.train_epoch(data);
  expected.train_epoch(data);
  Sequential before = small_model(device());
  std::optional<Trainer> trainer(small_trainer(before));
  trainer->train_epoch(data);
  Sequential after = std::move(before);
  Trainer moved = std::move(*trainer);
  trainer.reset();
  moved.train_epoch(data);
  EXPECT_EQ(weights(after), weights(still));
  EXPECT_THAT(message_of<InvalidArgument>([&] { before.predict(data); }), HasSubstr("moved"));
}

TEST_P(TrainerTest, TheSameSeedGivesTheSameBitsRunAfterRun) {
  const auto run = [this](std::uint64_t seed) {
    const Dataset data = small_data(1003, kFeatures, kClasses);
    Sequential model = small_model(device(), 0.3, seed);
    Trainer trainer(model, CrossEntropyLoss{}, Adam{}, {.batch = 129});
    for (int epoch = 0; epoch < 3; ++epoch) trainer.train_epoch(data);
    return weights(model);
  };
  const std::vector<float> first = run(777);
  EXPECT_EQ(run(777), first);
  EXPECT_NE(run(778), first);
}

// A model that is initialized anew draws from its new seed: masks, order, and what a checkpoint says.
TEST_P(TrainerTest, ASeedGivenToTheModelLaterIsUsedByItsTrainer) {
  const Dataset data = epoch_data();
  Sequential fresh = small_model(device(), 0.3, 5), again = small_model(device(), 0.3, 777);
  Trainer expected = small_trainer(fresh, 0.0), trainer = small_trainer(again, 0.0);
  const double other = trainer.train_epoch(data).loss;
  expected.train_epoch(data);
  again.initialize(XavierUniform{}, {.seed = 5});
  const double loss = trainer.train_epoch(data).loss;
  EXPECT_EQ(loss, expected.train_epoch(data).loss);
  EXPECT_NE(loss, other);
  fresh.initialize(XavierUniform{}, {.seed = 6});
  again.initialize(XavierUniform{}, {.seed = 6});
  EXPECT_EQ(trainer.step(data.rows(0, kBatch)).loss, expected.step(data.rows(0, kBatch)).loss);
}

TEST_P(TrainerTest, DivergingIsAnErrorThatSaysWhatToDo) {
  Sequential model = small_model(device());
  Trainer trainer = small_trainer(model, 1e30);
  const auto train = [&] {
    for (int epoch = 0; epoch < 9; ++epoch) trainer.train_epoch(epoch_data());
  };
  EXPECT_THAT(message_of<Diverged>(train), AllOf(HasSubstr("steps"), HasSubstr("lower learning rate than 1e+30")));
}

TEST_P(TrainerTest, AWeightThatIsNotANumberShowsInTheLossAtOnce) {
  const Dataset data = epoch_data();
  Sequential model = small_model(device());
  std::vector<Tensor> state = model.state_dict();
  state.back().values.back() = std::numeric_limits<float>::quiet_NaN();
  model.load_state_dict(state);
  Trainer trainer = small_trainer(model);
  EXPECT_THAT(message_of<Diverged>([&] { trainer.step(data.rows(0, kBatch)); }), HasSubstr("nan after 1 steps"));
  const auto ask = [&] {
    trainer.train_epoch(data, [](const Progress& progress) {
      progress.metrics();
      return AfterStep::go_on;
    });
  };
  EXPECT_THAT(message_of<Diverged>(ask), HasSubstr("nan after 2 steps"));
}

TEST_P(TrainerTest, PaddingOfWeightsAndMomentsStaysZero) {
  const Dataset data = epoch_data();
  Sequential model = small_model(device());
  Training training(model.state(), AdamOptions{.lr = 0.1}, {.batch = kBatch});
  training.begin_epoch(data);
  for (int step = 0; step < 3; ++step) training.run_steps(1);
  const ModelState& state = training.model();
  for (const ParameterBlock& block : {state.parameters(), training.first_moments(), training.second_moments()}) {
    const std::vector<float> padding = padding_of(*state.layout(), block, *state.backend());
    EXPECT_GT(padding.size(), 100U);
    EXPECT_THAT(padding, Each(0.0F));
  }
}

}  // namespace
}  // namespace rushlight
