// `rushlight doctor` on a CPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/backend/cpu/instruction_set.h"
#include "tests/app/command_line.h"
#include "tests/support/sanitized.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(DoctorTest, ChecksACpuBesideTheReferenceAndTimesIt) {
  const Outcome outcome = call({"doctor", "--device", "cpu", "--threads", "2", "--json"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  const auto found = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(found["device"], "cpu");
  EXPECT_EQ(found["passed"], true);
  EXPECT_EQ(found["advice"], "");
  std::size_t products = 0, graphs = 0;
  for (const auto& check : found["checks"]) {
    const bool graph = check["name"] == "4 steps as a graph";
    graphs += graph ? 1U : 0U;
    products += check["network"] == "lab" && check["name"].get<std::string>().find("matmul") != std::string::npos;
    EXPECT_EQ(check["status"], "passed") << check;
    EXPECT_LE(check["error"], check["tolerance"]) << check;
  }
  EXPECT_EQ(products, 14U);
  EXPECT_EQ(graphs, 3U);
  ASSERT_THAT(found["timings"], SizeIs(2));
  for (const auto& timing : found["timings"]) EXPECT_GT(timing["seconds"], 0.0) << timing;
}

TEST(DoctorTest, SaysWhatThereIs) {
  if (kSanitized) GTEST_SKIP() << "the same checks as above take a minute when instrumented";
  const Outcome outcome = call({"doctor", "--device", "cpu"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("rushlight 0."), HasSubstr("gpus "), HasSubstr("device    cpu, as asked"),
                                 HasSubstr("same bits"), HasSubstr(" of 1e-05"),
                                 HasSubstr("checks    79 passed, 0 failed, 0 skipped")));
}

TEST(DoctorTest, WhatIsNoDeviceIsWrongUsage) {
  refusal(call({"doctor", "--device", "tpu"}), kWrongUsage, "tpu");
  EXPECT_THAT(refusal(call({"doctor", "--device", "cpu", "--precision", "tf32"}), kNoDevice, "tf32"),
              HasSubstr("--device cuda"));
}

TEST(DoctorTest, Bf16TakesACpuThatHasItsInstructions) {
  if (kSanitized) GTEST_SKIP() << "the same checks as above take a minute when instrumented";
  const Outcome outcome = call({"doctor", "--device", "cpu", "--precision", "bf16"});
  if (has_avx512_bf16()) {
    EXPECT_EQ(outcome.code, kDone) << outcome.err << outcome.out;
  } else {
    refusal(outcome, kNoDevice, "AVX512_BF16");
  }
}

}  // namespace
}  // namespace rushlight
