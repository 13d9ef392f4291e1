// `rushlight eval`, `predict` and `plan`: what they print.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/rushlight.h>

#include <cmath>
#include <numeric>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class InferenceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    line_ = new CommandLine;
    ASSERT_EQ(call(line_->train("run", {"--epochs", "12", "--lr", "0.01", "--dropout", "0.1"})).code, kDone);
  }
  static void TearDownTestSuite() { delete line_; }

  Outcome predict(const std::vector<std::string>& more) {
    return call(std::vector<std::string>{"predict", line_->path("run"), images()} + more);
  }
  static std::string images() { return line_->data() + "/t10k-images-idx3-ubyte"; }

  static CommandLine* line_;
};

CommandLine* InferenceTest::line_ = nullptr;

TEST_F(InferenceTest, EvalOfARunIsTheLogsLastRow) {
  const Outcome outcome = call({"eval", line_->path("run"), "--data", line_->data(), "--json", "--device", "cpu"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto row = nlohmann::json::parse(outcome.out);
  const auto last = json_lines(line_->bytes("run", "log.jsonl")).back();
  EXPECT_EQ(row["loss"], last["test_loss"]);
  EXPECT_EQ(row["accuracy"], last["test_accuracy"]);
  EXPECT_EQ(row["samples"], kTestSamples);
}

TEST_F(InferenceTest, EvalTakesAFileAndASplitAndPrintsThreeLines) {
  const Outcome outcome =
      call({"eval", line_->path("run/model.safetensors"), "--data", line_->data(), "--split", "train"});
  EXPECT_EQ(outcome.code, kDone);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("loss "), HasSubstr("accuracy "), HasSubstr("samples   120\n")));
}

TEST_F(InferenceTest, TheDeviceThatAutoChoseIsToldOnStderr) {
  const std::vector<std::string> eval{"eval", line_->path("run"), "--data", line_->data()};
  EXPECT_THAT(call(eval).err, HasSubstr("device: "));
  EXPECT_EQ(call(eval + std::vector<std::string>{"--device", "cpu"}).err, "");
  EXPECT_THAT(predict({}).err, HasSubstr("device: "));
}

TEST_F(InferenceTest, RawPixelsAreThePixelsTimes255) {
  const auto unit = nlohmann::json::parse(call({"eval", line_->path("run"), "--data", line_->data(), "--json"}).out);
  const auto raw =
      nlohmann::json::parse(call({"eval", line_->path("run"), "--data", line_->data(), "--json", "--raw-pixels"}).out);
  Sequential model = load(line_->path("run/model.safetensors")).model;
  const Metrics expected = model.evaluate(load_idx_folder(line_->data(), Split::test), {}, PixelScale::raw);
  EXPECT_NEAR(raw["loss"].get<double>(), expected.loss, 1e-6 * expected.loss);
  EXPECT_NE(raw["loss"], unit["loss"]);
}

TEST_F(InferenceTest, PredictGivesEachSamplesClassAndProbability) {
  const Outcome outcome = predict({"--json"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto rows = json_lines(outcome.out);
  ASSERT_THAT(rows, SizeIs(kTestSamples));
  Sequential model = load(line_->path("run/model.safetensors")).model;
  const Predictions expected = model.predict(load_idx(images()));
  int right = 0;
  for (int i = 0; i < kTestSamples; ++i) {
    const auto& row = rows[static_cast<std::size_t>(i)];
    EXPECT_EQ(row["index"], i);
    EXPECT_EQ(row["class"], expected.label(i));
    EXPECT_NEAR(row["probability"], expected.probabilities(i)[row["class"].get<std::size_t>()], 1e-6);
    right += row["class"] == i % kClasses ? 1 : 0;
  }
  EXPECT_GT(right, kTestSamples * 9 / 10);
}

TEST_F(InferenceTest, TopClassesComeInOrderAndAddUpToOne) {
  const auto row = json_lines(predict({"--top", "4", "--index", "3", "--json"}).out).front();
  EXPECT_EQ(row["index"], 3);
  ASSERT_THAT(row["top"], SizeIs(4));
  double sum = 0, before = 1;
  for (const auto& guess : row["top"]) {
    EXPECT_LE(guess["probability"], before);
    before = guess["probability"];
    sum += before;
  }
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST_F(InferenceTest, LogitsAreTheLogarithmsOfTheProbabilitiesButForAConstant) {
  const auto logits = json_lines(predict({"--logits", "--index", "5", "--json"}).out).front()["logits"];
  const auto top = json_lines(predict({"--top", "4", "--index", "5", "--json"}).out).front()["top"];
  ASSERT_THAT(logits, SizeIs(4));
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit);
  for (const auto& guess : top) {
    EXPECT_NEAR(guess["probability"], std::exp(logits[guess["class"].get<std::size_t>()].get<double>()) / sum, 1e-6);
  }
}

TEST_F(InferenceTest, PlainRowsHaveAHeadingAndARowASample) {
  const Outcome outcome = predict({});
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), kTestSamples + 1);
  EXPECT_THAT(outcome.out, testing::StartsWith("index"));
}

