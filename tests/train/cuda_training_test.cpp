// Whole trainings on a GPU against the same on a CPU: the draws are equal, and results differ by roundings alone.
#include <gtest/gtest.h>
#include <rushlight/trainer.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/io/temporary_folder.h"
#include "tests/support/backends.h"
#include "tests/support/numbers.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

constexpr std::int64_t kOddPixels = 777, kOddBatch = 61;

/// A sample is its class's picture, of which `eighths` show, under noise: something to learn.
Dataset pictures(std::int64_t samples, std::int64_t pixels, int eighths, std::uint32_t noise) {
  const Dataset prototypes = small_data(10, pixels, 10, 1000), noises = small_data(samples, pixels, 10, noise);
  std::vector<std::uint8_t> bytes;
  for (std::int64_t i = 0; i < samples; ++i) {
    const auto prototype = prototypes.sample(noises.labels()[static_cast<std::size_t>(i)]);
    for (std::size_t j = 0; j < prototype.size(); ++j) {
      bytes.push_back(static_cast<std::uint8_t>((eighths * prototype[j] + (8 - eighths) * noises.sample(i)[j]) / 8));
    }
  }
  return Dataset(std::move(bytes), {noises.labels().begin(), noises.labels().end()}, {pixels}, "pictures");
}

/// A training, and what it trains.
struct TrainingRun {
  TrainingRun(const Device& device, std::vector<Module> modules, std::int64_t batch, double lr = 1e-3)
      : model(std::move(modules)) {
    model.to(device).initialize(XavierUniform{}, {.seed = 777});
    trainer.emplace(model, CrossEntropyLoss{}, Adam{{.lr = lr}}, TrainerOptions{.batch = batch});
  }

  /// Odd sizes, and two rates of dropout.
  static TrainingRun odd(const Device& device) {
    return {device,
            {Linear(kOddPixels, 65), ReLU(), Dropout(0.3), Linear(65, 63), ReLU(), Dropout(0.5), Linear(63, 10)},
            kOddBatch};
  }

  /// Trains until `step` steps are done in all, and gives the loss of each.
  std::vector<double> train_to(std::uint64_t step, const Dataset& data) {
    std::vector<double> losses;
    double sum = 0;
    while (trainer->steps() < step) {
      trainer->train_epoch(data, [&](const Progress& progress) {
        if (progress.epoch_step() == 1) sum = 0;
        const double now = progress.metrics().loss * static_cast<double>(progress.epoch_step());
        losses.push_back(now - std::exchange(sum, now));
        return progress.step() < step ? AfterStep::go_on : AfterStep::stop;
      });
    }
    return losses;
  }

  Sequential model;
  std::optional<Trainer> trainer;
};

/// 307 samples: five batches and two samples over.
Dataset odd_data() {
  return pictures(307, kOddPixels, 1, 0);
}

class CudaTrainingTest : public OnCuda {
 protected:
  Device cpu_ = Device::cpu(2), cuda_ = Device::cuda();
};

TEST_F(CudaTrainingTest, InitialWeightsAreTheCpusBits) {
  EXPECT_EQ(bits_of(weights(TrainingRun::odd(cuda_).model)), bits_of(weights(TrainingRun::odd(cpu_).model)));
}

// Another mask, order, learning rate or bias correction in any step changes its loss by more.
TEST_F(CudaTrainingTest, LossesOfAHundredStepsWithDropoutAreTheCpusTo1e5) {
  const Dataset data = odd_data();
  TrainingRun cpu = TrainingRun::odd(cpu_), cuda = TrainingRun::odd(cuda_);
  const std::vector<double> expected = cpu.train_to(100, data), found = cuda.train_to(100, data);
  ASSERT_EQ(found.size(), 100U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5 * expected[i]) << i;
  EXPECT_LT(worst_relative_error(weights(cuda.model), weights(cpu.model), 1.0), 1e-4);
  EXPECT_LT(expected.back(), expected.front() - 0.1);
}

