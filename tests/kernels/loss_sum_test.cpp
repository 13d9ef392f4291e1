#include "kernels/loss_sum.h"

#include <gtest/gtest.h>

#include <bit>

#include "tests/support/backends.h"
#include "tests/support/guarded.h"
#include "tests/support/naive_tree.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

class LossSumTest : public OnEachBackend {
 protected:
  std::vector<EpochSums> sums_after(const std::vector<EpochSums>& before, std::int64_t rows,
                                    const std::vector<float>& losses, const std::vector<std::uint32_t>& answers,
                                    const PassState& state) {
    const auto models = static_cast<std::int64_t>(before.size());
    Guarded<float> loss(backend_, models, 1, rows);
    Guarded<std::uint32_t> correct(backend_, models, 1, rows);
    const Guarded<PassState> now = guarded_values<PassState>(backend_, {state});
    const Guarded<EpochSums> sums = guarded_values(backend_, before);
    loss.write(losses);
    correct.write(answers);
    backend_->run(
        ColumnReduction{LossSum{loss.vector().as_const(), correct.vector().as_const(), now.data(), sums.data()}});
    EXPECT_TRUE(loss.intact() && correct.intact() && now.intact() && sums.intact());
    return sums.read();
  }
};

TEST_P(LossSumTest, AddsInFp64InTheTreesOrder) {
  for (const std::int64_t models : {1, 3}) {
    for (const std::int64_t rows : {1, 3, 17, 32, 33, 129, 1000}) {
      const std::vector<float> losses = arbitrary_floats(models * rows, 8);
      std::vector<std::uint32_t> answers;
      for (std::int64_t i = 0; i < models * rows; ++i) answers.push_back(i % 3 == 0 ? 1 : 0);
      const std::vector<EpochSums> before(static_cast<std::size_t>(models), {1.0 / 3.0, 7, 100});
      const std::vector<EpochSums> after = sums_after(before, rows, losses, answers, {.position = 50, .samples = 5000});
      for (std::int64_t model = 0; model < models; ++model) {
        const auto begin = static_cast<std::ptrdiff_t>(model * rows);
        const std::vector<double> terms(losses.begin() + begin, losses.begin() + begin + rows);
        const double batch = naive_tree(terms, [](double a, double b) { return a + b; });
        const EpochSums& sum = after[static_cast<std::size_t>(model)];
        EXPECT_EQ(std::bit_cast<std::uint64_t>(sum.loss), std::bit_cast<std::uint64_t>(1.0 / 3.0 + batch));
        EXPECT_EQ(sum.samples, 100 + static_cast<std::uint64_t>(rows));
        std::uint64_t right = 7;
        for (std::int64_t row = 0; row < rows; ++row) right += answers[static_cast<std::size_t>(begin + row)];
        EXPECT_EQ(sum.correct, right);
      }
    }
  }
}

TEST_P(LossSumTest, RowsBeyondTheDataSetCountNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::uint64_t left : {0, 1, 5, 31, 32, 33, 39}) {
    std::vector<float> losses(40, nan);
    std::fill_n(losses.begin(), left, 0.5F);
    const std::vector<EpochSums> after =
        sums_after({{}}, 40, losses, std::vector<std::uint32_t>(40, 1), {.position = 100, .samples = 100 + left});
    EXPECT_EQ(after[0].loss, 0.5 * static_cast<double>(left));
    EXPECT_EQ(after[0].correct, left);
    EXPECT_EQ(after[0].samples, left);
  }
}

// 2^24 + 1 is the first whole number that fp32 lacks.
TEST_P(LossSumTest, KeepsWhatFp32WouldLose) {
  const std::vector<EpochSums> after =
      sums_after({{}}, 3, {16777216.0F, 1.0F, 1.0F}, {1, 1, 1}, {.position = 0, .samples = 3});
  EXPECT_EQ(after[0].loss, 16777218.0);
}

TEST_P(LossSumTest, NanOfARealRowShows) {
  const std::vector<float> losses{1.0F, std::numeric_limits<float>::quiet_NaN(), 1.0F};
  EXPECT_TRUE(std::isnan(sums_after({{}}, 3, losses, {1, 1, 1}, {.position = 0, .samples = 3})[0].loss));
}

INSTANTIATE_TEST_SUITE_P(Backends, LossSumTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
