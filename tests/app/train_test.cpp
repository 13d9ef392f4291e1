// `rushlight train`: the run's folder, the rows, what is refused before anything is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;

namespace fs = std::filesystem;

class TrainCommandTest : public testing::Test {
 protected:
  CommandLine line_;
};

/// Another working folder for a while.
class WorkingFolder {
 public:
  explicit WorkingFolder(const fs::path& folder) { fs::current_path(folder); }
  ~WorkingFolder() { fs::current_path(before_); }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;

 private:
  fs::path before_ = fs::current_path();
};

TEST_F(TrainCommandTest, ARunWritesItsFourFilesAndARowAnEpoch) {
  const Outcome outcome = call(line_.train("run"));
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  for (const char* const file : {"config.toml", "log.jsonl", "model.safetensors", "checkpoint.safetensors"}) {
    EXPECT_TRUE(fs::is_regular_file(line_.path("run/") + file)) << file;
  }
  const auto rows = json_lines(line_.bytes("run", "log.jsonl"));
  ASSERT_THAT(rows, SizeIs(3));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["epoch"], i + 1);
    EXPECT_EQ(rows[i]["step"], 12 * (i + 1));
    EXPECT_EQ(rows[i]["lr"], 0.001);
    EXPECT_GT(rows[i]["seconds"], 0.0);
    EXPECT_THAT(rows[i], SizeIs(8));
  }
}

TEST_F(TrainCommandTest, ItLearnsClassesThatCanBeLearned) {
  const Outcome outcome = call(line_.train("run", {"--epochs", "20", "--lr", "0.01", "--dropout", "0", "--json"}));
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto rows = json_lines(line_.bytes("run", "log.jsonl"));
  EXPECT_GT(rows.back()["test_accuracy"], 0.95);
  EXPECT_LT(rows.back()["train_loss"], rows.front()["train_loss"]);
}

TEST_F(TrainCommandTest, JsonOnStdoutIsTheLogAndALastRow) {
  const Outcome outcome = call(line_.train("run", {"--json"}));
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto rows = json_lines(outcome.out);
  ASSERT_THAT(rows, SizeIs(4));
  const std::vector<nlohmann::json> epochs(rows.begin(), rows.end() - 1);
  EXPECT_EQ(epochs, json_lines(line_.bytes("run", "log.jsonl")));
  EXPECT_EQ(rows.back()["run"], line_.path("run"));
}

TEST_F(TrainCommandTest, TheTableGoesToStdoutAndTalkToStderr) {
  const Outcome outcome = call(line_.train("run", {"--device", "auto"}));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("test accuracy"), HasSubstr("\n    3  "), HasSubstr(line_.path("run"))));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(line_.data()), HasSubstr("device:")));
}

TEST_F(TrainCommandTest, QuietSaysNothing) {
  const Outcome outcome = call(line_.train("run", {"--quiet"}));
  EXPECT_EQ(outcome.code, kDone);
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_TRUE(fs::exists(line_.path("run/model.safetensors")));
}

TEST_F(TrainCommandTest, WithoutOutRunsAreNumbered) {
  fs::create_directory(line_.path("here"));
  const WorkingFolder here(line_.path("here"));
  ASSERT_EQ(call(line_.small()).code, kDone);
  ASSERT_EQ(call(line_.small()).code, kDone);
  EXPECT_TRUE(fs::exists("runs/lab-1/model.safetensors"));
  EXPECT_TRUE(fs::exists("runs/lab-2/model.safetensors"));
  EXPECT_FALSE(fs::exists("runs/lab-3"));
}

TEST_F(TrainCommandTest, TheDataIsFoundByTheVariable) {
  fs::create_directory(line_.path("here"));
  const WorkingFolder here(line_.path("here"));
  ::setenv("RUSHLIGHT_DATA", line_.data().c_str(), 1);
  const Outcome outcome = call({"train", "--hidden", "4", "--epochs", "1", "--threads", "1", "--batch", "10"});
  ::unsetenv("RUSHLIGHT_DATA");
  EXPECT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(line_.data()));
}

TEST_F(TrainCommandTest, AnExistingRunIsKeptAndNamesResume) {
  ASSERT_EQ(call(line_.train("run")).code, kDone);
  const std::string before = line_.bytes("run", "checkpoint.safetensors");
  const Outcome again = call(line_.train("run", {"--seed", "1"}));
  EXPECT_EQ(again.code, kWrongUsage);
  EXPECT_THAT(again.err, HasSubstr("--resume " + line_.path("run")));
  EXPECT_EQ(line_.bytes("run", "checkpoint.safetensors"), before);
}

TEST_F(TrainCommandTest, AFolderWithOtherFilesIsLeftAlone) {
  fs::create_directory(line_.path("mine"));
  put_raw_bytes(line_.path("mine/notes.txt"), "keep");
  EXPECT_EQ(call(line_.train("mine")).code, kWrongUsage);
  put_raw_bytes(line_.path("file"), "keep");
  EXPECT_EQ(call(line_.train("file")).code, kWrongUsage);
  EXPECT_EQ(line_.bytes("mine", "notes.txt"), "keep");
  EXPECT_EQ(raw_bytes(line_.path("file")), "keep");
  EXPECT_FALSE(fs::exists(line_.path("mine/config.toml")));
}

