#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/backends.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

enum class Operand { own, shared };

struct TestedProduct {
  std::int64_t models, m, n, k;
  Transpose transpose_a = Transpose::no;
  Transpose transpose_b = Transpose::no;
  Operand a = Operand::own;

  std::string text() const {
    return std::to_string(models) + "x [" + std::to_string(m) + ", " + std::to_string(k) +
           (transpose_a == Transpose::yes ? "]T" : "]") + " [" + std::to_string(k) + ", " + std::to_string(n) +
           (transpose_b == Transpose::yes ? "]T" : "]") + (a == Operand::shared ? " shared" : "");
  }
};

/// A matrix as it lies in memory: transposed operands have their extents exchanged.
Guarded<float> stored(const std::shared_ptr<Backend>& backend, std::int64_t models, std::int64_t rows,
                      std::int64_t cols, Transpose transpose) {
  return transpose == Transpose::no ? Guarded<float>(backend, models, rows, cols)
                                    : Guarded<float>(backend, models, cols, rows);
}

/// op(matrix)[row, col] of a member, from dense values.
double element(const std::vector<float>& values, std::int64_t member, std::int64_t rows, std::int64_t cols,
               std::int64_t row, std::int64_t col, Transpose transpose) {
  const std::int64_t at = transpose == Transpose::no ? row * cols + col : col * rows + row;
  return values[static_cast<std::size_t>(member * rows * cols + at)];
}

