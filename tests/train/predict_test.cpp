#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/sequential.h>
#include <rushlight/trainer.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "tests/io/temporary_folder.h"
#include "tests/support/contract.h"
#include "tests/support/devices.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kWidth = 17;

std::vector<float> all_logits(const Predictions& predictions) {
  std::vector<float> all;
  for (std::int64_t i = 0; i < predictions.size(); ++i) {
    all.insert(all.end(), predictions.logits(i).begin(), predictions.logits(i).end());
  }
  return all;
}

/// Logits are the pixels after dropout, exactly: the Linear behind it is the identity.
Sequential mask_reader(const Device& device, double p) {
  Sequential model(std::vector<Module>{Dropout(p), Linear(kWidth, kWidth, Bias::absent)});
  Tensor identity{"1.weight", {kWidth, kWidth}, std::vector<float>(kWidth * kWidth)};
  for (std::size_t i = 0; i < kWidth; ++i) identity.values[i * kWidth + i] = 1.0F;
  model.to(device).load_state_dict(std::vector{identity}).eval();
  return model;
}

PredictOptions pass(std::uint32_t index) {
  return {.pixels = PixelScale::raw, .mc_pass = index};
}

class PredictTest : public OnEachDevice {};
INSTANTIATE_TEST_SUITE_P(Devices, PredictTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(PredictTest, EvalLeavesDropoutOut) {
  Sequential with = small_model(device(), 0.5), without = small_model(device(), 0.0);
  const Dataset data = epoch_data();
  EXPECT_EQ(all_logits(with.eval().predict(data)), all_logits(without.eval().predict(data)));
}

TEST_P(PredictTest, TrainModeIsRefusedUnlessAPassIsNamed) {
  Sequential model = small_model(device());
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.train().predict(epoch_data()); }),
              AllOf(HasSubstr("eval()"), HasSubstr("mc_pass")));
  const std::vector<float> train = all_logits(model.predict(epoch_data(), {.mc_pass = 3}));
  EXPECT_EQ(all_logits(model.eval().predict(epoch_data(), {.mc_pass = 3})), train);
  EXPECT_EQ(model.mode(), Mode::eval);
}

TEST_P(PredictTest, DataThatDoesNotFitIsRefused) {
  Sequential model = small_model(device());
  model.eval();
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.predict(small_data(3, 14, 2)); }),
              AllOf(HasSubstr("13 features"), HasSubstr("has 14")));
  const Dataset bare(std::vector<std::uint8_t>(3 * kFeatures), {}, {kFeatures}, "bare");
  EXPECT_NO_THROW(model.predict(bare));
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.evaluate(bare); }), HasSubstr("no labels"));
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.evaluate(small_data(9, kFeatures, 7)); }),
              AllOf(HasSubstr("must be below 5"), HasSubstr("has 6")));
}

// Labels beyond the outputs elsewhere in the storage do no harm to a view without them.
TEST_P(PredictTest, OnlyTheViewsOwnLabelsCount) {
  Sequential model = small_model(device());
  EXPECT_NO_THROW(model.evaluate(small_data(9, kFeatures, 7).rows(0, 4)));
}

TEST_P(PredictTest, RawPixelsAreTakenAsTheyAre) {
  Sequential model = mask_reader(device(), 0.5);
  const Dataset data = small_data(5, kWidth, 3);
  const std::vector<float> raw = all_logits(model.predict(data, {.pixels = PixelScale::raw}));
  const std::vector<float> unit = all_logits(model.predict(data));
  for (std::size_t i = 0; i < raw.size(); ++i) {
    EXPECT_EQ(raw[i], static_cast<float>(data.pixels()[i]));
    EXPECT_EQ(unit[i], static_cast<float>(data.pixels()[i]) / 255.0F);
  }
}

