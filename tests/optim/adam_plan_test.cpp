#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>

#include <cmath>
#include <limits>

#include "src/optim/adam.h"
#include "tests/support/backends.h"
#include "tests/support/guarded.h"
#include "tests/support/messages.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kSize = 64;  // 256 bytes.

/// Algorithm 1 of Kingma and Ba in double precision.
struct Reference {
  std::vector<double> parameters, first, second;

  void step(const std::vector<float>& gradients, const AdamOptions& options, double lr, int t) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const double g = gradients[i];
      first[i] = options.beta1 * first[i] + (1 - options.beta1) * g;
      second[i] = options.beta2 * second[i] + (1 - options.beta2) * g * g;
      const double m = first[i] / (1 - std::pow(options.beta1, t)), v = second[i] / (1 - std::pow(options.beta2, t));
      parameters[i] -= lr * m / (std::sqrt(v) + options.eps);
    }
  }
};

constexpr std::int64_t kPart = 16;

class AdamPlanTest : public OnEachBackend {
 protected:
  /// Parameters after `steps`, the rate being `later_lr` from step `change` on, beside the reference's.
  void compare(const AdamOptions& options, std::int64_t models, int steps, int change, double later_lr) {
    MemoryLayout layout;
    const AdamPlan plan(options, models, kSize, layout);
    const Buffer arena(backend_, layout.bytes());
    Guarded<float> parameters(backend_, models, 1, kSize, kSize), gradients(backend_, models, 1, kSize, kSize);
    const std::vector<float> start = arbitrary_floats(models * kSize, 30);
    const std::vector<double> zeros(start.size(), 0.0);
    Reference reference{{start.begin(), start.end()}, zeros, zeros};
    parameters.write(start);
    const Guarded<PassState> state = guarded_values<PassState>(backend_, {{}});
    plan.initialize(*backend_, arena.data());
    Program program;
    plan.append_corrections(program, arena.data(), state.data());
    for (const auto& [offset, size] : {std::pair{std::int64_t{0}, kPart}, std::pair{kPart, kSize - kPart}}) {
      plan.append_update(program, "a part", arena.data(), offset,
                         Vector<float>{parameters.data() + offset, models, size, kSize},
                         Vector<const float>{gradients.data() + offset, models, size, kSize});
    }
    program.push_back({"advance", Elementwise{Advance{state.data(), 1, StepCount::advance}}});
    for (int t = 1; t <= steps; ++t) {
      if (t == change) plan.set_rate(*backend_, arena.data(), later_lr);
      const std::vector<float> g = arbitrary_floats(models * kSize, static_cast<unsigned>(40 + t));
      gradients.write(g);
      backend_->run(program);
      reference.step(g, options, t < change ? options.lr : later_lr, t);
    }
    EXPECT_LT(worst_relative_error(parameters.read(), reference.parameters, 1.0), 2e-6);
    EXPECT_TRUE(parameters.intact() && gradients.intact() && state.intact());
    std::vector<float> first(start.size()), second(start.size());
    download_values(*backend_, first.data(), plan.first_moments(arena.data()), models * kSize);
    download_values(*backend_, second.data(), plan.second_moments(arena.data()), models * kSize);
    EXPECT_LT(worst_relative_error(first, reference.first, 1.0), 1e-6);
    EXPECT_LT(worst_relative_error(second, reference.second, 1.0), 1e-6);
  }
};

TEST_P(AdamPlanTest, StepsAreTheAlgorithms) {
  for (const std::int64_t models : {1, 2}) {
    compare({}, models, 20, 100, 0.0);
    compare({.lr = 0.01, .beta1 = 0.5, .beta2 = 0.99, .eps = 0.1}, models, 20, 100, 0.0);
  }
}

TEST_P(AdamPlanTest, RateChangesFromTheNextStepOn) {
  for (const std::int64_t models : {1, 2}) compare({.lr = 0.01}, models, 10, 6, 1e-4);
}

TEST_P(AdamPlanTest, InitializingStartsAgain) {
  MemoryLayout layout;
  const AdamPlan plan({}, 2, kSize, layout);
  const Buffer arena(backend_, layout.bytes());
  const std::vector<std::uint8_t> garbage(static_cast<std::size_t>(layout.bytes()), 0xFF);
  backend_->upload({arena.data(), layout.bytes()}, garbage.data());
  plan.initialize(*backend_, arena.data());
  for (float* const moments : {plan.first_moments(arena.data()), plan.second_moments(arena.data())}) {
    std::vector<float> values(2 * kSize);
    download_values(*backend_, values.data(), moments, 2 * kSize);
    EXPECT_EQ(bits_of(values), bits_of(std::vector<float>(2 * kSize, 0.0F)));
  }
}

TEST_P(AdamPlanTest, MomentsAreTwoBlocksOfTheParametersSize) {
  MemoryLayout layout;
  layout.add(MemoryUse::parameters, "before", 1000);
  const AdamPlan plan({}, 2, kSize, layout);
  EXPECT_EQ(layout.plan().bytes(MemoryUse::moments), 2 * 2 * kSize * 4);
  EXPECT_EQ(layout.plan().entries[1].name, "exp_avg");
  EXPECT_EQ(layout.plan().entries[2].name, "exp_avg_sq");
  const Buffer arena(backend_, layout.bytes());
  EXPECT_EQ(plan.second_moments(arena.data()) - plan.first_moments(arena.data()), 2 * kSize);
}

INSTANTIATE_TEST_SUITE_P(Backends, AdamPlanTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

TEST(AdamOptionsTest, ImpossibleOnesAreRefusedByName) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const auto refusal = [](const AdamOptions& options) {
    return message_of<InvalidArgument>([&] { Adam adam(options); });
  };
  for (const double bad : {-1e-3, nan, infinity, -infinity}) {
    EXPECT_THAT(refusal({.lr = bad}), AllOf(HasSubstr("lr"), HasSubstr("not negative")));
    EXPECT_THAT(refusal({.eps = bad}), AllOf(HasSubstr("eps"), HasSubstr("not negative")));
  }
  for (const double bad : {-0.1, 1.0, 1.5, nan, infinity}) {
    EXPECT_THAT(refusal({.beta1 = bad}), AllOf(HasSubstr("beta1"), HasSubstr("[0, 1)")));
    EXPECT_THAT(refusal({.beta2 = bad}), AllOf(HasSubstr("beta2"), HasSubstr("[0, 1)")));
  }
  EXPECT_THAT(refusal({.lr = -0.5}), HasSubstr("-0.5"));
}

TEST(AdamOptionsTest, LimitsAreAllowedAndDefaultsArePyTorchs) {
  EXPECT_NO_THROW(Adam({.lr = 0.0, .beta1 = 0.0, .beta2 = 0.0, .eps = 0.0}));
  const AdamOptions defaults = Adam().options();
  EXPECT_EQ(defaults.lr, 1e-3);
  EXPECT_EQ(defaults.beta1, 0.9);
  EXPECT_EQ(defaults.beta2, 0.999);
  EXPECT_EQ(defaults.eps, 1e-8);
}

}  // namespace
}  // namespace rushlight
