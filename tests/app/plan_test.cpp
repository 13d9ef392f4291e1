// `rushlight plan --device h100`: a step on a GPU that need not be there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/app/command_line.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PlanTest, EveryLaunchOfAStepIsPartOfItsSum) {
  const auto step =
      nlohmann::json::parse(call({"plan", "--device", "h200", "--precision", "bf16", "--json"}).out)["step"];
  EXPECT_EQ(step["gpu"], "h200");
  EXPECT_EQ(step["precision"], "bf16");
  EXPECT_EQ(step["launches"], step["nodes"].size());
  std::int64_t flops = 0, products = 0;
  double seconds = 0;
  for (const auto& node : step["nodes"]) {
    flops += node["flops"].get<std::int64_t>();
    seconds += node["seconds_model"].get<double>();
    products += node["name"].get<std::string>().find("matmul") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(step["flops"], flops);
  EXPECT_NEAR(step["seconds_model"].get<double>(), seconds, 1e-12);
  EXPECT_EQ(products, 14);  // Five layers: each forward and for its weights, all but the first for its input.
}

TEST(PlanTest, TheTableCallsItsTimesAModel) {
  const Outcome outcome = call({"plan", "--device", "h100"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("on h100 in fp32"), HasSubstr("the time is a model, not a measurement"),
                                 HasSubstr("elementwise_kernel<AdamUpdate>")));
}

TEST(PlanTest, AnUnknownGpuIsAnsweredWithTheKnownOnes) {
  EXPECT_THAT(refusal(call({"plan", "--device", "H100"}), kWrongUsage, "H100"),
              AllOf(HasSubstr("cuda:<index>"), HasSubstr("h100, h200")));
}

}  // namespace
}  // namespace rushlight
