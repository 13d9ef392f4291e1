#include "kernels/bias_relu_dropout.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/kernels/dropout_oracle.h"
#include "tests/support/backends.h"
#include "tests/support/goldens.h"
#include "tests/support/naive_tree.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

constexpr std::uint32_t kNode = 11;
constexpr std::uint64_t kStep = 70000;
const std::vector<Member> kMembers{{777, 0}, {777, 1}, {(std::uint64_t{9} << 32) + 4, 65535}};
const std::vector<double> kRates{0.3, 0.9, 0.1};

struct Case {
  bool bias;
  Activation activation;
  bool dropout;
  std::int64_t models, rows, cols;
  bool aliased;

  std::string text() const {
    return std::string(bias ? "bias " : "") + (activation == Activation::relu ? "relu " : "") +
           (dropout ? "dropout " : "") + (aliased ? "aliased " : "") + std::to_string(models) + "x" +
           std::to_string(rows) + "x" + std::to_string(cols);
  }
};

std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (const bool bias : {false, true})
    for (const Activation activation : {Activation::identity, Activation::relu})
      for (const bool dropout : {false, true})
        for (const std::int64_t models : {1, 3})
          for (const std::int64_t rows : kOddSizes)
            for (const std::int64_t cols : kOddSizes)
              for (const bool aliased : {false, true})
                cases.push_back({bias, activation, dropout, models, rows, cols, aliased});
  return cases;
}

/// The mathematics in double precision; `kept` and `scale` are 1 without dropout.
double formula(double x, double bias, Activation activation, bool kept, double scale) {
  const double pre = x + bias;
  return kept ? (activation == Activation::relu && pre < 0 ? 0 : pre) * scale : 0;
}

struct Mask {
  bool kept = true;
  double scale = 1;
};

Mask mask_of(const Case& one, std::int64_t model, std::int64_t row, std::int64_t col) {
  if (!one.dropout) return {};
  const auto i = static_cast<std::size_t>(model);
  return {oracle_keeps(kRates[i], kMembers[i].seed, 0, kNode, kMembers[i].model, static_cast<std::uint32_t>(row),
                       static_cast<std::uint32_t>(kStep), static_cast<std::uint32_t>(col)),
          oracle_scale(kRates[i])};
}

/// What forward and backward of one case gave.
struct Result {
  std::vector<float> y, dx, dbias;
};

Result run(const std::shared_ptr<Backend>& backend, const Case& one, const std::vector<float>& x,
           const std::vector<float>& bias, const std::vector<float>& dy) {
  const DropoutArrays arrays(backend, kMembers, kRates, {.step = kStep});
  Guarded<float> input(backend, one.models, one.rows, one.cols), output(backend, one.models, one.rows, one.cols);
  Guarded<float> upper(backend, one.models, one.rows, one.cols), lower(backend, one.models, one.rows, one.cols);
  Guarded<float> terms(backend, one.models, 1, one.cols), dterms(backend, one.models, 1, one.cols);
  input.write(x);
  upper.write(dy);
  terms.write(bias);
  Guarded<float>& y = one.aliased ? input : output;
  Guarded<float>& dx = one.aliased ? upper : lower;
  const DropoutDraw draw = one.dropout ? arrays.draw(kNode) : DropoutDraw{};
  const Vector<float> none;
  backend->run(Elementwise{BiasReluDropoutForward{.x = input.matrix().as_const(),
                                                  .bias = (one.bias ? terms.vector() : none).as_const(),
                                                  .y = y.matrix(),
                                                  .activation = one.activation,
                                                  .draw = draw}});
  backend->run(ColumnReduction{BiasReluDropoutBackward{.y = y.matrix().as_const(),
                                                       .dy = upper.matrix().as_const(),
                                                       .dx = dx.matrix(),
                                                       .dbias = one.bias ? dterms.vector() : none,
                                                       .activation = one.activation,
                                                       .draw = draw}});
  for (const Guarded<float>* memory : {&input, &output, &upper, &lower, &terms, &dterms}) {
    EXPECT_TRUE(memory->intact()) << one.text();
  }
  return {y.read(), dx.read(), dterms.read()};
}

// Off the ReLU's kink: x + bias is an odd multiple of 2^-13.
std::vector<float> inputs(std::int64_t count) {
  std::vector<float> x = arbitrary_floats(count, 1);
  for (float& value : x) value += 0x1p-13F;
  return x;
}

/// The bias's gradient is the sum of dx, in the tree's order.
void expect_tree(const std::shared_ptr<Backend>& backend, const Case& one) {
  const std::int64_t count = one.models * one.rows * one.cols, columns = one.models * one.cols;
  const Result result = run(backend, one, inputs(count), arbitrary_floats(columns, 2), arbitrary_floats(count, 3));
  for (std::int64_t column = 0; column < columns; ++column) {
    std::vector<float> terms;
    for (std::int64_t row = 0; row < one.rows; ++row) {
      const std::int64_t line = column / one.cols * one.rows + row;
      terms.push_back(result.dx[static_cast<std::size_t>(line * one.cols + column % one.cols)]);
    }
    ASSERT_EQ(result.dbias[static_cast<std::size_t>(column)], naive_tree(terms, [](float a, float b) { return a + b; }))
        << one.text() << ", column " << column;
  }
}

class BiasReluDropoutTest : public OnEachBackend {};

