// Folders, files and numbers that no one should meet: a sentence and a code, and nothing changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include <fmt/format.h>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

class HostileTest : public testing::Test {
 protected:
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
    refusal(outcome, kBadData, text);
    EXPECT_THAT(outcome.err, HasSubstr("lab.toml, line 1: seed"));
  }
}

// Thousands of threads beyond count once ended the process by a signal.
TEST_F(HostileTest, MoreThreadsThanCanBeAreWrongUsageForEveryCommand) {
  one_epoch("run");
  const std::string images = line_.data() + "/t10k-images-idx3-ubyte";
  for (const std::string threads : {"4097", "100000", "2147483647", "-1"}) {
    const std::string option = "--threads=" + threads;
    refusal(call(line_.train("new", {option})), kWrongUsage, "train " + threads);
    refusal(call({"eval", line_.path("run"), "--data", line_.data(), option}), kWrongUsage, "eval " + threads);
    refusal(call({"predict", line_.path("run"), images, option}), kWrongUsage, "predict " + threads);
  }
  EXPECT_FALSE(fs::exists(line_.path("new")));
}

// Each tensor fits the machine, but training has four of that size: once found after minutes of drawing weights.
TEST_F(HostileTest, ANetworkThatFitsOnlyWithoutItsGradientsIsADeviceError) {
  const std::int64_t memory = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * std::int64_t{::sysconf(_SC_PAGESIZE)};
  const std::int64_t width = memory / 3 / (kSide * kSide * std::int64_t{sizeof(float)});
  const Outcome outcome = call(line_.train("run", {"--hidden", std::to_string(width), "--batch", "1"}));
  refusal(outcome, kNoDevice, std::to_string(width));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("bytes of memory are needed"), HasSubstr(std::to_string(memory))));
  EXPECT_FALSE(fs::exists(line_.path("run")));
}

// `--resume "$RUN"` with RUN unset once started a new run.
TEST_F(HostileTest, AnEmptyPathIsWrongUsage) {
  for (const std::string option : {"--resume", "--out", "--config"}) {
    refusal(call({"train", option, "", "--data", line_.data(), "--batch", "10", "--max-steps", "1"}), kWrongUsage,
            option);
    refusal(call({"train", option + "=", "--data", line_.data(), "--batch", "10", "--max-steps", "1"}), kWrongUsage,
            option + "=");
  }
}

TEST_F(HostileTest, AConfigThatIsNoTomlOrTooLargeIsRefusedWithItsName) {
  const std::vector<std::string> texts{"lr = 1\nlr = 2\n",
                                       "seed = 1979-05-27T07:32:00Z\n",
                                       "lr.x = 1\n",
                                       "epochs = 99999999999999999999\n",
                                       std::string("epochs = 2\0\n", 12),
                                       "\xff\xfe",
                                       "hidden = [[4]]\n",
                                       "hidden = " + std::string(500'000, '[') + "\n",
                                       std::string(2'000'000, '#')};
  for (const std::string& text : texts) {
    put_raw_bytes(line_.path("lab.toml"), text);
    const Outcome outcome =
        call({"train", "--config", line_.path("lab.toml"), "--data", line_.data(), "--out", line_.path("run")});
    refusal(outcome, kBadData, text.substr(0, 40));
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("lab.toml"), HasSubstr(text.size() > 1'000'000 ? "1048576" : "line")));
    EXPECT_FALSE(fs::exists(line_.path("run")));
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
    refusal(outcome, outcome.code == kWrongUsage ? kWrongUsage : kBadData, text);
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
      refusal(outcome, kBadData, run);
      EXPECT_THAT(outcome.err, HasSubstr(name));
      EXPECT_TRUE(files(run) == before) << run;
    }
  }
}

TEST_F(HostileTest, APipeOrAFolderAsAModelIsBadData) {
  ASSERT_EQ(::mkfifo(line_.path("pipe").c_str(), 0600), 0);
  refusal(call({"eval", line_.path("pipe"), "--data", line_.data()}), kBadData, "pipe");
  refusal(call({"predict", line_.data(), line_.path("pipe")}), kBadData, "folder");
  one_epoch("run");
  refusal(call({"predict", line_.path("run"), line_.path("pipe")}), kBadData, "images from a pipe");
  refusal(call({"predict", line_.path("run"), line_.path("run")}), kBadData, "images from a folder");
}

TEST_F(HostileTest, DataThatDoesNotFitTheModelIsWrongUsageThatSaysBoth) {
  one_epoch("run");
  write_split(line_.data(), "t10k", 2, 5);
  const std::string labels = line_.data() + "/t10k-labels-idx1-ubyte";
  put_raw_bytes(labels, raw_bytes(labels).substr(0, 8) + "\x01\x07");
  const Outcome beyond = call({"eval", line_.path("run"), "--data", line_.data()});
  refusal(beyond, kWrongUsage, "label 7 of 4");
  EXPECT_THAT(beyond.err, AllOf(HasSubstr("7"), HasSubstr("4")));
  put_raw_bytes(line_.path("wide"), std::string("\0\0\x08\x02\0\0\0\x01\0\0\0\x03"
                                                "abc",
                                                15));
  const Outcome wide = call({"predict", line_.path("run"), line_.path("wide")});
  refusal(wide, kWrongUsage, "3 pixels of 64");
  EXPECT_THAT(wide.err, AllOf(HasSubstr("64"), HasSubstr("3"), HasSubstr("wide")));
}

TEST_F(HostileTest, APathMayHaveSpacesQuotesAndOtherLetters) {
  const std::string run = "with space/\"\xc3\xbc\xc3\xb1\xc3\xaf\" \\ \n/run";
  ASSERT_EQ(call(line_.train(run, {"--epochs", "1"})).code, kDone);
  fs::rename(line_.data(), line_.path("im\"ages \xc3\xa4"));
  const Outcome outcome =
      call(line_.resume(run, {"--epochs", "2", "--data", line_.path("im\"ages \xc3\xa4"), "--json"}));
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const Outcome again = call(line_.resume(run, {"--epochs", "3", "--json"}));
  ASSERT_EQ(again.code, kDone) << again.err;
  EXPECT_EQ(json_lines(again.out).back()["run"], line_.path(run));
}

}  // namespace
}  // namespace rushlight
