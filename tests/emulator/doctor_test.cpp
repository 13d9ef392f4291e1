// The doctor where something is wrong: every node of a step that computes nothing is found and named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/train/self_check.h"
#include "tests/app/command_line.h"
#include "tests/emulator/emulator.h"
#include "tests/support/sanitized.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::vector<Module> kModules{Linear(13, 9), ReLU(), Dropout(0.5), Linear(9, 1100, Bias::absent), Dropout(0.25)};
constexpr std::int64_t kBatch = 7;
constexpr const char* kSlow = "all checks of the doctor take a minute here, and find no race that a training has not";

std::vector<DeviceCheck> checks_of(const emulator::Settings& settings) {
  emulator::configure(settings);
  std::vector<DeviceCheck> checks;
  {
    SelfCheck check("small", kModules, kBatch, Mode::train, open_backend(Device::cuda()));
    check.run([&](const DeviceCheck& one) { checks.push_back(one); });
  }
  emulator::configure({});
  return checks;
}

std::vector<std::string> names_with(const std::vector<DeviceCheck>& checks, CheckStatus status) {
  std::vector<std::string> names;
  for (const DeviceCheck& check : checks) {
    if (check.status == status) names.push_back(check.name);
  }
  return names;
}

class CudaDoctorTest : public testing::Test {
 protected:
  ~CudaDoctorTest() override { emulator::configure({}); }
};

TEST_F(CudaDoctorTest, EveryNodeThatComputesNothingIsFoundAndNamed) {
  const std::vector<DeviceCheck> right = checks_of({});
  EXPECT_THAT(names_with(right, CheckStatus::passed), SizeIs(right.size()));
  for (std::size_t i = 0; i + 1 < right.size(); ++i) {  // The last is the graph.
    const auto at = static_cast<std::int64_t>(i);
    const std::vector<DeviceCheck> wrong = checks_of({.fault = emulator::FaultKind::wrong, .fault_at = at});
    EXPECT_THAT(names_with(wrong, CheckStatus::failed), ElementsAre(right[i].name)) << "node " << i;
    EXPECT_THAT(wrong[i].detail, HasSubstr("and the reference has")) << right[i].name;
  }
}

TEST_F(CudaDoctorTest, AStepThatGoesWrongInAGraphIsFound) {
  const auto nodes = static_cast<std::int64_t>(checks_of({}).size()) - 1;
  // After the nodes one by one come four steps one by one, then one step, and the graphs that are recorded.
  const std::vector<DeviceCheck> checks = checks_of({.fault = emulator::FaultKind::wrong, .fault_at = 6 * nodes - 2});
  EXPECT_THAT(names_with(checks, CheckStatus::failed), ElementsAre("4 steps as a graph"));
}

TEST_F(CudaDoctorTest, ALostDeviceFailsOneCheckAndSkipsTheRest) {
  const std::vector<DeviceCheck> checks = checks_of({.fault = emulator::FaultKind::lost, .fault_at = 4});
  EXPECT_THAT(names_with(checks, CheckStatus::passed), SizeIs(4));
  EXPECT_THAT(names_with(checks, CheckStatus::failed), SizeIs(1));
  EXPECT_EQ(checks.back().status, CheckStatus::skipped);
  EXPECT_THAT(checks.back().detail, HasSubstr(checks[4].name));
}

TEST_F(CudaDoctorTest, TheCommandNamesWhatIsWrongAndEndsWithCode4) {
  if (kThreadSanitized) GTEST_SKIP() << kSlow;
  emulator::configure({.fault = emulator::FaultKind::wrong, .fault_at = 3});
  const Outcome outcome = call({"doctor", "--device", "cuda"});
  EXPECT_THAT(refusal(outcome, 4, "doctor"),
              AllOf(HasSubstr("1 of 74 checks failed on cuda:0: 0.bias+1.relu+2.dropout (lab)"), HasSubstr("report")));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("failed   lab       0.bias+1.relu+2.dropout"), HasSubstr("other bits"),
                                 HasSubstr("1 failed"), Not(HasSubstr("TFLOP"))));
  EXPECT_EQ(emulator::live_objects(), 0);
}

TEST_F(CudaDoctorTest, TheCommandKeepsWhatItSawOfALostDevice) {
  emulator::configure({.fault = emulator::FaultKind::lost, .fault_at = 3});
  const Outcome outcome = call({"doctor", "--device", "cuda", "--json"});
  EXPECT_THAT(refusal(outcome, 4, "doctor"), HasSubstr("checks failed on cuda:0: 0.bias+1.relu+2.dropout (lab)"));
  const auto found = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(found["checks"][2]["status"], "passed");
  EXPECT_EQ(found["checks"][3]["status"], "failed");
  EXPECT_EQ(found["checks"][4]["status"], "skipped");
  EXPECT_EQ(found["checks"].back()["network"], "odd, mc");
  EXPECT_EQ(found["checks"].back()["status"], "skipped");
  EXPECT_EQ(found["passed"], false);
}

