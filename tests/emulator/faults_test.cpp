// What a person sees when a GPU is missing, full, busy, unknown or lost: one sentence, exit code 4, and nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/app/command_line.h"
#include "tests/emulator/emulator.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

class CudaFaultsTest : public testing::Test {
 protected:
  ~CudaFaultsTest() override { emulator::configure({}); }

  /// `more` takes the place of what it names.
  std::vector<std::string> train(const std::string& out, std::vector<std::string> more = {}) const {
    const std::vector<std::array<std::string, 2>> usual{
        {"--hidden", "9"}, {"--batch", "40"}, {"--epochs", "1"}, {"--device", "cuda"}};
    for (const auto& [option, value] : usual) {
      if (std::find(more.begin(), more.end(), option) == more.end()) more = more + std::vector{option, value};
    }
    return line_.train(out, more);
  }

  /// What a call says that must fail with code 4 and leave nothing on the device.
  static std::string refusal(const std::vector<std::string>& words) {
    const std::string sentence = rushlight::refusal(call(words), 4, words.front());
    EXPECT_EQ(emulator::live_objects(), 0) << sentence;
    return sentence;
  }

  CommandLine line_;
};

TEST_F(CudaFaultsTest, NoDriverIsNamed) {
  emulator::configure({.driver = emulator::Driver::none});
  EXPECT_THAT(refusal(train("run")),
              AllOf(HasSubstr("cuda:0"), HasSubstr("no NVIDIA driver"), HasSubstr("--device cpu")));
  EXPECT_FALSE(fs::exists(line_.path("run")));
}

TEST_F(CudaFaultsTest, AnOldDriverIsNamedWithBothVersions) {
  emulator::configure({.driver = emulator::Driver::old});
  EXPECT_THAT(refusal(train("run")), AllOf(HasSubstr("driver knows CUDA 11.4,"), HasSubstr("install a newer driver")));
}

TEST_F(CudaFaultsTest, AGpuThatTheBuildHasNoCodeForIsNamedWithWhatThereIs) {
  emulator::configure({.driver = emulator::Driver::unknown_architecture});
  EXPECT_THAT(refusal(train("run")), AllOf(HasSubstr("holds code for the emulated device"), HasSubstr("sm_70"),
                                           HasSubstr("CMAKE_CUDA_ARCHITECTURES")));
}

TEST_F(CudaFaultsTest, AGpuThatAnotherProcessHoldsIsNamed) {
  emulator::configure({.driver = emulator::Driver::busy});
  EXPECT_THAT(refusal(train("run")), AllOf(HasSubstr("cuda:0"), HasSubstr("another process")));
}

TEST_F(CudaFaultsTest, NoVisibleGpuIsNamed) {
  emulator::configure({.devices = 0});
  EXPECT_THAT(refusal(train("run")), AllOf(HasSubstr("no GPU is visible"), HasSubstr("CUDA_VISIBLE_DEVICES")));
}

TEST_F(CudaFaultsTest, AnIndexBeyondTheGpusIsNamedWithTheirNumber) {
  EXPECT_THAT(refusal(train("run", {"--device", "cuda:1"})), AllOf(HasSubstr("cuda:1"), HasSubstr("one GPU")));
  emulator::configure({.devices = 3});
  EXPECT_THAT(refusal(train("run", {"--device", "cuda:3"})), AllOf(HasSubstr("3 GPUs"), HasSubstr("cuda:2")));
  EXPECT_EQ(call(train("run", {"--device", "cuda:2"})).code, 0);
}

