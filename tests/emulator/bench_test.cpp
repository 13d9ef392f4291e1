// The bench on the emulated device: everything runs, through a GPU's backend, and no time is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void expect_no_times(const nlohmann::json& measurement) {
  for (const char* key : {"seconds", "samples_per_second", "flops_per_second", "bytes_per_second", "share_of_copy"}) {
    EXPECT_TRUE(measurement[key].is_null()) << measurement;
  }
}

/// What a case told, which must be no time.
nlohmann::json bench(const std::vector<std::string>& more) {
  const Outcome outcome =
      call(std::vector<std::string>{"bench"} + more + std::vector<std::string>{"--device", "cuda", "--json"});
  EXPECT_EQ(outcome.code, kDone) << outcome.err;
  nlohmann::json found = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(found["emulated"], true);
  EXPECT_EQ(found["device"], "cuda:0");
  EXPECT_TRUE(found["threads"].is_null());
  EXPECT_TRUE(found["ratios"].empty());
  EXPECT_TRUE(found["ceilings"]["fma"].is_null());
  for (const auto& one : found["results"]) expect_no_times(one);
  for (const auto& one : found["nodes"]) expect_no_times(one);
  for (const auto& phase : found["phases"]) EXPECT_TRUE(phase["seconds"].is_null() && phase["share"].is_null());
  return found;
}

TEST(CudaBenchTest, ALabRunsAsGraphsAndTellsItsNodesAndNoTime) {
  const nlohmann::json found = bench({"lab", "--batch", "3"});
  EXPECT_EQ(found["results"][0]["name"], "epoch");
  EXPECT_GT(found["nodes"].size(), 20U);
  EXPECT_THAT(found["nodes"].back()["kernel"], HasSubstr("elementwise_kernel"));
}

TEST(CudaBenchTest, PredictionsAndOperationsRunAndTellNoTime) {
  EXPECT_EQ(bench({"infer"})["results"].size(), 2U);
  EXPECT_GT(bench({"kernels"})["results"].size(), 8U);
}

TEST(CudaBenchTest, TheTableSaysWhyThereAreNoTimes) {
  const Outcome outcome = call({"bench", "kernels", "--device", "cuda"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("those of an emulated device are none of a GPU"));
  EXPECT_THAT(outcome.out, Not(HasSubstr(" ms")));
}

}  // namespace
}  // namespace rushlight