TEST_F(CudaDoctorTest, EveryGpuIsListedAndAnEmulatedOneIsCalledSoAndHasNoTimes) {
  if (kThreadSanitized) GTEST_SKIP() << kSlow;
  emulator::configure({.devices = 3});
  const Outcome outcome = call({"doctor", "--device", "cuda", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto found = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(found["emulated"], true);
  EXPECT_EQ(found["passed"], true);
  EXPECT_THAT(found["timings"], IsEmpty());
  ASSERT_THAT(found["gpus"], SizeIs(3));
  EXPECT_EQ(found["gpus"][2]["device"], "cuda:2");
  EXPECT_EQ(found["gpus"][2]["architecture"], "sm_80");
}

TEST_F(CudaDoctorTest, WhatKeepsAGpuFromUseIsNamed) {
  using emulator::Driver;
  const std::vector<std::pair<emulator::Settings, std::string>> troubles{
      {{.driver = Driver::none}, "no NVIDIA driver"},
      {{.driver = Driver::old}, "newer driver"},
      {{.driver = Driver::busy}, "another process"},
      {{.driver = Driver::unknown_architecture}, "CMAKE_CUDA_ARCHITECTURES"},
      {{.devices = 0}, "no GPU is visible"}};
  for (const auto& [settings, named] : troubles) {
    emulator::configure(settings);
    const Outcome asked = call({"doctor", "--device", "cuda"});
    EXPECT_THAT(refusal(asked, 4, named), HasSubstr(named));
    EXPECT_THAT(asked.out, AllOf(HasSubstr(named), HasSubstr("the device could not be used"),
                                 HasSubstr("0 passed, 0 failed, 0 skipped")))
        << named;
    EXPECT_EQ(nlohmann::json::parse(call({"doctor", "--device", "cuda", "--json"}).out)["passed"], false) << named;
  }
}

TEST_F(CudaDoctorTest, AutoTakesNoGpuForNoErrorAndOneThatCannotBeUsedForCode4) {
  if (kThreadSanitized) GTEST_SKIP() << kSlow;
  emulator::configure({.driver = emulator::Driver::none});
  const Outcome none = call({"doctor"});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_THAT(none.out, AllOf(HasSubstr("device    cpu, as "), HasSubstr("no NVIDIA driver"), HasSubstr("79 passed")));
  emulator::configure({.driver = emulator::Driver::busy});
  EXPECT_THAT(refusal(call({"doctor"}), 4, "doctor"), AllOf(HasSubstr("there is a GPU"), HasSubstr("another process")));
}

TEST_F(CudaDoctorTest, AutoThatTakesTheCpuBesideAGpuIsCode4) {
  if (kThreadSanitized) GTEST_SKIP() << kSlow;
  // The GPU is well when it is listed, and the host has no memory left to pin when it is chosen.
  const std::int64_t taken = [] {
    emulator::configure({});
    find_gpus();
    return emulator::counts().allocations;
  }();
  ASSERT_GT(taken, 0);
  emulator::configure({.fault = emulator::FaultKind::allocation, .fault_at = taken});
  const Outcome outcome = call({"doctor"});
  EXPECT_THAT(refusal(outcome, 4, "doctor"), AllOf(HasSubstr("there is a GPU"), HasSubstr("memory left to pin")));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("device    cpu, as "), HasSubstr("0 failed")));
}

TEST_F(CudaDoctorTest, AutoTakesTheFirstGpuThatCanBeUsed) {
  emulator::configure({.devices = 3, .fault = emulator::FaultKind::allocation, .fault_at = 0});
  const DeviceChoice choice = choose_device("auto");
  EXPECT_EQ(choice.device, Device::cuda(1));
  EXPECT_THAT(choice.reason, AllOf(HasSubstr("cuda:1, as cuda:0 cannot be used"), HasSubstr("memory left to pin")));
  emulator::configure({.devices = 3, .driver = emulator::Driver::busy});
  EXPECT_EQ(choose_device("auto").device.kind, Device::Kind::cpu);
}

TEST_F(CudaDoctorTest, TooLittleMemoryIsNamed) {
  emulator::configure({.memory = std::int64_t{8} << 20});
  EXPECT_THAT(refusal(call({"doctor", "--device", "cuda"}), 4, "doctor"),
              AllOf(HasSubstr("bytes of memory"), HasSubstr("are missing")));
}

}  // namespace
}  // namespace rushlight
