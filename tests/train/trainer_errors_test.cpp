// Every error that include/rushlight/trainer.h promises, by its words; nothing changes where one is thrown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/trainer.h>

#include <limits>
#include <vector>

#include "tests/io/temporary_folder.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TrainerErrorsTest : public testing::Test {
 protected:
  template <class Call>
  std::string invalid(Call call) {
    const std::vector<float> before = weights(model_);
    const std::uint64_t steps = trainer_.steps(), epoch_steps = trainer_.epoch_steps();
    const std::string message = message_of<InvalidArgument>(call);
    EXPECT_EQ(weights(model_), before);
    EXPECT_EQ(trainer_.steps(), steps);
    EXPECT_EQ(trainer_.epoch_steps(), epoch_steps);
    return message;
  }

  Dataset data_ = epoch_data();
  Sequential model_ = small_model();
  Trainer trainer_ = small_trainer(model_);
};

TEST_F(TrainerErrorsTest, AModelWithoutWeightsCannotBeTrained) {
  Sequential empty(small_modules());
  EXPECT_THAT(invalid([&] { small_trainer(empty); }), AllOf(HasSubstr("no weights"), HasSubstr("initialize()")));
}

TEST_F(TrainerErrorsTest, ABatchMustBeAtLeastOneAndBelowTwoToThe31) {
  for (const std::int64_t batch : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 31}) {
    const auto build = [&] { Trainer(model_, CrossEntropyLoss{}, Adam{}, {.batch = batch}); };
    EXPECT_THAT(invalid(build),
                AllOf(HasSubstr("at least 1 sample"), HasSubstr("2147483648"), HasSubstr(std::to_string(batch))));
  }
}

TEST_F(TrainerErrorsTest, DataMustFitTheModel) {
  const Dataset narrow = small_data(23, kFeatures - 1, kClasses);
  const Dataset many = small_data(23, kFeatures, kClasses + 2);
  const Dataset bare(std::vector<std::uint8_t>(std::size_t{23 * kFeatures}), {}, {kFeatures}, "bare");
  for (const bool train : {true, false}) {
    const auto use = [&](const Dataset& data) {
      return invalid([&] { train ? trainer_.train_epoch(data) : trainer_.evaluate(data); });
    };
    EXPECT_THAT(use(narrow), AllOf(HasSubstr("13 features"), HasSubstr("has 12"), HasSubstr("small data")));
    EXPECT_THAT(use(bare), AllOf(HasSubstr("bare"), HasSubstr("no labels")));
    EXPECT_THAT(use(many), AllOf(HasSubstr("5 outputs"), HasSubstr("sample 4 of small data has 6")));
  }
}

TEST_F(TrainerErrorsTest, AnEpochNeedsABatch) {
  EXPECT_THAT(invalid([&] { trainer_.train_epoch(data_.rows(0, 6)); }),
              AllOf(HasSubstr("one batch of 7"), HasSubstr("has 6"), HasSubstr("smaller batch")));
}

TEST_F(TrainerErrorsTest, AStoppedEpochGoesOnWithItsOwnDataAlone) {
  trainer_.train_epoch(data_, stop_after(1));
  const Dataset other = small_data(23, kFeatures, kClasses, 9);
  EXPECT_THAT(invalid([&] { trainer_.train_epoch(other); }), AllOf(HasSubstr("same data"), HasSubstr("after step 1")));
  EXPECT_THAT(invalid([&] { trainer_.train_epoch(data_.rows(0, 22)); }),
              AllOf(HasSubstr("23 samples"), HasSubstr("22 samples")));
  EXPECT_THAT(invalid([&] { trainer_.train_epoch(data_.rows(1, 22)); }), HasSubstr("same data"));
  EXPECT_NO_THROW(trainer_.train_epoch(epoch_data()));  // The same bytes elsewhere are the same data.
  EXPECT_NO_THROW(trainer_.train_epoch(other));
}

TEST_F(TrainerErrorsTest, ASingleStepTakesExactlyABatchBetweenEpochs) {
  EXPECT_THAT(invalid([&] { trainer_.step(data_.rows(0, 6)); }), AllOf(HasSubstr("7 samples"), HasSubstr("has 6")));
  EXPECT_THAT(invalid([&] { trainer_.step(data_.rows(0, 8)); }), HasSubstr("has 8"));
  EXPECT_THAT(invalid([&] { trainer_.step(small_data(kBatch, kFeatures + 1, kClasses)); }), HasSubstr("has 14"));
  trainer_.train_epoch(data_, stop_after(1));
  EXPECT_THAT(invalid([&] { trainer_.step(data_.rows(0, kBatch)); }),
              AllOf(HasSubstr("stopped midway"), HasSubstr("train_epoch()")));
}

TEST_F(TrainerErrorsTest, ALearningRateMustBeFiniteAndNotNegative) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double lr : {-1e-9, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(invalid([&] { trainer_.set_learning_rate(lr); }), HasSubstr("lr must be finite and not negative"));
    EXPECT_EQ(trainer_.learning_rate(), 1e-2);
  }
}

TEST_F(TrainerErrorsTest, AdamsOptionsAreChecked) {
  const auto message = [](AdamOptions options) { return message_of<InvalidArgument>([&] { Adam{options}; }); };
  EXPECT_THAT(message({.lr = -1}), AllOf(HasSubstr("lr"), HasSubstr("-1")));
  EXPECT_THAT(message({.eps = -1e-8}), HasSubstr("eps"));
  EXPECT_THAT(message({.eps = std::numeric_limits<double>::infinity()}), HasSubstr("eps"));
  EXPECT_THAT(message({.beta1 = 1.0}), AllOf(HasSubstr("beta1"), HasSubstr("[0, 1)")));
  EXPECT_THAT(message({.beta2 = -0.1}), HasSubstr("beta2"));
  EXPECT_THAT(message({.beta2 = std::numeric_limits<double>::quiet_NaN()}), HasSubstr("beta2"));
}

TEST_F(TrainerErrorsTest, AModelThatMovedToAnotherDeviceNeedsANewTrainer) {
  model_.to(Device::cpu(1));
  EXPECT_THAT(invalid([&] { trainer_.train_epoch(data_); }), AllOf(HasSubstr("moved"), HasSubstr("new Trainer")));
  EXPECT_THAT(invalid([&] { trainer_.step(data_.rows(0, kBatch)); }), HasSubstr("new Trainer"));
  Trainer again = small_trainer(model_);
  EXPECT_NO_THROW(again.train_epoch(data_));
}

}  // namespace
}  // namespace rushlight
