#include "kernels/softmax_cross_entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/support/backends.h"
#include "tests/support/goldens.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

enum class Gradient { none, apart, in_place };

struct Batch {
  std::int64_t models, rows, classes;
  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  float scale = 1.0F;
};

struct Result {
  std::vector<float> loss;
  std::vector<std::uint32_t> correct;
  std::vector<float> dlogits;
};

Result run(const std::shared_ptr<Backend>& backend, const Batch& batch, Gradient gradient = Gradient::apart) {
  Guarded<float> logits(backend, batch.models, batch.rows, batch.classes);
  Guarded<float> apart(backend, batch.models, batch.rows, batch.classes);
  Guarded<float> loss(backend, batch.models, 1, batch.rows);
  Guarded<std::uint32_t> correct(backend, batch.models, 1, batch.rows);
  const Guarded<std::int32_t> labels = guarded_values(backend, batch.labels);
  logits.write(batch.logits);
  Guarded<float>& dlogits = gradient == Gradient::in_place ? logits : apart;
  backend->run(
      RowReduction{SoftmaxCrossEntropy{.logits = logits.matrix().as_const(),
                                       .labels = labels.data(),
                                       .loss = loss.vector(),
                                       .correct = correct.vector(),
                                       .dlogits = gradient == Gradient::none ? Matrix<float>{} : dlogits.matrix(),
                                       .gradient_scale = batch.scale}});
  EXPECT_TRUE(logits.intact() && apart.intact() && loss.intact() && correct.intact() && labels.intact());
  if (gradient != Gradient::in_place) {
    EXPECT_EQ(bits_of(logits.read()), bits_of(batch.logits));
  }
  return {loss.read(), correct.read(), dlogits.read()};
}

Result run_row(const std::shared_ptr<Backend>& backend, const std::vector<float>& logits, std::int32_t label) {
  return run(backend, {1, 1, static_cast<std::int64_t>(logits.size()), logits, {label}});
}

/// log(sum exp z) - z_label, in double precision.
double loss_of(const std::vector<double>& z, std::int32_t label) {
  const double max = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (const double one : z) sum += std::exp(one - max);
  return std::log(sum) + max - z[static_cast<std::size_t>(label)];
}

std::vector<std::int32_t> arbitrary_labels(std::int64_t rows, std::int64_t classes) {
  std::vector<std::int32_t> labels;
  for (std::int64_t row = 0; row < rows; ++row) labels.push_back(static_cast<std::int32_t>((row * 7 + 2) % classes));
  return labels;
}

class SoftmaxCrossEntropyTest : public OnEachBackend {};

TEST_P(SoftmaxCrossEntropyTest, LossAndGradientMatchTheFormulaAndFiniteDifferences) {
  constexpr double kStepSize = 1e-5;
  for (const std::int64_t models : {1, 3}) {
    for (const std::int64_t rows : kOddSizes) {
      for (const std::int64_t classes : kOddSizes) {
        const Batch batch{
            models, rows, classes, arbitrary_floats(models * rows * classes, 4), arbitrary_labels(rows, classes),
            0.25F};
        std::vector<double> loss, dlogits;
        std::vector<std::uint32_t> correct;
        for (std::int64_t line = 0; line < models * rows; ++line) {
          const auto begin = batch.logits.begin() + line * classes;
          std::vector<double> z(begin, begin + classes);
          const std::int32_t label = batch.labels[static_cast<std::size_t>(line % rows)];
          loss.push_back(loss_of(z, label));
          correct.push_back(std::max_element(z.begin(), z.end()) - z.begin() == label ? 1 : 0);
          for (double& one : z) {
            const double at = one;
            one = at + kStepSize;
            const double above = loss_of(z, label);
            one = at - kStepSize;
            dlogits.push_back((above - loss_of(z, label)) / (2 * kStepSize) * 0.25);
            one = at;
          }
        }
        const Result result = run(backend_, batch, rows % 4 == 1 ? Gradient::apart : Gradient::in_place);
        EXPECT_LT(worst_relative_error(result.loss, loss, 1.0), 1e-6) << rows << "x" << classes;
        EXPECT_LT(worst_relative_error(result.dlogits, dlogits, 1.0), 1e-7) << rows << "x" << classes;
        EXPECT_EQ(result.correct, correct);
      }
    }
  }
}

// A GPU gives rows of more than 1,024 classes a block each, in rounds of 8,192, and blocks take several rows in turn.
TEST_P(SoftmaxCrossEntropyTest, LongRowsMatchTheFormula) {
  for (const auto& [rows, classes] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{3, 1024}, {129, 1025}, {3, 8193}, {2, 20'001}}) {
    const Batch batch{1, rows, classes, arbitrary_floats(rows * classes, 4), arbitrary_labels(rows, classes), 1.0F};
    std::vector<double> loss, dlogits;
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto begin = batch.logits.begin() + row * classes;
      const std::vector<double> z(begin, begin + classes);
      const std::int32_t label = batch.labels[static_cast<std::size_t>(row)];
      loss.push_back(loss_of(z, label));
      const double normalizer = loss.back() + z[static_cast<std::size_t>(label)];
      for (std::int64_t i = 0; i < classes; ++i) {
        dlogits.push_back(std::exp(z[static_cast<std::size_t>(i)] - normalizer) - (i == label ? 1 : 0));
      }
    }
    for (const Gradient gradient : {Gradient::apart, Gradient::in_place}) {
      const Result result = run(backend_, batch, gradient);
      EXPECT_LT(worst_relative_error(result.loss, loss, 1.0), 1e-6) << rows << "x" << classes;
      EXPECT_LT(worst_relative_error(result.dlogits, dlogits, 1.0), 1e-6) << rows << "x" << classes;
    }
  }
}

