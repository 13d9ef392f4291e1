// A training step as one team runs it, against its nodes one by one: the same bytes.
#include "src/backend/cpu/team_program.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/backend/cpu/cpu_backend.h"
#include "src/train/training.h"
#include "tests/backend/instruction_sets.h"
#include "tests/support/small_data.h"

namespace rushlight {
namespace {

std::vector<Module> odd_network() {
  return {Linear(9, 37), ReLU(), Dropout(0.3), Linear(37, 37), Linear(37, 24, Bias::absent),
          ReLU(),        ReLU(), Linear(24, 3)};
}

std::vector<Module> wide_network() {
  return {Linear(9, 200), ReLU(), Dropout(0.5), Linear(200, 160), Dropout(0.2), ReLU(), Linear(160, 3)};
}

/// A layer whose parameters no first cache holds.
std::vector<Module> broad_network() {
  return {Linear(9, 400), ReLU(), Dropout(0.5), Linear(400, 400), ReLU(), Linear(400, 3)};
}

/// The memory of a training after some steps, by name. Workspaces are left out, and the members, whose structs have a
/// gap. `distance`: one team runs all steps, as on cores that are so far from each other.
std::map<std::string, std::vector<std::byte>> memory_after(const std::vector<Module>& modules, std::int64_t batch,
                                                           int threads, int members, InstructionSet set,
                                                           std::int64_t steps, GraphUse graphs,
                                                           CoreDistanceWatch::Measure distance = nullptr) {
  const auto backend = std::make_shared<CpuBackend>(threads, graphs, set);
  std::vector<Member> all;
  for (int i = 0; i < members; ++i) all.push_back({777, static_cast<std::uint32_t>(i)});
  ModelState state(modules, all);
  state.move_to(backend);
  state.initialize();
  const TrainingPlan plan(state, AdamOptions{.lr = 0.01}, batch);
  const Buffer arena(backend, plan.layout.bytes());
  backend->fill_zero(arena.data(), arena.bytes());
  plan.pass.initialize(*backend, arena.data(), state.members());
  plan.adam.initialize(*backend, arena.data());
  const Dataset data = small_data(50, 9, 3);
  const PassState start{.samples = 50};
  upload_values(*backend, plan.pass.state(arena.data()), &start, 1);
  const Program step = plan.step(arena.data(), state.parameters(),
                                 {.pixels = data.pixels().data(),
                                  .labels = data.labels().data(),
                                  .order = SampleOrder::shuffled,
                                  .shuffle_seed = 777});
  if (distance != nullptr) {
    TeamProgram(step, steps, threads, set, distance).replay();
  } else {
    RepeatedProgram program(backend, step);
    program.run(1);
    program.run(steps - 1);
  }

  std::map<std::string, std::vector<std::byte>> memory;
  const std::byte* next = arena.data();
  for (const MemoryPlanEntry& entry : plan.layout.plan().entries) {
    if (entry.use != MemoryUse::workspace && entry.name != "members")
      memory[entry.name].assign(next, next + entry.bytes);
    next += entry.bytes;
  }
  const auto* const parameters = static_cast<const std::byte*>(static_cast<const void*>(state.parameters().data));
  memory["parameters"].assign(parameters, parameters + state.layout()->bytes(members));
  return memory;
}

TEST(TeamProgramTest, GivesTheBytesOfItsNodesOneByOneForAnyNumberOfThreads) {
  for (const InstructionSet set : instruction_sets()) {
    for (const auto& modules : {odd_network(), wide_network()}) {
      for (const std::int64_t batch : {1, 7, 16}) {
        for (const int members : {1, 3}) {
          const auto expected = memory_after(modules, batch, 1, members, set, 3, GraphUse::off);
          for (const int threads : {1, 2, 3}) {
            const auto found = memory_after(modules, batch, threads, members, set, 3, GraphUse::on);
            for (const auto& [name, bytes] : expected) {
              EXPECT_TRUE(found.at(name) == bytes) << name << ": " << to_string(set) << ", batch " << batch << ", "
                                                   << threads << " threads, " << members << " members";
            }
          }
        }
      }
    }
  }
}

CoreDistance near(int) {
  return CoreDistance::near;
}
CoreDistance far(int) {
  return CoreDistance::far;
}

TEST(TeamProgramTest, TheDistanceOfCoresChangesNoByte) {
  for (const InstructionSet set : instruction_sets()) {
    for (const int members : {1, 2}) {
      const auto expected = memory_after(broad_network(), 7, 1, members, set, 3, GraphUse::off);
      for (const CoreDistanceWatch::Measure distance : {near, far}) {
        for (const int threads : {1, 2, 3}) {
          EXPECT_TRUE(memory_after(broad_network(), 7, threads, members, set, 3, GraphUse::on, distance) == expected)
              << to_string(set) << ", " << threads << " threads, " << members << " members";
        }
      }
    }
  }
}

TEST(TeamProgramTest, EverySetOfVectorsWithMultiplyAddsGivesTheSameBytes) {
  const std::vector<InstructionSet> sets = instruction_sets();
  if (sets.size() < 3) GTEST_SKIP() << "this machine has no two sets of vectors with multiply-adds";
  EXPECT_TRUE(memory_after(wide_network(), 16, 2, 1, InstructionSet::avx2, 3, GraphUse::on) ==
              memory_after(wide_network(), 16, 2, 1, InstructionSet::avx512, 3, GraphUse::on));
}

}  // namespace
}  // namespace rushlight
