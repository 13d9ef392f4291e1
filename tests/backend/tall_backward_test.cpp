// The backward of bias, ReLU and dropout whose rows are split among threads, against its columns one by one: the same
// bits.
#include "src/backend/cpu/tall_backward.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "src/backend/cpu/cpu_backend.h"
#include "src/backend/cpu/reductions.h"
#include "src/backend/repeated_program.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

constexpr std::int64_t kModels = 2, kColumns = 17;

class TallBackwardTest : public ::testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    y_.write(arbitrary_floats(kModels * rows_ * kColumns, 1));
    dy_.write(arbitrary_floats(kModels * rows_ * kColumns, 2));
  }

  BiasReluDropoutBackward backward(Activation activation) {
    return {y_.matrix().as_const(),
            dy_.matrix().as_const(),
            dx_.matrix(),
            dbias_.vector(),
            activation,
            {.members = members_, .rates = rates_, .state = &state_, .node = 5}};
  }

  const std::int64_t rows_ = GetParam();
  const std::shared_ptr<Backend> host_ = std::make_shared<CpuBackend>(1);
  const Member members_[kModels] = {{777, 0}, {778, 3}};
  const DropoutRate rates_[kModels] = {dropout_rate(0.3), dropout_rate(0.75)};
  const PassState state_{.step = 41};
  Guarded<float> y_{host_, kModels, rows_, kColumns}, dy_{host_, kModels, rows_, kColumns},
      dx_{host_, kModels, rows_, kColumns}, dbias_{host_, kModels, 1, kColumns};
};
// The fewest; and a chunk of the tree, a row and many segments more, so that subtrees of all sizes are left at its end.
INSTANTIATE_TEST_SUITE_P(Rows, TallBackwardTest, ::testing::Values(8192, 8192 + 32, 15 * 1024 + 1));

TEST_P(TallBackwardTest, GivesTheBitsOfItsColumnsForAnyNumberOfThreads) {
  for (const Activation activation : {Activation::relu, Activation::identity}) {
    const BiasReluDropoutBackward one = backward(activation);
    ASSERT_NE(tall_backward(ColumnReduction{one}), nullptr);
    reduce_columns(one, {0, static_cast<std::int64_t>(one.work_items())});
    const std::vector<float> dx = dx_.read(), dbias = dbias_.read();
    for (const int threads : {1, 2, 3, 64}) {
      const auto backend = std::make_shared<CpuBackend>(threads);
      RepeatedProgram program(backend, {{"backward", ColumnReduction{one}}});
      for (const bool in_graph : {false, true, false}) {
        dx_.write(std::vector<float>(dx.size()));
        dbias_.write(std::vector<float>(dbias.size()));
        in_graph ? program.run(2) : backend->run(Node{"backward", ColumnReduction{one}});
        ASSERT_EQ(bits_of(dx_.read()), bits_of(dx)) << threads << " threads";
        ASSERT_EQ(bits_of(dbias_.read()), bits_of(dbias)) << threads << " threads";
      }
      ASSERT_TRUE(dx_.intact() && dbias_.intact());
    }
  }
}

TEST_P(TallBackwardTest, WithoutABiasOnlyInputsHaveAGradient) {
  BiasReluDropoutBackward one = backward(Activation::relu);
  reduce_columns(one, {0, static_cast<std::int64_t>(one.work_items())});
  const std::vector<float> dx = dx_.read(), dbias = dbias_.read();
  dx_.write(std::vector<float>(dx.size()));
  one.dbias = {};
  CpuBackend(2).run(Node{"backward", ColumnReduction{one}});
  EXPECT_EQ(bits_of(dx_.read()), bits_of(dx));
  EXPECT_EQ(bits_of(dbias_.read()), bits_of(dbias));
}

TEST(TallBackwardTest, FewRowsAreNotTall) {
  BiasReluDropoutBackward one;
  one.dx.rows = 8191;
  EXPECT_EQ(tall_backward(ColumnReduction{one}), nullptr);
  EXPECT_EQ(tall_backward(ColumnReduction{LossSum{}}), nullptr);
  EXPECT_EQ(tall_backward(Matmul{}), nullptr);
}

}  // namespace
}  // namespace rushlight
