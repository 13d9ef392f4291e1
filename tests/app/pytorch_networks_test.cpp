// Networks that PyTorch saved, without our metadata, give PyTorch's numbers (tests/goldens/make_networks.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/app/command_line.h"
#include "tests/support/goldens.h"

namespace rushlight {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr double kTolerance = 1e-4;

class PyTorchNetworksTest : public testing::TestWithParam<std::string> {
 protected:
  static std::string folder() { return golden_path("networks/"); }
  static nlohmann::json expected() { return nlohmann::json::parse(raw_bytes(folder() + "expected.json"))[GetParam()]; }
  static std::string model() { return folder() + GetParam() + "/state_dict.safetensors"; }

  static Outcome predict(const std::vector<std::string>& more) {
    const std::string images = folder() + GetParam() + "/t10k-images-idx3-ubyte";
    return call(std::vector<std::string>{"predict", model(), images, "--json"} + more);
  }
};

TEST_P(PyTorchNetworksTest, PredictGivesItsLogits) {
  const Outcome outcome = predict({"--logits"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto rows = json_lines(outcome.out);
  const auto logits = expected()["logits"].get<std::vector<std::vector<double>>>();
  ASSERT_THAT(rows, SizeIs(logits.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["index"], i);
    EXPECT_THAT(rows[i]["logits"].get<std::vector<double>>(),
                testing::Pointwise(testing::DoubleNear(kTolerance), logits[i]));
  }
}

TEST_P(PyTorchNetworksTest, EvalGivesItsLossAndAccuracy) {
  const Outcome outcome = call({"eval", model(), "--data", folder() + GetParam(), "--json"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto found = nlohmann::json::parse(outcome.out);
  EXPECT_NEAR(found["loss"], expected()["loss"], kTolerance);
  EXPECT_NEAR(found["accuracy"], expected()["accuracy"], 1e-9);
  EXPECT_EQ(found["samples"], expected()["logits"].size());
}

TEST_P(PyTorchNetworksTest, TopClassesAreItsLogitsInOrder) {
  const auto logits = expected()["logits"].get<std::vector<std::vector<double>>>();
  const Outcome outcome = predict({"--top", "1000"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto rows = json_lines(outcome.out);
  ASSERT_THAT(rows, SizeIs(logits.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::size_t> order(logits[i].size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[i][a] > logits[i][b]; });
    double sum = 0;
    for (const double logit : logits[i]) sum += std::exp(logit);
    EXPECT_EQ(rows[i]["class"], order.front());
    ASSERT_THAT(rows[i]["top"], SizeIs(order.size()));
    for (std::size_t k = 0; k < order.size(); ++k) {
      EXPECT_EQ(rows[i]["top"][k]["class"], order[k]) << i;
      EXPECT_NEAR(rows[i]["top"][k]["probability"], std::exp(logits[i][order[k]]) / sum, kTolerance) << i;
    }
  }
}

TEST_P(PyTorchNetworksTest, WhatWasInferredGoesToStderrAndOneLine) {
  const Outcome outcome = predict({"--index", "0", "--device", "cpu"});
  EXPECT_THAT(outcome.err, HasSubstr("state_dict.safetensors"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Goldens, PyTorchNetworksTest,
                         testing::Values("single", "width_one", "bare", "dropout", "mixed", "half", "brain"),
                         [](const auto& golden) { return golden.param; });

}  // namespace
}  // namespace rushlight