TEST_P(SoftmaxCrossEntropyTest, EqualsPyTorch) {
  std::vector<std::int32_t> labels;
  for (const float label : golden_tensor("cross_entropy.labels")) labels.push_back(static_cast<std::int32_t>(label));
  const Result result = run(backend_, {1, 17, 129, golden_tensor("cross_entropy.logits"), labels, 1.0F / 17.0F});
  EXPECT_LT(worst_relative_error(result.loss, golden_tensor("cross_entropy.loss"), 1.0), 5e-7);
  EXPECT_LT(worst_relative_error(result.dlogits, golden_tensor("cross_entropy.dlogits"), 1.0 / 17.0), 1e-6);
  EXPECT_EQ(std::vector<float>(result.correct.begin(), result.correct.end()), golden_tensor("cross_entropy.correct"));
}

TEST_P(SoftmaxCrossEntropyTest, InPlaceAndApartAndWithoutGradientGiveTheSameBits) {
  const Batch batch{3, 17, 129, arbitrary_floats(3 * 17 * 129, 5), arbitrary_labels(17, 129), 0.1F};
  const Result apart = run(backend_, batch);
  const Result in_place = run(backend_, batch, Gradient::in_place);
  const Result none = run(backend_, batch, Gradient::none);
  EXPECT_EQ(bits_of(apart.dlogits), bits_of(in_place.dlogits));
  EXPECT_EQ(bits_of(apart.loss), bits_of(in_place.loss));
  EXPECT_EQ(bits_of(apart.loss), bits_of(none.loss));
  EXPECT_EQ(apart.correct, none.correct);
  for (const float untouched : none.dlogits) ASSERT_TRUE(std::isnan(untouched));
}

TEST_P(SoftmaxCrossEntropyTest, GradientsOfARowSumToZero) {
  const Batch batch{1, 17, 129, arbitrary_floats(17 * 129, 6), arbitrary_labels(17, 129)};
  const Result result = run(backend_, batch);
  for (std::size_t row = 0; row < 17; ++row) {
    double sum = 0;
    for (std::size_t col = 0; col < 129; ++col) sum += result.dlogits[row * 129 + col];
    EXPECT_NEAR(sum, 0.0, 1e-6);
  }
}

TEST_P(SoftmaxCrossEntropyTest, HugeLogitsNeitherOverflowNorVanish) {
  EXPECT_EQ(run_row(backend_, {1e4F, -1e4F, 0.0F}, 0).loss, std::vector<float>{0.0F});
  const Result wrong = run_row(backend_, {1e4F, -1e4F, 0.0F}, 1);
  EXPECT_EQ(wrong.loss, std::vector<float>{2e4F});
  EXPECT_EQ(wrong.dlogits, (std::vector<float>{1.0F, -1.0F, 0.0F}));
  EXPECT_FLOAT_EQ(run_row(backend_, {1e30F, 1e30F}, 1).loss[0], std::log(2.0F));
  EXPECT_FLOAT_EQ(run_row(backend_, std::vector<float>(129, -1e30F), 77).loss[0], std::log(129.0F));
}

TEST_P(SoftmaxCrossEntropyTest, MinusInfinityIsAProbabilityOfZero) {
  std::vector<float> logits(70, -kInfinity);
  logits[40] = logits[65] = 3.0F;
  const Result result = run_row(backend_, logits, 65);
  EXPECT_FLOAT_EQ(result.loss[0], std::log(2.0F));
  EXPECT_EQ(result.dlogits[0], 0.0F);
  EXPECT_EQ(result.dlogits[40], 0.5F);
  EXPECT_EQ(result.dlogits[65], -0.5F);
  EXPECT_EQ(run_row(backend_, logits, 0).loss[0], kInfinity);
}

TEST_P(SoftmaxCrossEntropyTest, InfinityIsNotHidden) {
  EXPECT_FALSE(std::isfinite(run_row(backend_, {0.0F, kInfinity, 1.0F}, 1).loss[0]));
  EXPECT_FALSE(std::isfinite(run_row(backend_, {0.0F, kInfinity, 1.0F}, 0).loss[0]));
  EXPECT_FALSE(std::isfinite(run_row(backend_, {-kInfinity, -kInfinity}, 0).loss[0]));
}

TEST_P(SoftmaxCrossEntropyTest, NanAnywhereMakesTheRowsLossNanAndNoOther) {
  const Batch good{1, 3, 70, arbitrary_floats(3 * 70, 7), {5, 69, 0}};
  const Result expected = run(backend_, good);
  for (std::size_t at = 0; at < 70; ++at) {
    Batch bad = good;
    bad.logits[70 + at] = kNan;
    const Result result = run(backend_, bad);
    EXPECT_TRUE(std::isnan(result.loss[1])) << at;
    for (std::size_t col = 0; col < 70; ++col) ASSERT_TRUE(std::isnan(result.dlogits[70 + col])) << at;
    EXPECT_EQ(bits_of({result.loss[0], result.loss[2]}), bits_of({expected.loss[0], expected.loss[2]}));
  }
}

TEST_P(SoftmaxCrossEntropyTest, FirstOfTheHighestAnswersATie) {
  for (const std::size_t first : {0, 1, 31, 32, 64, 100}) {
    std::vector<float> logits(129, 1.0F);
    for (const std::size_t high : {first, first + 1, std::size_t{128}}) logits[high] = 2.0F;
    EXPECT_EQ(run_row(backend_, logits, static_cast<std::int32_t>(first)).correct[0], 1U) << first;
    EXPECT_EQ(run_row(backend_, logits, static_cast<std::int32_t>(first) + 1).correct[0], 0U) << first;
    EXPECT_EQ(run_row(backend_, logits, 128).correct[0], 0U) << first;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, SoftmaxCrossEntropyTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
