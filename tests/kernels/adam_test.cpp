#include "kernels/adam.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "tests/support/backends.h"
#include "tests/support/goldens.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

constexpr std::int64_t kSize = 40;  // Of the golden; the last three are padding.
constexpr int kSteps = 20;

struct Options {
  double lr, later_lr, beta1, beta2, eps;
};

/// What make_formulas.py gave to torch.optim.Adam.
std::vector<Options> golden_options() {
  const SafetensorsReader reader(golden_path("formulas.safetensors"));
  std::vector<Options> all;
  for (int i = 0; reader.metadata().contains("adam." + std::to_string(i)); ++i) {
    std::istringstream text(reader.metadata().at("adam." + std::to_string(i)));
    Options one{};
    text >> one.lr >> one.later_lr >> one.beta1 >> one.beta2 >> one.eps;
    all.push_back(one);
  }
  return all;
}

/// A block of parameters on a backend, its moments and its state.
class Block {
 public:
  Block(const std::shared_ptr<Backend>& backend, const Options& options, std::int64_t models, std::int64_t size)
      : backend_(backend),
        options_(options),
        models_(models),
        parameters(backend, models, 1, size),
        gradients(backend, models, 1, size),
        first(backend, models, 1, size),
        second(backend, models, 1, size),
        rates_(guarded_values(backend, std::vector<double>(static_cast<std::size_t>(models), options.lr))),
        corrections(guarded_values(backend, std::vector<AdamCorrections>(static_cast<std::size_t>(models)))) {
    const std::vector<float> zeros(static_cast<std::size_t>(models * size), 0.0F);
    first.write(zeros);
    second.write(zeros);
  }

  void set_rates(const std::vector<double>& rates) { rates_.write(rates); }

  /// `step` counts from 0.
  void step(std::uint64_t step) {
    const Guarded<PassState> state = guarded_values<PassState>(backend_, {{.step = step}});
    backend_->run(Elementwise{
        AdamPrepare{state.data(), rates_.data(), options_.beta1, options_.beta2, models_, corrections.data()}});
    backend_->run(Elementwise{AdamUpdate{parameters.vector(), gradients.vector().as_const(), first.vector(),
                                         second.vector(), corrections.data(), static_cast<float>(1.0 - options_.beta1),
                                         static_cast<float>(options_.beta2), static_cast<float>(1.0 - options_.beta2),
                                         static_cast<float>(options_.eps)}});
    EXPECT_TRUE(parameters.intact() && gradients.intact() && first.intact() && second.intact());
    EXPECT_TRUE(rates_.intact() && corrections.intact());
  }

 private:
  std::shared_ptr<Backend> backend_;
  Options options_;
  std::int64_t models_;

 public:
  Guarded<float> parameters, gradients, first, second;

 private:
  Guarded<double> rates_;

 public:
  Guarded<AdamCorrections> corrections;
};

std::vector<float> repeated(const std::vector<float>& values, std::int64_t times) {
  std::vector<float> result;
  for (std::int64_t i = 0; i < times; ++i) result.insert(result.end(), values.begin(), values.end());
  return result;
}

class AdamTest : public OnEachBackend {};

TEST_P(AdamTest, TwentyStepsEqualPyTorchs) {
  const std::vector<Options> options = golden_options();
  ASSERT_EQ(options.size(), 5U);
  const std::vector<float> start = golden_tensor("adam.start"), gradients = golden_tensor("adam.gradients");
  for (std::size_t i = 0; i < options.size(); ++i) {
    const std::string name = "adam." + std::to_string(i);
    const std::vector<float> expected = golden_tensor(name + ".parameters");
    for (const std::int64_t models : {1, 3}) {
      Block block(backend_, options[i], models, kSize);
      block.parameters.write(repeated(start, models));
      for (int step = 0; step < kSteps; ++step) {
        const auto begin = static_cast<std::ptrdiff_t>(step) * kSize;
        if (step == kSteps / 2) {
          block.set_rates(std::vector<double>(static_cast<std::size_t>(models), options[i].later_lr));
        }
        block.gradients.write(repeated({gradients.begin() + begin, gradients.begin() + begin + kSize}, models));
        block.step(static_cast<std::uint64_t>(step));
        const std::vector<float> now{expected.begin() + begin, expected.begin() + begin + kSize};
        ASSERT_LT(worst_relative_error(block.parameters.read(), repeated(now, models), 0.1), 1e-6)
            << name << ", step " << step;
      }
      EXPECT_LT(worst_relative_error(block.first.read(), repeated(golden_tensor(name + ".exp_avg"), models), 1e-30),
                2e-5);
      EXPECT_LT(worst_relative_error(block.second.read(), repeated(golden_tensor(name + ".exp_avg_sq"), models), 1e-30),
                2e-6);
    }
  }
}