// 1,003 samples are two passes of the network; the sample's index goes on from one to the next.
TEST_P(PredictTest, MonteCarloMasksAreThoseOfTheContract) {
  const Dataset data = small_data(1003, kWidth, 3);
  Sequential model = mask_reader(device(), 0.3);
  const Predictions predictions = model.predict(data, pass(4'000'000'000U));
  const contract::Mask mask{.step = 4'000'000'000U, .purpose = contract::kMonteCarlo};
  for (std::uint32_t i = 0; i < 1003; ++i) {
    for (std::uint32_t column = 0; column < kWidth; ++column) {
      const auto pixel = static_cast<float>(data.sample(i)[column]);
      ASSERT_EQ(predictions.logits(i)[column], pixel * mask.factor(0, 0.3, i, column)) << i << ", " << column;
    }
  }
}

TEST_P(PredictTest, TheSamePassDrawsTheSameMasksAndAnotherOthers) {
  Sequential model = small_model(device());
  const Dataset data = epoch_data();
  const std::vector<float> third = all_logits(model.predict(data, pass(3)));
  EXPECT_NE(all_logits(model.predict(data, pass(4))), third);
  EXPECT_EQ(all_logits(model.predict(data, pass(3))), third);
  Sequential other = small_model(device(), 0.3, 778);
  other.load_state_dict(model.state_dict());
  EXPECT_NE(all_logits(other.predict(data, pass(3))), third);  // The seed draws, not the weights.
}

TEST_P(PredictTest, ASampleDrawsByItsPlaceInItsFile) {
  const Dataset data = small_data(1003, kWidth, 3);
  Sequential model = mask_reader(device(), 0.5);
  const Predictions whole = model.predict(data, pass(2));
  for (const std::int64_t first : {3, 998}) {
    const Predictions part = model.predict(data.rows(1, 1002).rows(first - 1, 5), pass(2));
    for (std::int64_t i = 0; i < 5; ++i) {
      for (std::size_t c = 0; c < kWidth; ++c) EXPECT_EQ(part.logits(i)[c], whole.logits(first + i)[c]);
    }
  }
}

TEST_P(PredictTest, TheMeanOfManyPassesIsTheInputThatWasKept) {
  const Dataset data(std::vector<std::uint8_t>(kWidth * 3, 200), {}, {kWidth});
  Sequential model = mask_reader(device(), 0.3);
  const std::uint32_t passes = device().kind == Device::Kind::cpu ? 2000 : 200;  // An emulated GPU takes its time.
  std::vector<double> mean(3 * kWidth);
  double dropped = 0;
  for (std::uint32_t index = 0; index < passes; ++index) {
    const std::vector<float> logits = all_logits(model.predict(data, pass(index)));
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += static_cast<double>(logits[i]) / passes;
    for (const float logit : logits) dropped += logit == 0.0F ? 1 : 0;
  }
  // Five standard errors, of one unit and of the share that is dropped.
  for (const double unit : mean) EXPECT_NEAR(unit, 200.0, 5 * 200 * std::sqrt(0.3 / 0.7 / passes));
  EXPECT_NEAR(dropped / (passes * 3 * kWidth), 0.3, 5 * std::sqrt(0.21 / (passes * 3 * kWidth)));
}

// The products of 6 rows may be summed in another order than those of 1,000.
TEST_P(PredictTest, LogitsDoNotDependOnTheSamplesBeside) {
  Sequential model = small_model(device());
  model.eval();
  const Dataset data = small_data(1003, kFeatures, kClasses);
  const Predictions whole = model.predict(data);
  const Predictions part = model.predict(data.rows(997, 6));
  for (std::int64_t i = 0; i < 6; ++i) {
    for (std::size_t c = 0; c < kClasses; ++c) EXPECT_NEAR(part.logits(i)[c], whole.logits(997 + i)[c], 2e-6);
  }
}

// A batch after a batch goes to the same memory, whose data is gone by then.
TEST_P(PredictTest, OtherDataTakesThePlaceOfThatBefore) {
  Sequential kept = small_model(device());
  kept.eval();
  const Dataset all = small_data(60, kFeatures, kClasses);
  const std::vector<std::uint8_t> pixels(all.pixels().begin(), all.pixels().end());
  const auto copy_of = [&](std::size_t first, std::size_t count, bool labelled) {
    const std::span labels = all.labels().subspan(first, labelled ? count : 0);
    const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(first * kFeatures);
    return Dataset({begin, begin + static_cast<std::ptrdiff_t>(count * kFeatures)}, {labels.begin(), labels.end()},
                   {kFeatures});
  };
  for (const auto& [first, count, labelled] : {std::tuple{0, 6, true},
                                               {6, 6, true},
                                               {20, 6, true},
                                               {9, 6, false},
                                               {3, 6, false},
                                               {30, 6, true},
                                               {31, 4, true},
                                               {40, 6, true}}) {
    const Dataset data = copy_of(first, count, labelled);
    Sequential fresh = small_model(device());
    fresh.eval();
    EXPECT_EQ(all_logits(kept.predict(data)), all_logits(fresh.predict(data))) << "from " << first;
    if (!labelled) continue;
    EXPECT_EQ(kept.evaluate(data).loss, fresh.evaluate(data).loss) << "from " << first;
    const Dataset other = copy_of(first + 1, count, true);
    EXPECT_EQ(kept.evaluate(other).loss, fresh.evaluate(other).loss) << "from " << first + 1;
  }
}

TEST_P(PredictTest, TrainingMoreShowsInThePredictions) {
  Sequential model = small_model(device());
  Trainer trainer = small_trainer(model);
  model.eval();
  const std::vector<float> before = all_logits(model.predict(epoch_data()));
  trainer.train_epoch(epoch_data());
  EXPECT_NE(all_logits(model.predict(epoch_data())), before);
}

TEST(PredictionsTest, TellLogitsProbabilitiesAndTheFirstOfTheHighest) {
  const Predictions predictions({0.5F, 2.0F, 2.0F, 1000.0F, -1000.0F, 0.0F}, 3);
  EXPECT_EQ(predictions.size(), 2);
  EXPECT_EQ(predictions.classes(), 3);
  EXPECT_THAT(predictions.logits(0), ElementsAre(0.5F, 2.0F, 2.0F));
  EXPECT_EQ(predictions.label(0), 1);
  EXPECT_EQ(predictions.label(1), 0);
  EXPECT_THAT(predictions.probabilities(1), ElementsAre(1.0F, 0.0F, 0.0F));
  const double sum = std::exp(0.5) + 2 * std::exp(2.0);
  EXPECT_FLOAT_EQ(predictions.probabilities(0)[0], static_cast<float>(std::exp(0.5) / sum));
  EXPECT_FLOAT_EQ(predictions.probabilities(0)[2], static_cast<float>(std::exp(2.0) / sum));
}

TEST(PredictionsTest, WhatIsNotThereIsAnError) {
  const Predictions predictions({1.0F, 2.0F, 3.0F}, 3);
  for (const std::int64_t i : {-1, 1}) {
    EXPECT_THAT(message_of<InvalidArgument>([&] { predictions.logits(i); }), HasSubstr("there are 1"));
    EXPECT_THROW(predictions.probabilities(i), InvalidArgument);
    EXPECT_THROW(predictions.label(i), InvalidArgument);
  }
  EXPECT_THAT(message_of<InvalidArgument>([] { Predictions({1.0F, 2.0F}, 3); }), HasSubstr("no whole rows"));
  EXPECT_THROW(Predictions({}, 0), InvalidArgument);
}

}  // namespace
}  // namespace rushlight
