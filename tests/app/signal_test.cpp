// SIGINT and SIGTERM: the program finishes its step, saves, and says how to go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/io.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "src/app/interruption.h"
#include "tests/app/command_line.h"

namespace rushlight {
namespace {

// oneDNN computes with the stack pointer in its heap: a handler's frame there once destroyed it.
TEST(InterruptionWatchTest, TheHandlerHasAStackOfItsOwnWhileItWatches) {
  stack_t before{}, during{}, after{};
  sigaltstack(nullptr, &before);
  {
    const InterruptionWatch watch;
    for (const int signal : {SIGINT, SIGTERM}) {
      struct sigaction action {};
      sigaction(signal, nullptr, &action);
      EXPECT_NE(action.sa_flags & SA_ONSTACK, 0) << signal;
    }
    sigaltstack(nullptr, &during);
    EXPECT_EQ(during.ss_flags & SS_DISABLE, 0);
  }
  sigaltstack(nullptr, &after);
  EXPECT_EQ(after.ss_flags, before.ss_flags);
}

using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// The program as a process of its own, its stderr in a file.
class Child {
 public:
  Child(const std::vector<std::string>& words, const std::string& err) {
    std::vector<std::string> storage{RUSHLIGHT_PROGRAM};
    storage.insert(storage.end(), words.begin(), words.end());
    std::vector<char*> argv;
    for (std::string& word : storage) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int file = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDERR_FILENO);
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    ::signal(SIGINT, SIG_DFL);
    ::execv(argv.front(), argv.data());
    ::_exit(127);
  }

  void send(int signal) const { ::kill(pid_, signal); }

  /// As a shell gives it: 128 + the signal that killed it.
  int wait() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

class SignalTest : public testing::TestWithParam<int> {
 protected:
  void wait_for(const std::string& file) {
    for (int i = 0; i < 6000 && !fs::exists(line_.path(file)); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(fs::exists(line_.path(file)));
  }

  CommandLine line_;
};

TEST_P(SignalTest, TheRunSavesSaysHowToGoOnAndEndsInTheSameBytes) {
  const Child child(line_.train("run", {"--epochs", "100000"}), line_.path("err"));
  wait_for("run/checkpoint.safetensors");
  child.send(GetParam());
  EXPECT_EQ(child.wait(), kInterrupted);
  EXPECT_THAT(raw_bytes(line_.path("err")), HasSubstr("train --resume " + line_.path("run")));

  const std::uint64_t step = read_checkpoint_info(line_.path("run/checkpoint.safetensors")).step;
  const std::string end = std::to_string(step + 17);
  ASSERT_EQ(call(line_.resume("run", {"--max-steps", end, "--quiet"})).code, kDone);
  ASSERT_EQ(call(line_.train("whole", {"--epochs", "100000", "--max-steps", end, "--quiet"})).code, kDone);
  EXPECT_EQ(line_.bytes("run", "checkpoint.safetensors"), line_.bytes("whole", "checkpoint.safetensors"));
  EXPECT_EQ(line_.bytes("run", "model.safetensors"), line_.bytes("whole", "model.safetensors"));
  EXPECT_EQ(rows_without_seconds(line_.path("run/log.jsonl")), rows_without_seconds(line_.path("whole/log.jsonl")));
}

INSTANTIATE_TEST_SUITE_P(Signals, SignalTest, testing::Values(SIGINT, SIGTERM));

}  // namespace
}  // namespace rushlight
