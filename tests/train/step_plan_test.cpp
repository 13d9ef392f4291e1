#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/step_plan.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/messages.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const StepNode& node_of(const StepPlan& plan, const std::string& name) {
  const auto at =
      std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const StepNode& node) { return node.name == name; });
  if (at == plan.nodes.end()) throw InvalidArgument("there is no node " + name);
  return *at;
}

StepNode sum_of_kernel(const StepPlan& plan, const std::string& kernel) {
  StepPlan some{plan.gpu, {}, {}};
  std::copy_if(plan.nodes.begin(), plan.nodes.end(), std::back_inserter(some.nodes),
               [&](const StepNode& node) { return node.kernel == kernel; });
  return some.sum();
}

Sequential small() {
  return Sequential(Linear(33, 7), ReLU(), Dropout(0.3), Linear(7, 3));
}

constexpr std::int64_t kPlanBatch = 5;

TEST(StepPlanTest, ProductsOfATrainingTakeSixFlopsAWeightAndSampleAndFourInTheFirstLayer) {
  const StepPlan plan = plan_step(small(), kPlanBatch, Mode::train, "h100");
  EXPECT_EQ(sum_of_kernel(plan, "cuBLAS").flops, kPlanBatch * (4 * 33 * 7 + 6 * 7 * 3));
  const StepPlan pass = plan_step(small(), kPlanBatch, Mode::eval, "h100");
  EXPECT_EQ(sum_of_kernel(pass, "cuBLAS").flops, kPlanBatch * 2 * (33 * 7 + 7 * 3));
}

TEST(StepPlanTest, AProductReadsItsOperandsAndWritesItsResultOnce) {
  const StepPlan plan = plan_step(small(), kPlanBatch, Mode::train, "h100");
  EXPECT_EQ(node_of(plan, "0.matmul").bytes_read, 4 * (kPlanBatch * 33 + 7 * 33));
  EXPECT_EQ(node_of(plan, "0.matmul").bytes_written, 4 * kPlanBatch * 7);
  EXPECT_EQ(node_of(plan, "3.matmul.dw").bytes_read, 4 * (kPlanBatch * 3 + kPlanBatch * 7));
  EXPECT_EQ(node_of(plan, "3.matmul.dw").bytes_written, 4 * 7 * 3);
}

TEST(StepPlanTest, FormulasMoveWhatTheirShapesSay) {
  const StepPlan plan = plan_step(small(), kPlanBatch, Mode::train, "h100");
  const StepNode& gather = node_of(plan, "gather pixels");
  EXPECT_EQ(gather.bytes_read, kPlanBatch * (33 + 8));
  EXPECT_EQ(gather.bytes_written, kPlanBatch * 33 * 4);
  const StepNode& forward = node_of(plan, "0.bias+1.relu+2.dropout");
  EXPECT_EQ(forward.bytes_read, 4 * (kPlanBatch * 7 + 7));
  EXPECT_EQ(forward.bytes_written, 4 * kPlanBatch * 7);
  EXPECT_EQ(forward.flops, 3 * kPlanBatch * 7);
  const StepNode& backward = node_of(plan, "0.bias+1.relu+2.dropout.backward");
  EXPECT_EQ(backward.bytes_read, 2 * 4 * kPlanBatch * 7);
  EXPECT_EQ(backward.bytes_written, 4 * (kPlanBatch * 7 + 7));
  EXPECT_EQ(node_of(plan, "3.bias.backward").bytes_read, 4 * kPlanBatch * 3);
  const StepNode& loss = node_of(plan, "softmax cross-entropy");
  EXPECT_EQ(loss.bytes_read, 4 * (kPlanBatch * 3 + kPlanBatch));
  EXPECT_EQ(loss.bytes_written, 4 * (2 * kPlanBatch + kPlanBatch * 3));
  const StepNode& adam = node_of(plan, "Adam");
  EXPECT_EQ(adam.bytes_read % 4, 0);
  EXPECT_EQ(adam.bytes_read / 4, plan.memory.bytes(MemoryUse::gradients));
  EXPECT_EQ(adam.bytes_written, plan.memory.bytes(MemoryUse::gradients) + plan.memory.bytes(MemoryUse::moments));
}

