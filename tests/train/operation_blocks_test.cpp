// The operations that benches run alone.
#include "src/train/operation_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <variant>

#include "src/backend/command_cost.h"
#include "src/backend/cpu/cpu_backend.h"

namespace rushlight {
namespace {

/// Which operation a command is, of those of its variant.
template <class Variant>
std::set<std::size_t> alternatives(const std::vector<OperationBlock>& blocks) {
  std::set<std::size_t> found;
  for (const OperationBlock& block : blocks) {
    if (const Variant* const one = std::get_if<Variant>(&block.node.command)) found.insert(one->index());
  }
  return found;
}

TEST(OperationBlocksTest, EveryOperationOfEveryVariantIsThere) {
  const auto blocks = operation_blocks(std::make_shared<CpuBackend>(1), 1 << 12);
  EXPECT_EQ(alternatives<Elementwise>(blocks).size(), std::variant_size_v<Elementwise>);
  EXPECT_EQ(alternatives<RowReduction>(blocks).size(), std::variant_size_v<RowReduction>);
  EXPECT_EQ(alternatives<ColumnReduction>(blocks).size(), std::variant_size_v<ColumnReduction>);
}

TEST(OperationBlocksTest, EachGoesThroughTheMemoryThatWasAskedFor) {
  constexpr std::int64_t kBytes = 1 << 20;
  const std::set<std::string> small = {"select_batch", "adam_prepare", "advance"};
  for (const OperationBlock& block : operation_blocks(std::make_shared<CpuBackend>(1), kBytes)) {
    if (small.contains(block.node.name)) continue;
    // What is read and written in place counts twice, and padding not at all.
    EXPECT_GT(cost_of(block.node.command).bytes(), kBytes / 2) << block.node.name;
    EXPECT_LE(cost_of(block.node.command).bytes(), 2 * kBytes) << block.node.name;
  }
}

TEST(OperationBlocksTest, EachRunsAtAnySizeAfterARefill) {
  const auto backend = std::make_shared<CpuBackend>(2);
  for (const std::int64_t bytes : {1, 1000, 1 << 16}) {
    for (const OperationBlock& block : operation_blocks(backend, bytes)) {
      for (int turn = 0; turn < 2; ++turn) {
        block.refill();
        for (int run = 0; run < 3; ++run) backend->run(block.node);
      }
    }
  }
}

}  // namespace
}  // namespace rushlight
