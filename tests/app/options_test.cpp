// What a user can get wrong: one sentence on stderr, and an exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/version.h>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class OptionsTest : public testing::Test {
 protected:
  void expect_error(const Outcome& outcome, int code, const std::string& about) {
    refusal(outcome, code, about);
    EXPECT_EQ(outcome.out, "") << about;
    EXPECT_FALSE(std::filesystem::exists(line_.path("run"))) << about;
  }

  CommandLine line_;
};

TEST_F(OptionsTest, ValuesOutOfRangeAreWrongUsageThatNamesTheOption) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong{
      {"--epochs", {"0", "-1", "1e99", "many", "", "99999999999999999999"}},
      {"--batch", {"0", "-5", "2147483648", "ten", "1.5"}},
      {"--hidden", {"0", "-3", "12,,4", "12;4", "a", "99999999999999999999"}},
      {"--lr", {"-0.1", "nan", "inf", "1e999", "fast"}},
      {"--dropout", {"-0.1", "1.1", "0.000001", "nan", "half"}},
      {"--seed", {"-1", "x", "99999999999999999999"}},
      {"--threads", {"-1", "1000000", "99999999999", "two"}},
      {"--limit-train", {"-1", "121", "some"}},
      {"--max-steps", {"-1", "x"}},
      {"--checkpoint-every", {"-1", "x"}},
      {"--init", {"zeros"}},
      {"--optimizer", {"sgd"}},
      {"--precision", {"fp16"}},
      {"--device", {"tpu", "cuda:", "cuda:-1", ""}}};
  for (const auto& [option, values] : wrong) {
    for (const std::string& value : values) {
      // What is taken after all must not train for long.
      const std::string guard = option == "--max-steps" ? "--checkpoint-every" : "--max-steps";
      expect_error(call(line_.train("run", {option + "=" + value, guard, "1"})), kWrongUsage, option + "=" + value);
      std::filesystem::remove_all(line_.path("run"));
    }
  }
}

TEST_F(OptionsTest, UnknownWordsAreWrongUsage) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{},
                                                                                     {"fly"},
                                                                                     {"train", "--warp"},
                                                                                     {"train", "extra"},
                                                                                     {"train", "--epochs"},
                                                                                     {"eval"},
                                                                                     {"predict", "one"},
                                                                                     {"plan", "--mode", "fast"},
                                                                                     {"train", "--json", "--quiet"}}) {
    expect_error(call(words), kWrongUsage, words.empty() ? "nothing" : words.back());
  }
}

TEST_F(OptionsTest, AnUnknownCommandIsNamed) {
  EXPECT_THAT(call({"trai", "--epochs", "2"}).err, HasSubstr("\"trai\""));
}

TEST_F(OptionsTest, ResumeAndOutExcludeEachOther) {
  expect_error(call({"train", "--resume", line_.path("run"), "--out", line_.path("run")}), kWrongUsage,
               "resume and out");
}

TEST_F(OptionsTest, MissingAndDamagedFilesAreBadData) {
  put_raw_bytes(line_.path("junk"), "no model");
  const std::string images = line_.data() + "/t10k-images-idx3-ubyte";
  expect_error(call(line_.train("run", {"--data", line_.path("nowhere")})), kBadData, "no data");
  expect_error(call(line_.train("run", {"--config", line_.path("nowhere.toml")})), kBadData, "no config");
  expect_error(call(line_.train("run", {"--init-from", line_.path("nowhere")})), kBadData, "no weights");
  expect_error(call(line_.train("run", {"--init-from", line_.path("junk")})), kBadData, "junk weights");
  expect_error(call({"eval", line_.path("nowhere"), "--data", line_.data()}), kBadData, "no model");
  expect_error(call({"eval", line_.path("junk"), "--data", line_.data()}), kBadData, "junk model");
  expect_error(call({"eval", line_.data(), "--data", line_.data()}), kBadData, "no run");
  expect_error(call({"predict", line_.path("junk"), images}), kBadData, "junk model to predict");
}

TEST_F(OptionsTest, AFileAsTheParentFolderIsBadData) {
  put_raw_bytes(line_.path("file"), "keep");
  expect_error(call(line_.train("file/run")), kBadData, "a file as parent");
  EXPECT_EQ(raw_bytes(line_.path("file")), "keep");
}

TEST_F(OptionsTest, AGpuThatIsNotThereIsADeviceError) {
  expect_error(call(line_.train("run", {"--device", "cuda:99"})), kNoDevice, "cuda:99");
}

TEST_F(OptionsTest, ANetworkLargerThanTheMachineIsADeviceError) {
  expect_error(call(line_.train("run", {"--hidden", "1000000,1000000"})), kNoDevice, "a million by a million");
}

TEST_F(OptionsTest, AConfigsMistakeNamesFileAndLine) {
  for (const std::string wrong :
       {"speed = 9", "[train]", "threads = \"two\"", "lr = \"fast\"", "hidden = \"12,12\"", "hidden = [1.5]",
        "no_shuffle = 1", "seed = 1.0", "device = 3", "seed = -1", "lr = = 1"}) {
    put_raw_bytes(line_.path("lab.toml"), "# A comment.\n" + wrong + "\n");
    const Outcome outcome =
        call({"train", "--data", line_.data(), "--out", line_.path("run"), "--config", line_.path("lab.toml")});
    expect_error(outcome, kBadData, wrong);
    EXPECT_THAT(outcome.err, HasSubstr(line_.path("lab.toml") + ", line 2")) << wrong;
  }
}

TEST_F(OptionsTest, HelpGoesToStdoutWithExamples) {
  EXPECT_EQ(call({"--help"}).code, kDone);
  for (const std::string command : {"train", "eval", "predict", "plan"}) {
    const Outcome outcome = call({command, "--help"});
    EXPECT_EQ(outcome.code, kDone);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("Examples:"), HasSubstr("Usage: rushlight " + command)));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(OptionsTest, VersionIsTheLibrarys) {
  const Outcome outcome = call({"--version"});
  EXPECT_EQ(outcome.code, kDone);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(version()), HasSubstr("commit"), HasSubstr("backends")));
}

}  // namespace
}  // namespace rushlight