TEST(StepPlanTest, ElementsAreWhatTheFormulaIsAppliedTo) {
  const StepPlan plan = plan_step(small(), kPlanBatch, Mode::train, "h100");
  for (const char* name : {"0.matmul", "0.bias+1.relu+2.dropout", "0.bias+1.relu+2.dropout.backward"}) {
    EXPECT_EQ(node_of(plan, name).elements, kPlanBatch * 7) << name;
  }
  EXPECT_EQ(node_of(plan, "select batch").elements, kPlanBatch);
  EXPECT_EQ(node_of(plan, "gather pixels").elements, kPlanBatch * 33);
  EXPECT_EQ(node_of(plan, "softmax cross-entropy").elements, kPlanBatch * 3);
  EXPECT_EQ(node_of(plan, "loss sum").elements, kPlanBatch);
  EXPECT_EQ(node_of(plan, "Adam corrections").elements, 1);
  EXPECT_EQ(node_of(plan, "Adam").elements * 4, plan.memory.bytes(MemoryUse::gradients));
  EXPECT_EQ(node_of(plan, "advance").elements, 1);
}

TEST(StepPlanTest, LongRowsTakeAnotherKernel) {
  const StepPlan plan = plan_step(Sequential(Linear(8, 1025)), kPlanBatch, Mode::eval, "h200");
  EXPECT_EQ(node_of(plan, "softmax cross-entropy").kernel, "row_reduction_block_kernel<SoftmaxCrossEntropy>");
  const StepPlan longest = plan_step(Sequential(Linear(8, 1024)), kPlanBatch, Mode::eval, "h200");
  EXPECT_EQ(node_of(longest, "softmax cross-entropy").kernel, "row_reduction_warp_kernel<SoftmaxCrossEntropy>");
}

TEST(StepPlanTest, ANodeTakesAsLongAsTheCeilingThatItMeets) {
  const Sequential wide(Linear(4096, 4096), ReLU());
  for (const std::string gpu : {"h100", "h200"}) {
    const StepPlan plan = plan_step(wide, 65536, Mode::eval, gpu);
    const StepNode& product = node_of(plan, "0.matmul");
    EXPECT_DOUBLE_EQ(product.model_seconds, static_cast<double>(product.flops) / plan.gpu.fp32_flops_per_second);
    const StepNode& pointwise = node_of(plan, "0.bias+1.relu");
    EXPECT_DOUBLE_EQ(pointwise.model_seconds, static_cast<double>(pointwise.bytes_read + pointwise.bytes_written) /
                                                  plan.gpu.copy_bytes_per_second);
    EXPECT_EQ(node_of(plan, "advance").model_seconds, plan.gpu.seconds_per_kernel);
  }
  const auto product_time = [&](Precision precision) {
    return node_of(plan_step(wide, 65536, Mode::eval, "h100", precision), "0.matmul").model_seconds;
  };
  EXPECT_GT(product_time(Precision::fp32), product_time(Precision::tf32));
  EXPECT_GT(product_time(Precision::tf32), product_time(Precision::bf16));
}

TEST(StepPlanTest, WhatNoMachineHasCanBePlanned) {
  const Sequential wide(Linear(1 << 20, 1 << 19));
  EXPECT_EQ(plan_step(wide, 1 << 20, Mode::eval, "h100").memory.bytes(MemoryUse::parameters),
            (std::int64_t{4} << 39) + (std::int64_t{4} << 19));
}

TEST(StepPlanTest, AnUnknownGpuIsNamedBesideThoseThereAre) {
  EXPECT_THAT(message_of<InvalidArgument>([] { plan_step(small(), 1, Mode::train, "h300"); }),
              AllOf(HasSubstr("\"h300\""), HasSubstr("h100 or h200")));
  EXPECT_THAT(message_of<InvalidArgument>([] { plan_step(small(), 0, Mode::train, "h100"); }), HasSubstr("batch"));
}

class CudaStepPlanTest : public OnCuda {};

TEST_F(CudaStepPlanTest, MemoryIsThatOfTheGpuButForTheWorkspace) {
  for (const Mode mode : {Mode::train, Mode::eval, Mode::mc}) {
    Sequential model = small();
    const MemoryPlan planned = plan_step(model, kPlanBatch, mode, "h100").memory;
    const MemoryPlan there = plan_memory(model.to(Device::cuda()), kPlanBatch, mode);
    ASSERT_EQ(planned.entries.size(), there.entries.size());
    for (std::size_t i = 0; i < there.entries.size(); ++i) {
      EXPECT_EQ(planned.entries[i].name, there.entries[i].name);
      if (there.entries[i].use == MemoryUse::workspace) continue;
      EXPECT_EQ(planned.entries[i].bytes, there.entries[i].bytes) << there.entries[i].name;
    }
  }
}

}  // namespace
}  // namespace rushlight
