#include "src/backend/memory_layout.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace rushlight {
namespace {

TEST(MemoryLayoutTest, SlotsAreAlignedInOrderAndApart) {
  MemoryLayout layout;
  std::int64_t end = 0;
  for (const std::int64_t bytes : {1, 255, 256, 257, 0, 1000}) {
    const Slot slot = layout.add(MemoryUse::activations, "x", bytes);
    EXPECT_EQ(slot.offset, end);
    EXPECT_EQ(slot.offset % kAlignment, 0);
    end = (end + bytes + 255) / 256 * 256;
    EXPECT_EQ(layout.bytes(), end);
  }
}

TEST(MemoryLayoutTest, PlanTellsEachTensorAndTheSumOfEachUse) {
  MemoryLayout layout;
  EXPECT_EQ(layout.bytes(), 0);
  layout.add(MemoryUse::parameters, "weights", 100);
  layout.add(MemoryUse::moments, "first", 300);
  layout.add(MemoryUse::moments, "second", 256);
  const MemoryPlan& plan = layout.plan();
  ASSERT_EQ(plan.entries.size(), 3U);
  EXPECT_EQ(plan.entries[1].name, "first");
  EXPECT_EQ(plan.entries[1].bytes, 512);
  EXPECT_EQ(plan.entries[1].use, MemoryUse::moments);
  EXPECT_EQ(plan.bytes(), 256 + 512 + 256);
  EXPECT_EQ(plan.bytes(), layout.bytes());
  EXPECT_EQ(plan.bytes(MemoryUse::moments), 768);
  EXPECT_EQ(plan.bytes(MemoryUse::parameters), 256);
  EXPECT_EQ(plan.bytes(MemoryUse::data), 0);
}

TEST(MemoryLayoutTest, EachUseHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const MemoryUse use : {MemoryUse::parameters, MemoryUse::gradients, MemoryUse::moments, MemoryUse::activations,
                              MemoryUse::workspace, MemoryUse::state, MemoryUse::data}) {
    names.insert(to_string(use));
  }
  EXPECT_EQ(names.size(), 7U);
  EXPECT_FALSE(names.contains(""));
}

TEST(MemoryLayoutTest, SlotsAndMatricesLookIntoTheArena) {
  alignas(256) std::array<std::byte, 2048> arena{};
  const Slot slot{512};
  EXPECT_EQ(static_cast<void*>(slot.in<float>(arena.data())), arena.data() + 512);
  const PlannedMatrix three{slot, 3, 5, 7, 8};
  EXPECT_EQ(three.bytes(), 3 * 5 * 8 * 4);
  const Matrix<float> matrix = three.in(arena.data());
  EXPECT_EQ(static_cast<void*>(matrix.row(2, 4)), arena.data() + 512 + 4 * (2 * 40 + 4 * 8));
  // With one model every member looks at the same.
  const Matrix<float> shared = PlannedMatrix{slot, 1, 5, 7, 8}.in(arena.data());
  EXPECT_EQ(shared.row(2, 4), shared.row(0, 4));
}

}  // namespace
}  // namespace rushlight
