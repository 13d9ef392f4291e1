// Folders, files and numbers that no one should meet: a sentence and a code, and nothing changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/io.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class HostileTest : public testing::Test {
 protected:
  void expect_refused(const Outcome& outcome, int code, const std::string& about) {
    EXPECT_EQ(outcome.code, code) << about << ": " << outcome.err;
    const std::string last = outcome.err.substr(std::min(outcome.err.find("rushlight: "), outcome.err.size()));
    EXPECT_THAT(last, StartsWith("rushlight: ")) << about;
    EXPECT_EQ(std::count(last.begin(), last.end(), '\n'), 1) << about << ": " << last;
  }
  void one_epoch(const std::string& run) { ASSERT_EQ(call(line_.train(run, {"--epochs", "1"})).code, kDone); }

  /// All but the lock.
  std::map<std::string, std::string> files(const std::string& run) const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(line_.path(run))) {
      const std::string name = entry.path().filename();
      if (name != ".lock") found[name] = entry.is_regular_file() ? raw_bytes(entry.path()) : "";
    }
    return found;
  }
  void replace_line(const std::string& run, const std::string& key, const std::string& line) const {
    std::istringstream old(line_.bytes(run, "config.toml"));
    std::string text;
    for (std::string each; std::getline(old, each);) text += (each.starts_with(key + " =") ? line : each) + "\n";
    put_raw_bytes(line_.path(run + "/config.toml"), text);
  }

  CommandLine line_;
};

// TOML's whole numbers end at 2^63: such a run once could not be resumed.
TEST_F(HostileTest, TheLargestSeedsAreKeptByConfigAndResume) {
  for (const std::string seed : {"9223372036854775807", "9223372036854775808", "18446744073709551615"}) {
    const std::string run = "seed-" + seed;
    ASSERT_EQ(call(line_.train(run, {"--seed", seed, "--epochs", "1"})).code, kDone);
    const Outcome again =
        call({"train", "--config", line_.path(run + "/config.toml"), "--out", line_.path(run + "-again")});
    ASSERT_EQ(again.code, kDone) << again.err;
    EXPECT_EQ(line_.bytes(run + "-again", "model.safetensors"), line_.bytes(run, "model.safetensors"));
    EXPECT_EQ(call(line_.resume(run, {"--epochs", "2"})).code, kDone);
    EXPECT_EQ(std::to_string(read_checkpoint_info(line_.path(run + "/checkpoint.safetensors")).seed), seed);
  }
}

TEST_F(HostileTest, ASeedInQuotesIsAWholeNumberOrRefused) {
  for (const std::string text : {"", "x", "-1", "1.5", "18446744073709551616", " 1", "1 "}) {
    put_raw_bytes(line_.path("lab.toml"), "seed = \"" + text + "\"\n");
    const Outcome outcome = call(line_.train("run", {"--config", line_.path("lab.toml")}));
    expect_refused(outcome, kBadData, text);
    EXPECT_THAT(outcome.err, HasSubstr("lab.toml, line 1: seed"));
  }
}

// Thousands of threads beyond count once ended the process by a signal.
TEST_F(HostileTest, MoreThreadsThanCanBeAreWrongUsageForEveryCommand) {
  one_epoch("run");
  const std::string images = line_.data() + "/t10k-images-idx3-ubyte";
  for (const std::string threads : {"4097", "100000", "2147483647", "-1"}) {
    const std::string option = "--threads=" + threads;
    expect_refused(call(line_.train("new", {option})), kWrongUsage, "train " + threads);
    expect_refused(call({"eval", line_.path("run"), "--data", line_.data(), option}), kWrongUsage, "eval " + threads);
    expect_refused(call({"predict", line_.path("run"), images, option}), kWrongUsage, "predict " + threads);
  }
  EXPECT_FALSE(fs::exists(line_.path("new")));
}

// `--resume "$RUN"` with RUN unset once started a new run.
TEST_F(HostileTest, AnEmptyPathIsWrongUsage) {
  for (const std::string option : {"--resume", "--out", "--config"}) {
    expect_refused(call({"train", option, "", "--data", line_.data(), "--batch", "10", "--max-steps", "1"}),
                   kWrongUsage, option);
    expect_refused(call({"train", option + "=", "--data", line_.data(), "--batch", "10", "--max-steps", "1"}),
                   kWrongUsage, option + "=");
  }
}

TEST_F(HostileTest, AConfigEditedByHandIsRefusedAndNothingIsWritten) {
  one_epoch("run");
  const std::vector<std::array<std::string, 2>> edits{{"lr", "lr = 0.5"},
                                                      {"seed", "seed = 5"},
                                                      {"hidden", "hidden = [9]"},
                                                      {"dropout", "dropout = 0.1"},
                                                      {"batch", "batch = 12"},
                                                      {"no_shuffle", "no_shuffle = true"},
                                                      {"threads", "threads = -7"},
                                                      {"batch", "batch = 0"},
                                                      {"limit_train", "limit_train = 9"},
                                                      {"data", "data = \"/nowhere\""}};
  const std::string config = line_.bytes("run", "config.toml");
  for (const auto& [key, text] : edits) {
    replace_line("run", key, text);
    ASSERT_NE(line_.bytes("run", "config.toml"), config) << key;
    const auto before = files("run");
    const Outcome outcome = call(line_.resume("run", {"--epochs", "2"}));
    expect_refused(outcome, outcome.code == kWrongUsage ? kWrongUsage : kBadData, text);
    EXPECT_TRUE(files("run") == before) << text;
    put_raw_bytes(line_.path("run/config.toml"), config);
  }
  EXPECT_EQ(call(line_.resume("run", {"--epochs", "2"})).code, kDone);
}

// A pipe in a file's place once made the call wait for ever.
TEST_F(HostileTest, APipeOrAFolderInTheRunIsRefusedAndLeft) {
  for (const std::string name : {"config.toml", "log.jsonl", "checkpoint.safetensors"}) {
    for (const bool pipe : {true, false}) {
      const std::string run = fmt::format("{}-{}", name, pipe), file = line_.path(run + "/" + name);
      one_epoch(run);
      fs::remove(file);
      ASSERT_EQ(pipe ? ::mkfifo(file.c_str(), 0600) : ::mkdir(file.c_str(), 0700), 0);
      const auto before = files(run);
      const Outcome outcome = call(line_.resume(run, {"--epochs", "2"}));
      expect_refused(outcome, kBadData, run);
      EXPECT_THAT(outcome.err, HasSubstr(name));
      EXPECT_TRUE(files(run) == before) << run;
    }
  }
}

}  // namespace
}  // namespace rushlight
