// The program's own streams: full, closed, or a pipe that nobody reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class StreamsTest : public testing::Test {
 protected:
  /// Runs `rushlight WORDS REDIRECTIONS` in a shell, stderr in the file `err` unless redirected.
  int shell(const std::vector<std::string>& words, const std::string& redirections) const {
    std::string command = "'" RUSHLIGHT_PROGRAM "'";
    for (const std::string& word : words) command += " '" + word + "'";
    const int status = std::system((command + " 2>'" + line_.path("err") + "' " + redirections).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string err() const { return raw_bytes(line_.path("err")); }

  CommandLine line_;
};

TEST_F(StreamsTest, ResultsThatCannotBeWrittenAreAnError) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"plan"}, {"plan", "--json"}, {"--help"}, {"--version"}}) {
    for (const char* const nowhere : {">/dev/full", ">&-"}) {
      EXPECT_EQ(shell(words, nowhere), kBadData) << words.back() << nowhere;
      EXPECT_THAT(err(), StartsWith("rushlight: ")) << words.back() << nowhere;
      EXPECT_THAT(err(), HasSubstr("stdout"));
    }
  }
}

TEST_F(StreamsTest, ATrainingWhoseTableIsLostIsSavedAndSaysSo) {
  EXPECT_EQ(shell(line_.train("run"), ">/dev/full"), kBadData);
  EXPECT_THAT(err(), HasSubstr("stdout"));
  EXPECT_THAT(json_lines(line_.bytes("run", "log.jsonl")), testing::SizeIs(3));
  EXPECT_TRUE(fs::exists(line_.path("run/model.safetensors")));
}

// The lock, opened in the place of the closed stdout, once held the table.
TEST_F(StreamsTest, WhatIsPrintedToAClosedStreamIsInNoFileOfTheRun) {
  ASSERT_EQ(call(line_.train("whole")).code, kDone);
  for (const std::string closed : {">&-", "2>&-", ">&- 2>&-", ">&- 2>&- <&-"}) {
    shell(line_.train("run"), closed);
    EXPECT_THAT(line_.bytes("run", ".lock"), IsEmpty()) << closed;
    for (const char* const file : {"config.toml", "model.safetensors", "checkpoint.safetensors"}) {
      EXPECT_TRUE(line_.bytes("run", file) == line_.bytes("whole", file)) << file << closed;
    }
    EXPECT_EQ(rows_without_seconds(line_.path("run/log.jsonl")), rows_without_seconds(line_.path("whole/log.jsonl")));
    fs::remove_all(line_.path("run"));
  }
}

TEST_F(StreamsTest, AFileBeyondTheShellsLimitIsAnErrorThatLeavesNoTemporary) {
  std::string command = "ulimit -f 2; '" RUSHLIGHT_PROGRAM "'";
  for (const std::string& word : line_.train("run", {"--hidden", "64"})) command += " '" + word + "'";
  const int status = std::system(("bash -c \"" + command + "\" 2>'" + line_.path("err") + "' >/dev/null").c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kBadData) << status;
  EXPECT_THAT(err(), HasSubstr("File too large"));
  for (const auto& entry : fs::directory_iterator(line_.path("run"))) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr(".tmp-")));
  }
}

TEST_F(StreamsTest, AnErrorKeepsItsCodeWithoutAStreamToTellIt) {
  EXPECT_EQ(shell({"train", "--epochs", "0"}, ">&- 2>&-"), kWrongUsage);
  EXPECT_EQ(shell({"eval", line_.path("nowhere")}, ">/dev/full 2>/dev/full"), kBadData);
}

}  // namespace
}  // namespace rushlight