TEST_P(AdamTest, EachMemberHasItsOwnRate) {
  Block block(backend_, {0.1, 0.1, 0.9, 0.999, 1e-8}, 3, 8);
  block.parameters.write(std::vector<float>(24, 1.0F));
  block.gradients.write(std::vector<float>(24, 5.0F));
  block.set_rates({0.1, 0.0, 0.25});
  block.step(0);
  // The first step is as long as the rate, whatever the gradient.
  const std::vector<float> moved = block.parameters.read();
  EXPECT_NEAR(moved[0], 0.9, 1e-6);
  EXPECT_EQ(moved[8], 1.0F);
  EXPECT_NEAR(moved[16], 0.75, 1e-6);
}

TEST_P(AdamTest, PaddingOfZerosStaysZero) {
  for (const Options& options : golden_options()) {
    Block block(backend_, options, 3, 8 * 17);
    const std::vector<float> zeros(3 * 8 * 17, 0.0F);
    block.parameters.write(zeros);
    block.gradients.write(zeros);
    for (std::uint64_t step = 0; step < 3; ++step) block.step(step);
    EXPECT_EQ(bits_of(block.parameters.read()), bits_of(zeros));
    EXPECT_EQ(bits_of(block.first.read()), bits_of(zeros));
    EXPECT_EQ(bits_of(block.second.read()), bits_of(zeros));
  }
}

// With eps 0 the step of an element without a gradient was 0 / 0.
TEST_P(AdamTest, PaddingOfZerosStaysZeroWithoutEps) {
  Block block(backend_, {0.1, 0.1, 0.9, 0.999, 0.0}, 1, 16);
  std::vector<float> values(16, 0.0F);
  values[3] = 1.0F;
  block.parameters.write(values);
  block.gradients.write(values);
  for (std::uint64_t step = 0; step < 3; ++step) block.step(step);
  const std::vector<float> moved = block.parameters.read();
  for (std::size_t i = 0; i < 16; ++i) EXPECT_NEAR(moved[i], i == 3 ? 0.7 : 0.0, 1e-6) << i;
}

TEST_P(AdamTest, NanGradientMakesItsElementNanAndNoOther) {
  Block block(backend_, {0.1, 0.1, 0.9, 0.999, 1e-8}, 1, 24);
  block.parameters.write(std::vector<float>(24, 1.0F));
  std::vector<float> gradients(24, 1.0F);
  gradients[9] = std::numeric_limits<float>::quiet_NaN();
  block.gradients.write(gradients);
  block.step(0);
  for (const Guarded<float>* memory : {&block.parameters, &block.first, &block.second}) {
    const std::vector<float> values = memory->read();
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(std::isnan(values[i]), i == 9) << i;
  }
}

TEST_P(AdamTest, CorrectionsAreThoseOfTheStep) {
  for (const std::uint64_t step : {0ULL, 1ULL, 9ULL, 8999ULL, 4294967294ULL}) {
    Block block(backend_, {1e-3, 1e-3, 0.9, 0.999, 1e-8}, 1, 8);
    block.parameters.write(std::vector<float>(8, 0.0F));
    block.gradients.write(std::vector<float>(8, 0.0F));
    block.step(step);
    const AdamCorrections found = block.corrections.read()[0];
    const auto t = static_cast<double>(step + 1);
    EXPECT_FLOAT_EQ(found.step_size, static_cast<float>(1e-3 / (1 - std::pow(0.9, t)))) << step;
    EXPECT_FLOAT_EQ(found.inverse_root_correction2, static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, t)))) << step;
  }
}

TEST(PowerTest, EqualsStdPow) {
  for (const double base : {0.0, 0.1, 0.5, 0.9, 0.999, 0.9999999, 1.0}) {
    for (const std::uint64_t exponent : {0ULL, 1ULL, 2ULL, 3ULL, 17ULL, 1000ULL, 9001ULL, 4294967295ULL}) {
      const double expected = std::pow(base, static_cast<double>(exponent));
      // Squaring doubles the relative error: about half an ulp for each unit of the exponent, at most.
      const double tolerance = 1e-15 + 1.2e-16 * static_cast<double>(exponent);
      EXPECT_NEAR(power(base, exponent), expected, expected * tolerance) << base << "^" << exponent;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, AdamTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