TEST_P(BiasReluDropoutTest, ForwardIsTheFormulaRoundedStepByStep) {
  for (const Case& one : every_case()) {
    const std::int64_t count = one.models * one.rows * one.cols;
    const std::vector<float> x = inputs(count), bias = arbitrary_floats(one.models * one.cols, 2);
    const Result result = run(backend_, one, x, bias, std::vector<float>(x.size(), 0.0F));
    std::vector<float> expected;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t model = i / (one.rows * one.cols), row = i / one.cols % one.rows, col = i % one.cols;
      const Mask mask = mask_of(one, model, row, col);
      const float term = one.bias ? bias[static_cast<std::size_t>(model * one.cols + col)] : 0.0F;
      float value = x[static_cast<std::size_t>(i)] + term;
      if (one.activation == Activation::relu && value < 0.0F) value = 0.0F;
      expected.push_back(mask.kept ? value * static_cast<float>(mask.scale) : 0.0F);
    }
    ASSERT_EQ(bits_of(result.y), bits_of(expected)) << one.text();
  }
}

TEST_P(BiasReluDropoutTest, GradientMatchesFiniteDifferences) {
  constexpr double kStepSize = 1e-5;
  for (const Case& one : every_case()) {
    const std::int64_t count = one.models * one.rows * one.cols;
    const std::vector<float> x = inputs(count), dy = arbitrary_floats(count, 3);
    const std::vector<float> bias = arbitrary_floats(one.models * one.cols, 2);
    const Result result = run(backend_, one, x, bias, dy);
    std::vector<double> dx, dbias(bias.size(), 0.0);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t model = i / (one.rows * one.cols), row = i / one.cols % one.rows, col = i % one.cols;
      const Mask mask = mask_of(one, model, row, col);
      const auto column = static_cast<std::size_t>(model * one.cols + col);
      const double at = x[static_cast<std::size_t>(i)], term = one.bias ? bias[column] : 0.0F;
      const auto y = [&](double value, double shift) {
        return formula(value, shift, one.activation, mask.kept, mask.scale) * dy[static_cast<std::size_t>(i)];
      };
      dx.push_back((y(at + kStepSize, term) - y(at - kStepSize, term)) / (2 * kStepSize));
      dbias[column] += (y(at, term + kStepSize) - y(at, term - kStepSize)) / (2 * kStepSize);
    }
    ASSERT_LT(worst_relative_error(result.dx, dx, 1.0), 1e-6) << one.text();
    if (one.bias) {
      ASSERT_LT(worst_relative_error(result.dbias, dbias, 10.0), 1e-5) << one.text();
    }
  }
}

TEST_P(BiasReluDropoutTest, EqualsPyTorch) {
  const auto golden = [](const std::string& name) { return golden_tensor("bias_relu_dropout." + name); };
  const DropoutArrays arrays(backend_, {{777, 0}}, {0.3}, {.step = 5});
  for (const std::string name : {"linear", "relu", "dropout", "relu_dropout"}) {
    Guarded<float> x(backend_, 1, 17, 129), dy(backend_, 1, 17, 129);
    Guarded<float> bias(backend_, 1, 1, 129), dbias(backend_, 1, 1, 129);
    x.write(golden("x"));
    dy.write(golden("dy"));
    bias.write(golden("bias"));
    const Activation activation = name.starts_with("relu") ? Activation::relu : Activation::identity;
    const DropoutDraw draw = name.ends_with("dropout") ? arrays.draw(2) : DropoutDraw{};
    backend_->run(Elementwise{
        BiasReluDropoutForward{x.matrix().as_const(), bias.vector().as_const(), x.matrix(), activation, draw}});
    EXPECT_EQ(x.read(), golden(name + ".y")) << name;
    backend_->run(ColumnReduction{BiasReluDropoutBackward{x.matrix().as_const(), dy.matrix().as_const(), dy.matrix(),
                                                          dbias.vector(), activation, draw}});
    EXPECT_EQ(dy.read(), golden(name + ".dx")) << name;
    EXPECT_LT(worst_relative_error(dbias.read(), golden(name + ".dbias"), 1.0), 2e-6) << name;
  }
}

TEST_P(BiasReluDropoutTest, BiasGradientIsSummedInTheTreesOrder) {
  for (const std::int64_t rows : {1, 31, 32, 33, 129, 1000}) {
    expect_tree(backend_, {true, Activation::relu, true, 3, rows, 17, false});
  }
}

// 148 multiprocessors of 8 blocks that take 16 columns each have 18,944 at once.
TEST_P(BiasReluDropoutTest, MoreColumnsThanAGpuTakesAtOnceAreAllSummed) {
  expect_tree(backend_, {true, Activation::relu, true, 1, 3, 20'011, false});
}

TEST_P(BiasReluDropoutTest, KeptNanStaysNanAndADroppedOneIsZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Activation activation : {Activation::identity, Activation::relu}) {
    const Case one{true, activation, true, 1, 17, 129, false};
    const std::vector<float> x(17 * 129, nan), bias(129, 1.0F);
    const Result result = run(backend_, one, x, bias, x);
    for (std::int64_t i = 0; i < 17 * 129; ++i) {
      const float y = result.y[static_cast<std::size_t>(i)];
      ASSERT_TRUE(mask_of(one, 0, i / 129, i % 129).kept ? std::isnan(y) : y == 0.0F) << i;
    }
  }
}

TEST_P(BiasReluDropoutTest, ReluOfMinusZeroIsZeroAndOfInfinityInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x{-0.0F, 0.0F, -infinity, infinity, -1e-45F, 1e-45F};
  const Case one{false, Activation::relu, false, 1, 1, 6, false};
  const Result result = run(backend_, one, x, x, std::vector<float>(6, 2.0F));
  EXPECT_EQ(bits_of(result.y), bits_of({0.0F, 0.0F, 0.0F, infinity, 0.0F, 1e-45F}));
  EXPECT_EQ(result.dx, (std::vector<float>{0.0F, 0.0F, 0.0F, 2.0F, 0.0F, 2.0F}));
}

INSTANTIATE_TEST_SUITE_P(Backends, BiasReluDropoutTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