/// Workspace for one product after the other, made anew where another size is needed.
class Workspace {
 public:
  explicit Workspace(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  ~Workspace() { check(); }

  void* of(const MatmulPlan& plan) {
    const std::int64_t bytes = align_up(plan.workspace_bytes());
    if (!memory_ || bytes_ != bytes) {
      check();
      memory_.emplace(backend_, 1, 1, bytes, bytes);
      bytes_ = bytes;
    }
    return memory_->data();
  }

 private:
  void check() const { EXPECT_TRUE(!memory_ || memory_->intact()) << "beyond a workspace of " << bytes_; }

  std::shared_ptr<Backend> backend_;
  std::optional<Guarded<std::uint8_t>> memory_;
  std::int64_t bytes_ = 0;
};

/// The largest error against the product in double precision, in units of k · 2^-23.
double worst_error(const std::shared_ptr<Backend>& backend, Workspace& workspace, const TestedProduct& one) {
  const std::int64_t a_models = one.a == Operand::shared ? 1 : one.models;
  Guarded<float> a = stored(backend, a_models, one.m, one.k, one.transpose_a);
  Guarded<float> b = stored(backend, one.models, one.k, one.n, one.transpose_b);
  const Guarded<float> c(backend, one.models, one.m, one.n);
  const std::vector<float> a_values = arbitrary_floats(a_models * one.m * one.k, 20);
  const std::vector<float> b_values = arbitrary_floats(one.models * one.k * one.n, 21);
  a.write(a_values);
  b.write(b_values);
  Matrix<float> left = a.matrix();
  left.models = one.models;
  if (one.a == Operand::shared) left.model_stride = 0;
  const std::unique_ptr<MatmulPlan> plan =
      backend->prepare({one.models, one.m, one.n, one.k, one.transpose_a, one.transpose_b, left.stride,
                        b.matrix().stride, c.matrix().stride});
  backend->run(Matmul{plan.get(), left.as_const(), b.matrix().as_const(), c.matrix(), workspace.of(*plan)});
  EXPECT_TRUE(a.intact() && b.intact() && c.intact()) << one.text();
  EXPECT_EQ(bits_of(a.read()), bits_of(a_values)) << one.text();

  const std::vector<float> found = c.read();
  double worst = 0;
  for (std::int64_t i = 0; i < one.models * one.m * one.n; ++i) {
    const std::int64_t model = i / (one.m * one.n), row = i / one.n % one.m, col = i % one.n;
    double sum = 0;
    for (std::int64_t j = 0; j < one.k; ++j) {
      sum += element(a_values, one.a == Operand::shared ? 0 : model, one.m, one.k, row, j, one.transpose_a) *
             element(b_values, model, one.k, one.n, j, col, one.transpose_b);
    }
    const double error = std::abs(static_cast<double>(found[static_cast<std::size_t>(i)]) - sum);
    worst = error >= 0 ? std::max(worst, error) : HUGE_VAL;  // A NaN is the worst of all.
  }
  return worst / (static_cast<double>(one.k) * 0x1p-23);
}

// Partial sums walk at random to about 1.3 sqrt(k); k roundings of them add to about 0.7 units, at the tail to 3.
constexpr double kTolerance = 4;

class MatmulTest : public OnEachBackend {};

TEST_P(MatmulTest, EqualsTheNaiveProductAtOddSizesAndAllTranspositions) {
  Workspace workspace(backend_);
  for (const std::int64_t m : kOddSizes) {
    for (const std::int64_t n : kOddSizes) {
      for (const std::int64_t k : kOddSizes) {
        for (const Transpose a : {Transpose::no, Transpose::yes}) {
          for (const Transpose b : {Transpose::no, Transpose::yes}) {
            const TestedProduct one{1, m, n, k, a, b};
            ASSERT_LT(worst_error(backend_, workspace, one), kTolerance) << one.text();
          }
        }
      }
    }
  }
}

TEST_P(MatmulTest, EqualsTheNaiveProductForEveryMember) {
  Workspace workspace(backend_);
  for (const Transpose a : {Transpose::no, Transpose::yes}) {
    for (const Transpose b : {Transpose::no, Transpose::yes}) {
      for (const Operand operand : {Operand::own, Operand::shared}) {
        for (const std::int64_t m : kOddSizes) {
          const TestedProduct one{3, m, 17, 33, a, b, operand};
          EXPECT_LT(worst_error(backend_, workspace, one), kTolerance) << one.text();
        }
      }
    }
  }
}

TEST_P(MatmulTest, EqualsTheNaiveProductAtTheLabsSize) {
  Workspace workspace(backend_);
  for (const TestedProduct& one : {TestedProduct{1, 100, 512, 512, Transpose::no, Transpose::yes},
                                   TestedProduct{1, 100, 512, 512, Transpose::no, Transpose::no},
                                   TestedProduct{1, 512, 512, 100, Transpose::yes, Transpose::no}}) {
    EXPECT_LT(worst_error(backend_, workspace, one), kTolerance) << one.text();
  }
}

TEST_P(MatmulTest, PreparingAllocatesNothingAndAPlanRunsAgainAndAgain) {
  const std::int64_t before = backend_->allocated_bytes();
  const std::unique_ptr<MatmulPlan> plan = backend_->prepare({1, 17, 5, 3, Transpose::no, Transpose::no, 16, 16, 16});
  EXPECT_EQ(backend_->allocated_bytes(), before);
  const Buffer workspace(backend_, std::max<std::int64_t>(1, plan->workspace_bytes()));
  Guarded<float> a(backend_, 1, 17, 3), b(backend_, 1, 3, 5);
  const Guarded<float> first(backend_, 1, 17, 5), second(backend_, 1, 17, 5);
  a.write(arbitrary_floats(51, 1));
  b.write(arbitrary_floats(15, 2));
  for (const Guarded<float>* c : {&first, &second}) {
    backend_->run(Matmul{plan.get(), a.matrix().as_const(), b.matrix().as_const(), c->matrix(), workspace.data()});
  }
  EXPECT_EQ(bits_of(first.read()), bits_of(second.read()));
}

// c is overwritten, not added to: what lay there, NaN included, does not count. The operands' NaNs do.
TEST_P(MatmulTest, NanOfAnOperandReachesItsRowAlone) {
  const std::unique_ptr<MatmulPlan> plan = backend_->prepare({1, 3, 5, 3, Transpose::no, Transpose::no, 16, 16, 16});
  const Buffer workspace(backend_, std::max<std::int64_t>(1, plan->workspace_bytes()));
  Guarded<float> a(backend_, 1, 3, 3), b(backend_, 1, 3, 5);
  const Guarded<float> c(backend_, 1, 3, 5);
  std::vector<float> values(9, 1.0F);
  values[4] = std::numeric_limits<float>::quiet_NaN();
  a.write(values);
  b.write(std::vector<float>(15, 0.0F));
  backend_->run(Matmul{plan.get(), a.matrix().as_const(), b.matrix().as_const(), c.matrix(), workspace.data()});
  const std::vector<float> result = c.read();
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(std::isnan(result[i]), i / 5 == 1) << i;
}

INSTANTIATE_TEST_SUITE_P(Backends, MatmulTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
