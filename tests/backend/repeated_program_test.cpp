#include "src/backend/repeated_program.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/advance.h"
#include "tests/support/backends.h"
#include "tests/support/guarded.h"

namespace rushlight {
namespace {

/// Counts its runs in backend memory: each of `nodes` nodes moves the step and the position on.
struct Counter {
  explicit Counter(const std::shared_ptr<Backend>& its_backend, std::int64_t nodes = 1) : backend(its_backend) {
    state.write({PassState{}});
    Program list;
    for (std::int64_t i = 0; i < nodes; ++i) {
      list.push_back({"count", Elementwise{Advance{state.data(), 10, StepCount::advance}}});
    }
    program.emplace(backend, std::move(list));
  }

  std::uint64_t steps() const { return state.read()[0].step; }

  std::shared_ptr<Backend> backend;
  Guarded<PassState> state{backend, 1, 1, 1, 1};
  std::optional<RepeatedProgram> program;
};

const std::vector<std::vector<std::int64_t>> kSequences{
    {0, 0, 1, 0, 1, 1},      // Nothing before the first run, which goes node by node.
    {1, 2, 3, 7, 64, 1000},  // Each more than twice the one before: the graph of many runs is recorded anew.
    {1000, 64, 7, 3, 2, 1},  // Less than the graph of many runs holds.
    {64, 64, 65, 63, 127, 128, 129, 1},
    {2, 0, 1000, 1, 1000, 999, 1001},
    {7, 1, 7, 1, 7},
};

class RepeatedProgramTest : public OnEachBackend {
 protected:
  static void expect_counts(const std::shared_ptr<Backend>& backend, std::int64_t nodes) {
    for (const std::vector<std::int64_t>& sequence : kSequences) {
      Counter counter(backend, nodes);
      std::int64_t runs = 0;
      for (const std::int64_t times : sequence) {
        counter.program->run(times);
        runs += times;
        ASSERT_EQ(counter.steps(), static_cast<std::uint64_t>(runs * nodes)) << times << " after others";
        ASSERT_EQ(counter.state.read()[0].position, static_cast<std::uint64_t>(runs * nodes * 10));
      }
      EXPECT_TRUE(counter.state.intact());
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, RepeatedProgramTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

TEST_P(RepeatedProgramTest, RunsExactlyAsOftenAsItIsTold) {
  expect_counts(backend_, 1);
  expect_counts(backend_, 3);
}

TEST_P(RepeatedProgramTest, RunsExactlyAsOftenWithoutGraphs) {
  Device device = GetParam().device;
  device.graphs = GraphUse::off;
  const std::shared_ptr<Backend> backend = open_backend(device);
  EXPECT_EQ(backend->graph_capture(), nullptr);
  expect_counts(backend, 3);
}

// A graph of many runs would have more nodes than are recorded at once: runs are replayed in parts, or one by one.
TEST_P(RepeatedProgramTest, AProgramOfManyNodesRunsAsOften) {
  for (const std::int64_t nodes : {900, 17'000}) {
    Counter counter(backend_, nodes);
    for (const std::int64_t times : {2, 1}) counter.program->run(times);
    EXPECT_EQ(counter.steps(), static_cast<std::uint64_t>(3 * nodes));
  }
}

TEST_P(RepeatedProgramTest, WithoutNodesItDoesNothing) {
  RepeatedProgram program(backend_, {});
  for (const std::int64_t times : {0, 1, 2, 64}) program.run(times);
  backend_->synchronize();
}

// What a graph recorded is memory's place, not what lay there.
TEST_P(RepeatedProgramTest, ReadsItsMemoryAnewEachTime) {
  Counter counter(backend_);
  counter.program->run(70);
  counter.state.write({PassState{.step = 1'000'000, .position = 5}});
  counter.program->run(70);
  EXPECT_EQ(counter.steps(), 1'000'070U);
  EXPECT_EQ(counter.state.read()[0].position, 705U);
}

TEST_P(RepeatedProgramTest, TwoOfThemOnOneBackendKeepTheirOrder) {
  Counter counter(backend_);
  RepeatedProgram other(backend_, {{"keep", Elementwise{Advance{counter.state.data(), 1, StepCount::keep}}}});
  for (const std::int64_t times : {1, 5, 20}) {
    counter.program->run(times);
    other.run(2 * times);
  }
  EXPECT_EQ(counter.steps(), 26U);
  EXPECT_EQ(counter.state.read()[0].position, 26 * 10 + 52U);
}

TEST_P(RepeatedProgramTest, MayMove) {
  Counter counter(backend_);
  counter.program->run(9);
  RepeatedProgram moved = std::move(*counter.program);
  moved.run(9);
  EXPECT_EQ(counter.steps(), 18U);
}

}  // namespace
}  // namespace rushlight