TEST_F(CudaFaultsTest, AutoTakesTheCpuWhereNoGpuIsUsableAndSaysWhy) {
  const std::vector<std::pair<emulator::Driver, std::string>> reasons{
      {emulator::Driver::none, "there is no NVIDIA driver"},
      {emulator::Driver::old, "install a newer driver"},
      {emulator::Driver::busy, "another process holds the GPU"},
      {emulator::Driver::unknown_architecture, "the GPU is sm_70"}};
  for (const auto& [driver, reason] : reasons) {
    emulator::configure({.driver = driver});
    const Outcome outcome = call(train("auto", {"--device", "auto", "--quiet"}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const Outcome told = call({"eval", line_.path("auto"), "--data", line_.data()});
    EXPECT_THAT(told.err, AllOf(HasSubstr("device: cpu, as "), HasSubstr(reason)));
    fs::remove_all(line_.path("auto"));
  }
  emulator::configure({});
  EXPECT_THAT(call(train("auto", {"--device", "auto"})).err, HasSubstr("device: cuda:0, as a GPU is there"));
}

TEST_F(CudaFaultsTest, MemoryThatIsTooSmallIsNamedWithWhatIsMissing) {
  emulator::configure({.memory = std::int64_t{1} << 18});
  EXPECT_THAT(refusal(train("run", {"--hidden", "900"})),
              AllOf(HasSubstr("bytes of memory"), HasSubstr("262144"), HasSubstr("are missing"), HasSubstr("smaller")));
}

// From too little for the network to enough for all: whatever is missing, evaluation's memory too, shows before the run
// has begun.
TEST_F(CudaFaultsTest, WhateverDoesNotFitIsNamedBeforeTheFirstStep) {
  int data_sets = 0;
  for (std::int64_t memory = std::int64_t{4} << 20;; memory += 16384) {
    emulator::configure({.memory = memory});
    const Outcome outcome = call(train("run", {"--quiet"}));
    ASSERT_EQ(emulator::live_objects(), 0);
    if (outcome.code == 0) break;
    ASSERT_EQ(outcome.code, 4) << outcome.err;
    ASSERT_THAT(outcome.err, HasSubstr("are missing"));
    ASSERT_FALSE(fs::exists(line_.path("run"))) << memory;
    if (outcome.err.find("the data set") != std::string::npos) ++data_sets;
  }
  EXPECT_GE(data_sets, 1);
}

TEST_F(CudaFaultsTest, AGpuLostInTheMiddleLeavesTheLastCheckpointFromWhichTheRunGoesOnElsewhere) {
  ASSERT_EQ(call(train("run", {"--epochs", "1"})).code, 0);
  const std::string checkpoint = line_.bytes("run", "checkpoint.safetensors");
  emulator::configure({.fault = emulator::FaultKind::lost, .fault_at = 20});
  EXPECT_THAT(refusal(line_.resume("run", {"--epochs", "3", "--no-graph"})), HasSubstr("--resume"));
  EXPECT_TRUE(line_.bytes("run", "checkpoint.safetensors") == checkpoint);
  emulator::configure({});
  EXPECT_EQ(call(line_.resume("run", {"--epochs", "3", "--device", "cpu"})).code, 0);
}

struct Fault {
  const char* name;
  emulator::FaultKind kind;

  friend void PrintTo(const Fault& fault, std::ostream* stream) { *stream << fault.name; }
};

class CudaFaultSweepTest : public testing::TestWithParam<Fault> {
 protected:
  ~CudaFaultSweepTest() override { emulator::configure({}); }
};
INSTANTIATE_TEST_SUITE_P(Kinds, CudaFaultSweepTest,
                         testing::Values(Fault{"Allocation", emulator::FaultKind::allocation},
                                         Fault{"Launch", emulator::FaultKind::launch},
                                         Fault{"Copy", emulator::FaultKind::copy},
                                         Fault{"Lost", emulator::FaultKind::lost}),
                         [](const auto& one) { return one.param.name; });

// The k-th call fails, for every k that a resumed training of one epoch has: no call is left out.
TEST_P(CudaFaultSweepTest, EveryCallThatFailsEndsInACleanErrorAndLosesNothing) {
  const CommandLine line;
  const std::vector<std::string> small{"--hidden", "9", "--batch", "40", "--epochs", "1", "--device", "cuda"};
  const std::vector<std::string> files{"checkpoint.safetensors", "model.safetensors"};
  ASSERT_EQ(call(line.train("run", small)).code, 0);
  fs::copy(line.path("run"), line.path("longer"));
  ASSERT_EQ(call(line.resume("longer", {"--epochs", "2"})).code, 0);
  int failed = 0;
  for (std::int64_t at = 0;; ++at) {
    fs::remove_all(line.path("copy"));
    fs::copy(line.path("run"), line.path("copy"));
    emulator::configure({.fault = GetParam().kind, .fault_at = at});
    const Outcome outcome = call(line.resume("copy", {"--epochs", "2"}));
    ASSERT_EQ(emulator::live_objects(), 0) << "call " << at;
    if (outcome.code == 0) break;
    ++failed;
    ASSERT_EQ(outcome.code, 4) << "call " << at << ": " << outcome.err;
    ASSERT_THAT(outcome.err, HasSubstr("rushlight: ")) << "call " << at;
    for (const std::string& file : files) {
      const std::string bytes = line.bytes("copy", file);
      ASSERT_TRUE(bytes == line.bytes("run", file) || bytes == line.bytes("longer", file)) << file << ", call " << at;
    }
  }
  for (const std::string& file : files) {
    EXPECT_TRUE(line.bytes("copy", file) == line.bytes("longer", file)) << file << ": a failed call went unnoticed";
  }
  EXPECT_GE(failed, GetParam().kind == emulator::FaultKind::allocation ? 3 : 10);
}

}  // namespace
}  // namespace rushlight
