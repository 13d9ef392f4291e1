#include "src/graph/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "tests/graph/network_run.h"
#include "tests/graph/plain_network.h"
#include "tests/support/contract.h"
#include "tests/support/devices.h"
#include "tests/support/numbers.h"
#include "tests/support/small_data.h"

namespace rushlight {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr std::uint64_t kSeed = 0x9E3779B97F4A7C15ULL;  // Both words of the key take part.
constexpr std::uint32_t kStep = 40'961;
constexpr std::int64_t kRows = 5;

using Modules = std::vector<Module>;

Modules lab(std::int64_t width) {
  return {Linear(width, width + 2), ReLU(), Dropout(0.3), Linear(width + 2, width), ReLU(), Dropout(0.5),
          Linear(width, 3)};
}

/// Every way in which operations follow each other.
std::vector<Modules> orders(std::int64_t width) {
  return {
      lab(width),
      {Linear(width, 3)},
      {Dropout(0.25), Linear(width, width, Bias::absent), Dropout(0.5), ReLU(), Linear(width, 3)},
      {ReLU(), Linear(width, width, Bias::absent), Linear(width, width), ReLU(), ReLU(), Linear(width, 3, Bias::absent),
       Dropout(0.4)},
      {Linear(width, width, Bias::absent), ReLU(), Dropout(0.3), Dropout(0.3), Linear(width, 3), Dropout(0.2), ReLU()},
      {Linear(width, width), ReLU(), Dropout(0.0), Linear(width, 3)},
      {Linear(width, width), ReLU(), Dropout(1.0), Linear(width, 3)},
  };
}

/// The largest difference between the gradients and central differences, as a share of the largest of the tensor.
double worst_difference(const NetworkRun& run, const Modules& modules, const Dataset& data, double* largest) {
  const contract::Mask mask{.seed = kSeed, .step = kStep};
  PlainNetwork plain(modules, run.state().state_dict(0));
  double worst = 0;
  for (const Tensor& gradient : run.gradients(0)) {
    const std::size_t stride = std::max<std::size_t>(1, gradient.values.size() / 101);
    std::vector<double> difference;
    double scale = 0;
    for (std::size_t i = 0; i < gradient.values.size(); i += stride) {
      constexpr double kChange = 1e-6;
      double& parameter = plain.parameters.at(gradient.name)[i];
      const double before = parameter;
      parameter = before + kChange;
      const double above = plain.loss(data, kRows, mask);
      parameter = before - kChange;
      const double below = plain.loss(data, kRows, mask);
      parameter = before;
      const double expected = (above - below) / (2 * kChange);
      difference.push_back(std::abs(expected - static_cast<double>(gradient.values[i])));
      scale = std::max(scale, std::abs(expected));
    }
    *largest = std::max(*largest, scale);
    worst = std::max(worst, *std::max_element(difference.begin(), difference.end()) / (scale + 1e-3));
  }
  return worst;
}

class NetworkTest : public OnEachDeviceWithNumber {
 protected:
  /// The same bits on a CPU. cuBLAS may sum three products at once in another order than one: 2e-6 on a GPU.
  void expect_alike(const std::vector<float>& found, const std::vector<float>& expected, const std::string& what) {
    if (device().kind == Device::Kind::cpu) {
      EXPECT_EQ(found, expected) << what;
    } else {
      EXPECT_LT(worst_relative_error(found, expected, 0.1), 2e-5) << what;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Widths, NetworkTest,
                         testing::Combine(testing::ValuesIn(device_cases()), testing::ValuesIn(kOddSizes)),
                         numbered_case_name);

class NetworkDrawsTest : public OnEachDevice {};
INSTANTIATE_TEST_SUITE_P(Devices, NetworkDrawsTest, testing::ValuesIn(device_cases()), backend_case_name);

// Vectors of Random123's distribution, and the sample order that docs/design.md states.
TEST(NetworkOracleTest, DrawsThePublishedWords) {
  EXPECT_THAT(contract::philox({0, 0, 0, 0}, 0), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(contract::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822ULL),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST_P(NetworkTest, GradientMatchesFiniteDifferences) {
  const Dataset data = small_data(kRows, number(), 3);
  double largest = 0;
  for (const Modules& modules : orders(number())) {
    SCOPED_TRACE(testing::PrintToString(modules.size()) + " modules, first " + to_string(modules.front()));
    NetworkRun run(device(), modules, {{kSeed, 0}}, kRows, Mode::train);
    run.run(data, {.step = kStep});
    EXPECT_LT(worst_difference(run, modules, data, &largest), 1e-5);
  }
  EXPECT_GT(largest, 0.01);
}

TEST_P(NetworkTest, LogitsAndLossMatchDoublePrecision) {
  const Dataset data = small_data(kRows, number(), 3);
  for (const Modules& modules : orders(number())) {
    for (const Mode mode : {Mode::train, Mode::eval, Mode::mc}) {
      SCOPED_TRACE(testing::PrintToString(modules.size()) + " modules, first " + to_string(modules.front()));
      NetworkRun run(device(), modules, {{kSeed, 0}}, kRows, mode);
      run.run(data, {.step = kStep});
      std::optional<contract::Mask> mask;
      if (mode != Mode::eval) mask = contract::Mask{.seed = kSeed, .step = kStep};
      if (mode == Mode::mc) mask->purpose = contract::kMonteCarlo;
      const PlainNetwork plain(modules, run.state().state_dict(0));
      EXPECT_NEAR(run.loss(0), plain.loss(data, kRows, mask), 2e-6);
      const std::vector<float> logits = run.logits(0);
      ASSERT_THAT(logits, SizeIs(kRows * 3));
      for (std::uint32_t row = 0; row < kRows; ++row) {
        const auto expected = plain.forward(PlainNetwork::inputs(data, row), row, mask);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(logits[row * 3 + i], expected[i], 5e-6);
      }
    }
  }
}

TEST_P(NetworkTest, EvalIsTrainingsForwardWithoutDropout) {
  const std::int64_t width = number();
  const Dataset data = small_data(kRows, width, 3);
  const auto modules = [width](double p) {
    return Modules{ReLU(),
                   Dropout(p),
                   Linear(width, width + 2),
                   ReLU(),
                   Dropout(p),
                   ReLU(),
                   Linear(width + 2, width, Bias::absent),
                   Dropout(p),
                   Linear(width, 3),
                   Dropout(p)};
  };
  NetworkRun training(device(), modules(0.0), {{kSeed, 0}}, kRows, Mode::train);
  NetworkRun evaluation(device(), modules(0.5), {{kSeed, 0}}, kRows, Mode::eval);
  training.run(data);
  evaluation.run(data);
  EXPECT_EQ(evaluation.logits(0), training.logits(0));
  EXPECT_EQ(evaluation.loss(0), training.loss(0));
}

TEST_P(NetworkTest, EachOfThreeMembersIsWhatItIsAlone) {
  const Dataset data = small_data(kRows, number(), 3);
  const std::vector<Member> ensemble{{kSeed, 0}, {kSeed, 1}, {kSeed, 2}};
  const std::vector<Member> sweep{{kSeed, 0}, {778, 0}, {3, 0}};
  for (const std::vector<Member>& members : {ensemble, sweep}) {
    for (const Mode mode : {Mode::train, Mode::mc}) {
      NetworkRun together(device(), lab(number()), members, kRows, mode);
      together.run(data, {.step = kStep});
      for (std::int64_t k = 0; k < 3; ++k) {
        NetworkRun alone(device(), lab(number()), {members[static_cast<std::size_t>(k)]}, kRows, mode);
        alone.run(data, {.step = kStep});
        expect_alike(together.logits(k), alone.logits(0), "logits");
        expect_alike({static_cast<float>(together.loss(k))}, {static_cast<float>(alone.loss(0))}, "loss");
        if (mode != Mode::train) continue;
        const std::vector<Tensor> found = together.gradients(k), expected = alone.gradients(0);
        for (std::size_t i = 0; i < found.size(); ++i) {
          expect_alike(found[i].values, expected[i].values, found[i].name);
        }
      }
      EXPECT_NE(together.state().state_dict(0)[0].values, together.state().state_dict(1)[0].values);
    }
  }
}

TEST_P(NetworkTest, PaddingOfGradientsStaysZero) {
  for (const Modules& modules : orders(number())) {
    NetworkRun run(device(), modules, {{kSeed, 0}, {kSeed, 1}}, kRows, Mode::train);
    for (std::uint64_t step = 0; step < 3; ++step) run.run(small_data(kRows, number(), 3), {.step = step});
    const ParameterLayout& layout = *run.state().layout();
    const std::vector<float> padding = padding_of(layout, run.gradient_block(), run.backend());
    EXPECT_GT(padding.size(), 0U);
    EXPECT_THAT(padding, Each(0.0F));
  }
}

// In mc mode a row draws as the sample at its place in the file, wherever the batch begins.
TEST_P(NetworkDrawsTest, MonteCarloRowsCountFromTheFilesBeginning) {
  const Dataset data = small_data(9, 17, 3);
  const Modules modules = lab(17);
  NetworkRun run(device(), modules, {{kSeed, 0}}, kRows, Mode::mc);
  run.run(data, {.step = 3, .position = 4, .first = 1000});
  const contract::Mask mask{.seed = kSeed, .step = 3, .purpose = contract::kMonteCarlo};
  const PlainNetwork plain(modules, run.state().state_dict(0));
  const std::vector<float> logits = run.logits(0);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    const auto expected = plain.forward(PlainNetwork::inputs(data, row + 4), row + 1004, mask);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(logits[row * 3 + i], expected[i], 5e-6);
  }
}

}  // namespace
}  // namespace rushlight
