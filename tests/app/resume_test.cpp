// A run that stopped goes on to the bytes of the run that never stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/io.h>

#include <fmt/format.h>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace fs = std::filesystem;

class ResumeTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(call(line_.train("whole")).code, kDone); }

  void expect_as_whole(const std::string& run) {
    EXPECT_EQ(line_.bytes(run, "model.safetensors"), line_.bytes("whole", "model.safetensors"));
    EXPECT_EQ(line_.bytes(run, "checkpoint.safetensors"), line_.bytes("whole", "checkpoint.safetensors"));
    EXPECT_EQ(rows_without_seconds(line_.path(run + "/log.jsonl")),
              rows_without_seconds(line_.path("whole/log.jsonl")));
  }

  /// A run that did two of three epochs.
  void stop_after_two(const std::string& run) { ASSERT_EQ(call(line_.train(run, {"--epochs", "2"})).code, kDone); }

  void expect_goes_on(const std::string& run, const std::vector<std::string>& more = {"--epochs", "3"}) {
    const Outcome outcome = call(line_.resume(run, more));
    ASSERT_EQ(outcome.code, kDone) << outcome.err;
    expect_as_whole(run);
  }

  CommandLine line_;
};

TEST_F(ResumeTest, StoppedAtAnyStepItEndsInTheSameBytes) {
  for (const int steps : {1, 7, 12, 13, 24, 35}) {
    const std::string run = fmt::format("stopped-{}", steps);
    ASSERT_EQ(call(line_.train(run, {"--max-steps", std::to_string(steps)})).code, kDone);
    EXPECT_EQ(read_checkpoint_info(line_.path(run + "/checkpoint.safetensors")).step,
              static_cast<std::uint64_t>(steps));
    EXPECT_THAT(json_lines(fs::exists(line_.path(run + "/log.jsonl")) ? line_.bytes(run, "log.jsonl") : ""),
                SizeIs(steps / 12));
    expect_goes_on(run, {"--max-steps", "1000"});
  }
}

TEST_F(ResumeTest, MoreEpochsAreTheEpochsOfALongerRun) {
  stop_after_two("two");
  expect_goes_on("two");
}

TEST_F(ResumeTest, CheckpointsBetweenChangeNothing) {
  ASSERT_EQ(call(line_.train("often", {"--checkpoint-every", "5"})).code, kDone);
  expect_as_whole("often");
}

TEST_F(ResumeTest, ATornLastLineIsDropped) {
  stop_after_two("run");
  append_file(line_.path("run/log.jsonl"), R"({"epoch":3,"step":36,"train_lo)");
  expect_goes_on("run");
}

TEST_F(ResumeTest, ARowBeyondTheCheckpointIsComputedAgain) {
  stop_after_two("run");
  append_file(line_.path("run/log.jsonl"), R"({"epoch":3,"step":36,"train_loss":9.0})"
                                           "\n");
  expect_goes_on("run");
}

TEST_F(ResumeTest, AMissingModelIsWritten) {
  fs::remove(line_.path("whole/model.safetensors"));
  const std::string checkpoint = line_.bytes("whole", "checkpoint.safetensors");
  ASSERT_EQ(call(line_.resume("whole")).code, kDone);
  ASSERT_EQ(call(line_.train("again")).code, kDone);
  EXPECT_EQ(line_.bytes("whole", "checkpoint.safetensors"), checkpoint);
  expect_as_whole("again");
}

TEST_F(ResumeTest, AnOlderModelIsReplaced) {
  stop_after_two("run");
  const std::string older = line_.bytes("run", "model.safetensors");
  ASSERT_EQ(call(line_.resume("run", {"--epochs", "3"})).code, kDone);
  put_raw_bytes(line_.path("run/model.safetensors"), older);
  fs::last_write_time(line_.path("run/model.safetensors"),
                      fs::last_write_time(line_.path("run/checkpoint.safetensors")) - std::chrono::seconds(5));
  expect_goes_on("run", {});
}

TEST_F(ResumeTest, WithAConfigAloneItStartsAtStepZero) {
  fs::create_directory(line_.path("bare"));
  put_raw_bytes(line_.path("bare/config.toml"), line_.bytes("whole", "config.toml"));
  put_raw_bytes(line_.path("bare/.checkpoint.safetensors.tmp-4711"), "half");
  expect_goes_on("bare", {});
  EXPECT_FALSE(fs::exists(line_.path("bare/.checkpoint.safetensors.tmp-4711")));
}

TEST_F(ResumeTest, ARowWithoutACheckpointIsComputedAgain) {
  fs::create_directory(line_.path("bare"));
  put_raw_bytes(line_.path("bare/config.toml"), line_.bytes("whole", "config.toml"));
  put_raw_bytes(line_.path("bare/log.jsonl"), R"({"epoch":1,"step":12,"train_loss":9.0})"
                                              "\n");
  expect_goes_on("bare", {});
}

TEST_F(ResumeTest, ACompleteRunSaysSoAndHowToTrainLonger) {
  const Outcome outcome = call(line_.resume("whole"));
  EXPECT_EQ(outcome.code, kDone);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("complete"), HasSubstr("--epochs")));
  ASSERT_EQ(call(line_.train("again")).code, kDone);
  expect_as_whole("again");
}