TEST_F(InferenceTest, ADrawnImageHasARowOfTextARowOfPixels) {
  const Outcome outcome = predict({"--index", "0", "--draw"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), kSide + 2);
  // The first class is bright at the left of the upper half.
  const std::string first = outcome.out.substr(0, outcome.out.find('\n'));
  EXPECT_NE(first.substr(0, first.size() / 2), first.substr(first.size() / 2));
}

TEST_F(InferenceTest, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(predict({"--index", "40"}).code, kWrongUsage);
  EXPECT_EQ(predict({"--index", "-1"}).code, kWrongUsage);
  EXPECT_EQ(predict({"--draw"}).code, kWrongUsage);
  EXPECT_EQ(predict({"--top", "0"}).code, kWrongUsage);
  EXPECT_EQ(predict({"--top", "2", "--logits"}).code, kWrongUsage);
  const std::string labels = line_->data() + "/t10k-labels-idx1-ubyte";
  EXPECT_EQ(call({"predict", line_->path("run"), labels}).code, kBadData);
  put_raw_bytes(line_->path("table.csv"), "1,2,3\n");
  EXPECT_EQ(call({"predict", line_->path("run"), line_->path("table.csv")}).code, kBadData);
}

TEST_F(InferenceTest, WeightsThatAreNoNumbersOrOverflowAreBadData) {
  Sequential model = load(line_->path("run/model.safetensors")).model;
  std::vector<Tensor> tensors = model.state_dict();
  const std::string file = line_->path("wrong.safetensors");
  const auto expect_refused = [&](const std::string& word) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"eval", file, "--data", line_->data()}, {"predict", file, images()}}) {
      const Outcome outcome = call(words);
      EXPECT_EQ(outcome.code, kBadData) << words.front();
      EXPECT_EQ(outcome.out, "");
      EXPECT_THAT(outcome.err, AllOf(HasSubstr(file), HasSubstr(word)));
    }
  };
  for (float& value : tensors[0].values) value = 3e38F;
  save(model.load_state_dict(tensors), file);
  expect_refused("too large");
  tensors[0].values[5] = std::nanf("");
  save(model.load_state_dict(tensors), file);
  expect_refused("element 5 of 0.weight");
}

TEST_F(InferenceTest, MoreClassesThanThereAreAreAllClasses) {
  EXPECT_THAT(json_lines(predict({"--top", "2000000000", "--index", "0", "--json"}).out).front()["top"], SizeIs(4));
  EXPECT_THAT(predict({"--top", "2000000000", "--index", "0"}).out, SizeIs(testing::Lt(300U)));
}

TEST_F(InferenceTest, PlanIsTheLibrarysPlanAndAddsUp) {
  const Outcome outcome = call(
      {"plan", "--hidden", "33,7", "--inputs", "64", "--outputs", "4", "--batch", "10", "--json", "--device", "cpu"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto plan = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(plan["parameter_count"], 64 * 33 + 33 + 33 * 7 + 7 + 7 * 4 + 4);
  const Sequential model(Linear(64, 33), ReLU(), Dropout(0.3), Linear(33, 7), ReLU(), Dropout(0.3), Linear(7, 4));
  EXPECT_EQ(plan["bytes"]["all"], plan_memory(model, 10, Mode::train).bytes());
  std::int64_t entries = 0, uses = 0;
  for (const auto& entry : plan["entries"]) entries += entry["bytes"].get<std::int64_t>();
  for (const auto& [use, bytes] : plan["bytes"].items()) uses += use == "all" ? 0 : bytes.get<std::int64_t>();
  EXPECT_EQ(plan["bytes"]["all"], entries);
  EXPECT_EQ(plan["bytes"]["all"], uses);
}

TEST_F(InferenceTest, PlanWithoutTrainingHasNoGradientsAndNoMoments) {
  for (const std::string mode : {"eval", "mc"}) {
    const auto plan = nlohmann::json::parse(call({"plan", "--mode", mode, "--json"}).out);
    EXPECT_EQ(plan["bytes"]["gradients"], 0) << mode;
    EXPECT_EQ(plan["bytes"]["moments"], 0) << mode;
    EXPECT_GT(plan["bytes"]["parameters"], 0) << mode;
  }
  const Outcome table = call({"plan"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("gradients"), HasSubstr("1195018 parameters"), HasSubstr("Linear(784, 512)")));
}

TEST_F(InferenceTest, PlanOfWhatCannotBeIsWrongUsage) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--batch", "0"}, {"--inputs", "0"}, {"--outputs", "-1"}}) {
    EXPECT_EQ(call(std::vector<std::string>{"plan"} + wrong).code, kWrongUsage) << wrong.front();
  }
}

}  // namespace
}  // namespace rushlight