// A batch of one sample has that sample's loss; no two of them are within what roundings change.
TEST_F(CudaTrainingTest, SamplesComeInTheCpusOrder) {
  const Dataset data = small_data(23, kFeatures, kClasses);
  const auto losses = [&](const Device& device) {
    TrainingRun run(device, small_modules(0.0), 1, 0.0);
    return run.train_to(46, data);
  };
  const std::vector<double> expected = losses(cpu_), found = losses(cuda_);
  ASSERT_EQ(found.size(), 46U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << i;
  std::vector<double> sorted(expected.begin(), expected.begin() + 23);
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 1; i < sorted.size(); ++i) EXPECT_GT(sorted[i] - sorted[i - 1], 2e-5);
}

// Behind the last module dropout drops logits: where they are 0 is the mask.
TEST_F(CudaTrainingTest, MonteCarloMasksAreTheCpus) {
  const Dataset data = small_data(129, kOddPixels, 10);
  const std::vector<Module> modules{Dropout(0.3), Linear(kOddPixels, 33), ReLU(),
                                    Dropout(0.5), Linear(33, 10),         Dropout(0.5)};
  TrainingRun cpu(cpu_, modules, 1), cuda(cuda_, modules, 1);
  std::int64_t dropped = 0;
  for (const std::uint32_t pass : {0U, 4'000'000'000U}) {
    const Predictions expected = cpu.model.predict(data, {.mc_pass = pass});
    const Predictions found = cuda.model.predict(data, {.mc_pass = pass});
    for (std::int64_t i = 0; i < data.size(); ++i) {
      for (std::size_t c = 0; c < 10; ++c) {
        ASSERT_EQ(found.logits(i)[c] == 0.0F, expected.logits(i)[c] == 0.0F) << i << ", " << c;
        ASSERT_NEAR(found.logits(i)[c], expected.logits(i)[c], 1e-5);
        if (found.logits(i)[c] == 0.0F) ++dropped;
      }
    }
  }
  EXPECT_NEAR(static_cast<double>(dropped) / (2 * 129 * 10), 0.5, 0.06);
}

// A learning rate, a step number or a mask that is recorded in a graph, not read from memory, shows here.
TEST_F(CudaTrainingTest, GraphsAndHowManyStepsTheyHoldChangeNoBit) {
  const Dataset data = small_data(233, kFeatures, kClasses);  // 33 steps and two samples over.
  const auto trained = [&](GraphUse graphs, std::uint64_t every) {
    Device device = cuda_;
    device.graphs = graphs;
    Sequential model = small_model(device);
    Trainer trainer = small_trainer(model);
    StepCallback callback;
    if (every > 0) callback = [](const Progress&) { return AfterStep::go_on; };
    for (const double lr : {1e-2, 1e-3, 3e-2}) {
      trainer.set_learning_rate(lr);
      trainer.train_epoch(data, callback, std::max<std::uint64_t>(1, every));
    }
    return bits_of(weights(model));
  };
  const std::vector<std::uint32_t> expected = trained(GraphUse::off, 1);
  EXPECT_NE(expected, bits_of(weights(small_model(cuda_))));
  for (const GraphUse graphs : {GraphUse::on, GraphUse::off}) {
    for (const std::uint64_t every : {1, 5, 64, 0}) {  // 0: no callback.
      EXPECT_EQ(trained(graphs, every), expected) << (graphs == GraphUse::on ? "graphs, " : "no graphs, ") << every;
    }
  }
}

TEST_F(CudaTrainingTest, TheSameSeedGivesTheSameBitsRunAfterRun) {
  const Dataset data = odd_data();
  TrainingRun one = TrainingRun::odd(cuda_), two = TrainingRun::odd(cuda_);
  EXPECT_EQ(one.train_to(12, data), two.train_to(12, data));
  EXPECT_EQ(bits_of(weights(one.model)), bits_of(weights(two.model)));
}

// Saved in the middle of an epoch on one device, and gone on with on the other.
TEST_F(CudaTrainingTest, ACheckpointGoesOnOnAnyDevice) {
  const Dataset data = odd_data();
  const TemporaryFolder folder;
  for (const Device& first : {cpu_, cuda_}) {
    TrainingRun whole = TrainingRun::odd(first);
    const std::vector<double> losses = whole.train_to(15, data);
    const double last = whole.trainer->train_epoch(data).loss;
    for (const Device& second : {cpu_, cuda_}) {
      SCOPED_TRACE(to_string(first) + " to " + to_string(second));
      TrainingRun before = TrainingRun::odd(first), after = TrainingRun::odd(second);
      before.train_to(7, data);
      before.trainer->save(folder / "checkpoint");
      after.trainer->load(folder / "checkpoint");
      EXPECT_EQ(bits_of(weights(after.model)), bits_of(weights(before.model)));
      EXPECT_EQ(after.trainer->epoch_steps(), 2U);
      const Metrics rest = after.trainer->train_epoch(data);
      const std::vector<double> found = after.train_to(15, data);
      ASSERT_EQ(found.size(), 5U);
      EXPECT_NEAR(rest.loss, (losses[5] + losses[6] + losses[7] + losses[8] + losses[9]) / 5, 1e-5 * rest.loss);
      for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(found[i], losses[10 + i], 1e-5 * losses[10 + i]);
      EXPECT_NEAR(after.trainer->train_epoch(data).loss, last, 1e-5 * last);
      if (first.kind == second.kind) {
        EXPECT_EQ(bits_of(weights(after.model)), bits_of(weights(whole.model)));
      }
      EXPECT_LT(worst_relative_error(weights(after.model), weights(whole.model), 1.0), 2e-5);
    }
  }
}

// Operands of 10 and 7 bits of mantissa are off by up to 2^-11 and 2^-8: the first loss by 1e-3 and 5e-3 at most.
// Adam's first steps are as long for a small gradient as for a large one, so that later losses may be off by 6 %.
TEST_F(CudaTrainingTest, OtherPrecisionsTrainAndStayNear) {
  const Dataset data = pictures(512, 784, 3, 0);
  const auto losses = [&](Precision precision) {
    Device device = cuda_;
    device.precision = precision;
    TrainingRun run(device, {Linear(784, 64), ReLU(), Dropout(0.3), Linear(64, 64), ReLU(), Linear(64, 10)}, 64);
    return run.train_to(24, data);
  };
  const std::vector<double> expected = losses(Precision::fp32);
  for (const auto& [precision, tolerance] : {std::pair(Precision::tf32, 1e-3), std::pair(Precision::bf16, 5e-3)}) {
    SCOPED_TRACE(to_string(precision));
    const std::vector<double> found = losses(precision);
    EXPECT_NE(found, expected);
    EXPECT_NEAR(found[0], expected[0], tolerance * expected[0]);
    for (std::size_t i = 1; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 0.06 * expected[i]) << i;
    EXPECT_LT(found.back(), found.front() - 0.1);
  }
}

TEST_F(CudaTrainingTest, EightEpochsReachWhatTheCpuReaches) {
  const Dataset data = pictures(512, 784, 3, 0), held_out = pictures(256, 784, 3, 1);
  const auto reached = [&](const Device& device) {
    TrainingRun run(device,
                    {Linear(784, 64), ReLU(), Dropout(0.3), Linear(64, 64), ReLU(), Dropout(0.3), Linear(64, 10)}, 64);
    for (int epoch = 0; epoch < 8; ++epoch) run.trainer->train_epoch(data);
    return run.trainer->evaluate(held_out);
  };
  const Metrics expected = reached(cpu_), found = reached(cuda_);
  EXPECT_GT(found.accuracy, 0.8);
  EXPECT_NEAR(found.accuracy, expected.accuracy, 1.01 / 256);  // A sample between two classes may go either way.
  EXPECT_NEAR(found.loss, expected.loss, 1e-4 * expected.loss);
}

}  // namespace
}  // namespace rushlight