TEST_F(ResumeTest, WhatShapesTheNumbersMayNotChange) {
  stop_after_two("run");
  const std::string before = line_.bytes("run", "config.toml");
  const std::vector<std::vector<std::string>> changes{{"--lr", "0.1"},       {"--seed", "1"},  {"--hidden", "4"},
                                                      {"--dropout", "0"},    {"--batch", "5"}, {"--no-shuffle"},
                                                      {"--limit-train", "9"}};
  for (const auto& change : changes) {
    const Outcome outcome = call(line_.resume("run", change));
    EXPECT_EQ(outcome.code, kWrongUsage) << change.front();
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(change.front()), HasSubstr("--init-from")));
  }
  EXPECT_EQ(line_.bytes("run", "config.toml"), before);
}

TEST_F(ResumeTest, TheSameValueGivenAgainIsNoChange) {
  stop_after_two("run");
  expect_goes_on("run",
                 {"--epochs", "3", "--lr", "0.001", "--hidden", "16,9", "--threads", "2", "--data", line_.data()});
}

TEST_F(ResumeTest, OtherDataIsRefusedWithBothHashes) {
  stop_after_two("run");
  const std::string config = line_.bytes("run", "config.toml");
  const std::uint64_t before = load_idx_folder(line_.data(), Split::train).hash();
  write_data(line_.data(), 99);
  const std::uint64_t now = load_idx_folder(line_.data(), Split::train).hash();
  const Outcome outcome = call(line_.resume("run", {"--epochs", "3"}));
  EXPECT_EQ(outcome.code, kBadData);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(fmt::format("{:016x}", before)), HasSubstr(fmt::format("{:016x}", now))));
  EXPECT_EQ(line_.bytes("run", "config.toml"), config);
}

TEST_F(ResumeTest, AFolderInUseOrWithoutARunIsRefused) {
  {
    const FolderLock other(line_.path("whole"));
    const Outcome outcome = call(line_.resume("whole", {"--epochs", "4"}));
    EXPECT_EQ(outcome.code, kBadData);
    EXPECT_THAT(outcome.err, HasSubstr("another process"));
  }
  EXPECT_EQ(call(line_.resume("nowhere")).code, kBadData);
  EXPECT_EQ(call(line_.resume("images")).code, kBadData);
}

TEST_F(ResumeTest, TheFileOfInitFromIsNotNeededAgain) {
  fs::create_directory(line_.path("old"));
  fs::copy_file(line_.path("whole/model.safetensors"), line_.path("old/model.safetensors"));
  const std::vector<std::string> from{"--init-from", line_.path("old")};
  ASSERT_EQ(call(line_.train("unbroken", from)).code, kDone);
  ASSERT_EQ(call(line_.train("run", from + std::vector<std::string>{"--epochs", "2"})).code, kDone);
  fs::rename(line_.path("old"), line_.path("older"));
  const Outcome outcome = call(line_.resume("run", {"--epochs", "3"}));
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_EQ(line_.bytes("run", "checkpoint.safetensors"), line_.bytes("unbroken", "checkpoint.safetensors"));
}

TEST_F(ResumeTest, DataThatMovedIsFoundByItsOption) {
  stop_after_two("run");
  fs::rename(line_.data(), line_.path("moved"));
  EXPECT_EQ(call(line_.resume("run", {"--epochs", "3"})).code, kBadData);
  expect_goes_on("run", {"--epochs", "3", "--data", line_.path("moved")});
}

TEST_F(ResumeTest, ALineOfTheLogThatIsNoRowStays) {
  append_file(line_.path("whole/log.jsonl"), "a note\n");
  const std::string log = line_.bytes("whole", "log.jsonl");
  ASSERT_EQ(call(line_.resume("whole")).code, kDone);
  EXPECT_EQ(line_.bytes("whole", "log.jsonl"), log);
}

TEST_F(ResumeTest, ADamagedCheckpointIsRefusedAndKept) {
  stop_after_two("run");
  const std::string half = line_.bytes("run", "checkpoint.safetensors").substr(0, 900);
  put_raw_bytes(line_.path("run/checkpoint.safetensors"), half);
  const Outcome outcome = call(line_.resume("run", {"--epochs", "3"}));
  EXPECT_EQ(outcome.code, kBadData);
  EXPECT_THAT(outcome.err, HasSubstr("checkpoint.safetensors"));
  EXPECT_EQ(line_.bytes("run", "checkpoint.safetensors"), half);
}

TEST_F(ResumeTest, DivergingLaterNamesTheLastGoodCheckpoint) {
  ASSERT_EQ(call(line_.train("run", {"--lr", "1e20", "--max-steps", "1"})).code, kDone);
  const Outcome outcome = call(line_.resume("run", {"--max-steps", "30"}));
  EXPECT_EQ(outcome.code, kDiverged);
  EXPECT_THAT(outcome.err, HasSubstr("is " + line_.path("run/checkpoint.safetensors") + ", of step 1"));
  EXPECT_EQ(read_checkpoint_info(line_.path("run/checkpoint.safetensors")).step, 1U);
}

}  // namespace
}  // namespace rushlight