TEST_F(TrainCommandTest, WhatCannotTrainLeavesNoFolder) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--batch", "121"}, {"--limit-train", "9"}, {"--limit-train", "121"}, {"--batch", "0"}, {"--lr", "-1"}}) {
    const Outcome outcome = call(line_.train("run", wrong));
    EXPECT_EQ(outcome.code, kWrongUsage) << wrong.front() << ": " << outcome.err;
    EXPECT_FALSE(fs::exists(line_.path("run"))) << wrong.front();
  }
}

TEST_F(TrainCommandTest, TestImagesOfAnotherSizeLeaveNoFolder) {
  std::string images{'\0', '\0', '\x08', '\x03'};
  for (const std::uint32_t size : {2U, 3U, 3U}) append_big_endian(images, size);
  std::string labels{'\0', '\0', '\x08', '\x01'};
  append_big_endian(labels, 2);
  put_raw_bytes(line_.path("images/t10k-images-idx3-ubyte"), images + std::string(18, 'x'));
  put_raw_bytes(line_.path("images/t10k-labels-idx1-ubyte"), labels + std::string(2, '\0'));
  const Outcome outcome = call(line_.train("run"));
  EXPECT_THAT(outcome.code, testing::AnyOf(kWrongUsage, kBadData)) << outcome.err;
  EXPECT_FALSE(fs::exists(line_.path("run")));
}

TEST_F(TrainCommandTest, TheConfigOfARunRunsItAgainToTheSameBytes) {
  ASSERT_EQ(call(line_.train("first", {"--seed", "5", "--dropout", "0.25", "--no-shuffle", "--lr", "0.0017"})).code,
            kDone);
  const std::string config = line_.path("first/config.toml");
  const Outcome outcome = call({"train", "--config", config, "--out", line_.path("second")});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  for (const char* const file : {"config.toml", "model.safetensors", "checkpoint.safetensors"}) {
    EXPECT_EQ(line_.bytes("first", file), line_.bytes("second", file)) << file;
  }
}

TEST_F(TrainCommandTest, TheCommandLineWinsOverTheConfig) {
  put_raw_bytes(line_.path("lab.toml"), "epochs = 7\nhidden = []\nbatch = 20\nlr = 1\n");
  const Outcome outcome = call({"train", "--config", line_.path("lab.toml"), "--epochs", "2", "--lr", "0.01", "--data",
                                line_.data(), "--out", line_.path("run"), "--threads", "1"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto rows = json_lines(line_.bytes("run", "log.jsonl"));
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows.back()["step"], 2 * kTrainSamples / 20);
  EXPECT_EQ(rows.back()["lr"], 0.01);
}

TEST_F(TrainCommandTest, EachSettingThatShapesTheNumbersChangesThem) {
  ASSERT_EQ(call(line_.train("plain")).code, kDone);
  const std::vector<std::vector<std::string>> changes{{"--seed", "1"},         {"--no-shuffle"},  {"--dropout", "0"},
                                                      {"--limit-train", "60"}, {"--lr", "0.002"}, {"--batch", "12"}};
  for (const auto& change : changes) {
    const std::string out = "with" + change.front();
    ASSERT_EQ(call(line_.train(out, change)).code, kDone);
    EXPECT_NE(rows_without_seconds(line_.path("plain/log.jsonl")), rows_without_seconds(line_.path(out + "/log.jsonl")))
        << change.front();
  }
}

TEST_F(TrainCommandTest, InitFromStartsWithTheWeightsOfARun) {
  ASSERT_EQ(call(line_.train("first", {"--epochs", "15", "--lr", "0.01", "--dropout", "0"})).code, kDone);
  ASSERT_EQ(
      call(line_.train("second", {"--init-from", line_.path("first"), "--epochs", "1", "--lr", "0", "--dropout", "0"}))
          .code,
      kDone);
  const auto first = json_lines(line_.bytes("first", "log.jsonl")).back();
  const auto second = json_lines(line_.bytes("second", "log.jsonl")).back();
  EXPECT_EQ(first["test_loss"], second["test_loss"]);
}

TEST_F(TrainCommandTest, InitFromAnotherShapeIsWrongUsage) {
  ASSERT_EQ(call(line_.train("first")).code, kDone);
  const Outcome outcome = call(line_.train("second", {"--init-from", line_.path("first"), "--hidden", "7"}));
  EXPECT_EQ(outcome.code, kWrongUsage) << outcome.err;
  EXPECT_FALSE(fs::exists(line_.path("second")));
}

TEST_F(TrainCommandTest, ADivergedTrainingSavesNothingAndAdvisesALowerRate) {
  const Outcome outcome = call(line_.train("run", {"--lr", "1e38"}));
  EXPECT_EQ(outcome.code, kDiverged) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("lower learning rate"));
  EXPECT_FALSE(fs::exists(line_.path("run/checkpoint.safetensors")));
  EXPECT_FALSE(fs::exists(line_.path("run/model.safetensors")));
  EXPECT_THAT(json_lines(fs::exists(line_.path("run/log.jsonl")) ? line_.bytes("run", "log.jsonl") : ""), IsEmpty());
}

}  // namespace
}  // namespace rushlight
