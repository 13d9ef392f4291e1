// What a Sequential promises besides its passes: its modules, its parameters, and errors that change nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/sequential.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/io/temporary_folder.h"
#include "tests/support/contract.h"
#include "tests/support/devices.h"
#include "tests/support/numbers.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SequentialMemoryTest : public OnEachDevice {};
INSTANTIATE_TEST_SUITE_P(Devices, SequentialMemoryTest, testing::ValuesIn(device_cases()), backend_case_name);

std::string refused(std::vector<Module> modules) {
  return message_of<InvalidArgument>([&] { Sequential{std::move(modules)}; });
}

TEST(SequentialTest, ModulesThatDoNotFitAreRefused) {
  EXPECT_THAT(refused({}), HasSubstr("no module"));
  EXPECT_THAT(refused({ReLU(), Dropout(0.5)}), HasSubstr("at least one Linear"));
  EXPECT_THAT(refused({Linear(5, 3), ReLU(), Linear(4, 2)}),
              AllOf(HasSubstr("module 2"), HasSubstr("Linear(4, 2)"), HasSubstr("the 3 features")));
  std::vector<Module> many(4095, ReLU());
  many.front() = Linear(3, 2);
  EXPECT_NO_THROW(Sequential{many});
  many.push_back(ReLU());
  EXPECT_THAT(refused(many), AllOf(HasSubstr("fewer than 4096"), HasSubstr("4096 were given")));
}

TEST(SequentialTest, SizesOfALinearAreChecked) {
  const auto message = [](std::int64_t in, std::int64_t out) {
    return message_of<InvalidArgument>([&] { Linear(in, out); });
  };
  EXPECT_THAT(message(0, 3), AllOf(HasSubstr("input"), HasSubstr("are 0")));
  EXPECT_THAT(message(3, -1), AllOf(HasSubstr("output"), HasSubstr("are -1")));
  EXPECT_THAT(message(std::int64_t{1} << 31, 1), HasSubstr("2147483648"));
  EXPECT_THAT(message(1 << 20, 1 << 20), HasSubstr("2^40"));
  EXPECT_NO_THROW(Linear((1 << 20) - 1, 1 << 20));
}

TEST(SequentialTest, DropoutsShareIsChecked) {
  const auto message = [](double p) { return message_of<InvalidArgument>([&] { Dropout{p}; }); };
  EXPECT_THAT(message(-0.1), HasSubstr("-0.1"));
  EXPECT_THAT(message(1.0000001), HasSubstr("[0, 1]"));
  EXPECT_THAT(message(std::numeric_limits<double>::quiet_NaN()), HasSubstr("nan"));
  EXPECT_THAT(message(0.49 / 65536), HasSubstr("rounds to 0"));
  for (const double p : {0.0, 0.5 / 65536, 1.0}) EXPECT_NO_THROW(Dropout{p});
}

TEST(SequentialTest, TellsItsModulesAndParameters) {
  const Sequential model{Linear(129, 17), ReLU(), Dropout(0.25), Linear(17, 3, Bias::absent)};
  EXPECT_EQ(model.in_features(), 129);
  EXPECT_EQ(model.out_features(), 3);
  EXPECT_EQ(model.parameter_count(), 129 * 17 + 17 + 17 * 3);
  EXPECT_FALSE(model.initialized());
  EXPECT_EQ(model.mode(), Mode::train);
  std::vector<std::string> texts;
  for (const Module& module : model.modules()) texts.push_back(to_string(module));
  EXPECT_THAT(texts, ElementsAre("Linear(129, 17)", "ReLU()", "Dropout(0.25)", "Linear(17, 3, bias=False)"));
}

// As docs/design.md states: element i of tensor t of module n reads word i mod 4 of counter (i / 4, t, 0, ...).
TEST_P(SequentialMemoryTest, InitialWeightsAreTheContracts) {
  const std::uint64_t seed = 0xFEDCBA9876543210ULL;
  Sequential model{Linear(13, 17), ReLU(), Linear(17, 3)};
  model.to(device()).initialize(XavierUniform{}, {.seed = seed});
  EXPECT_EQ(model.seed(), seed);
  for (const Tensor& tensor : model.state_dict()) {
    const std::uint32_t node = tensor.name[0] == '0' ? 0 : 2, in = node == 0 ? 13 : 17, out = node == 0 ? 17 : 3;
    const std::uint32_t kind = tensor.shape.size() == 2 ? 0 : 1;
    const auto bound = static_cast<float>(kind == 0 ? std::sqrt(6.0 / (in + out)) : 1.0 / std::sqrt(in));
    const std::uint32_t last = contract::last_word(contract::kInitialWeights, node, 0);
    for (std::uint32_t i = 0; i < tensor.values.size(); ++i) {
      const std::uint32_t word = contract::philox({i / 4, kind, 0, last}, seed)[i % 4];
      const double u = (word >> 8) / 16777216.0;
      EXPECT_EQ(tensor.values[i], static_cast<float>(2 * u - 1) * bound) << tensor.name << " " << i;
    }
  }
}

TEST_P(SequentialMemoryTest, StateDictRoundTripsInAnyOrder) {
  const Sequential source = small_model(device(), 0.3, 1);
  std::vector<Tensor> state = source.state_dict();
  std::vector<std::string> names;
  for (const Tensor& tensor : state) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias"));
  EXPECT_THAT(state[2].shape, ElementsAre(9, 17));
  std::swap(state[0], state[5]);
  std::swap(state[1], state[2]);
  Sequential empty(small_modules()), full = small_model(device(), 0.3, 2);
  empty.to(device()).load_state_dict(state);
  full.load_state_dict(state);
  EXPECT_TRUE(empty.initialized());
  EXPECT_EQ(weights(empty), weights(source));
  EXPECT_EQ(weights(full), weights(source));
}

TEST_P(SequentialMemoryTest, AStateThatDoesNotFitIsRefusedAndNothingChanges) {
  Sequential model = small_model(device(), 0.3, 1), empty(small_modules());
  empty.to(device());
  const std::vector<float> before = weights(model);
  const std::vector<Tensor> good = small_model(0.3, 2).state_dict();
  const auto message = [&](auto change) {
    std::vector<Tensor> state = good;
    change(state);
    EXPECT_THROW(empty.load_state_dict(state), InvalidArgument);
    EXPECT_FALSE(empty.initialized());
    const std::string said = message_of<InvalidArgument>([&] { model.load_state_dict(state); });
    EXPECT_EQ(weights(model), before);
    return said;
  };
  EXPECT_THAT(message([](auto& state) { state.erase(state.begin() + 2); }),
              AllOf(HasSubstr("3.weight"), HasSubstr("[9, 17]"), HasSubstr("missing")));
  EXPECT_THAT(message([](auto& state) { state.back().name = "6.beta"; }), HasSubstr("6.bias"));
  EXPECT_THAT(message([](auto& state) {
                state[4].shape = {9, 5};
              }),
              AllOf(HasSubstr("6.weight"), HasSubstr("[5, 9]"), HasSubstr("[9, 5]")));
  EXPECT_THAT(message([](auto& state) { state[5].values.pop_back(); }),
              AllOf(HasSubstr("6.bias"), HasSubstr("5 values"), HasSubstr("has 4")));
  EXPECT_THAT(message([](auto& state) {
                state.push_back({"7.weight", {1}, {0.0F}});
              }),
              AllOf(HasSubstr("7.weight"), HasSubstr("no module")));
  EXPECT_THAT(message([](auto& state) { state.push_back(state[3]); }), AllOf(HasSubstr("3.bias"), HasSubstr("twice")));
}

TEST(SequentialTest, AModelWithoutWeightsSaysWhatToCall) {
  Sequential model(small_modules());
  const Dataset data = epoch_data();
  model.eval();
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.state_dict(); }), HasSubstr("initialize()"));
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.predict(data); }), HasSubstr("initialize()"));
  EXPECT_THAT(message_of<InvalidArgument>([&] { model.evaluate(data); }), HasSubstr("initialize()"));
}

TEST_P(SequentialMemoryTest, MovingToADeviceAndBackKeepsTheBits) {
  Sequential model = small_model(Device::cpu(1));
  std::vector<Tensor> state = model.state_dict();
  // Bits that arithmetic would not keep.
  state[0].values[0] = -0.0F;
  state[0].values[1] = std::numeric_limits<float>::denorm_min();
  model.load_state_dict(state);
  const std::vector<std::uint32_t> before = bits_of(weights(model));
  for (const Device& target : {device(), Device::cpu(2), device()}) {
    model.to(target);
    EXPECT_EQ(model.device(), target);
    EXPECT_EQ(bits_of(weights(model)), before);
  }
}

TEST_P(SequentialMemoryTest, TheSameSeedDrawsTheSameBitsOnEveryDevice) {
  Sequential moved = small_model(Device::cpu(1));
  moved.to(device()).initialize(XavierUniform{}, {.seed = 12});
  EXPECT_EQ(bits_of(weights(moved)), bits_of(weights(small_model(Device::cpu(1), 0.3, 12))));
  Sequential empty(small_modules());
  empty.to(device()).initialize(XavierUniform{}, {.seed = 12});
  EXPECT_EQ(bits_of(weights(empty)), bits_of(weights(moved)));
}

// A pass kept from before the move looks at memory that is gone.
TEST_P(SequentialMemoryTest, PredictionsFollowTheMove) {
  const Dataset data = epoch_data();
  Sequential model = small_model(Device::cpu(1));
  const Predictions before = model.eval().predict(data);
  model.to(device());
  const Predictions after = model.predict(data);
  model.to(Device::cpu(1));
  const Predictions back = model.predict(data);
  for (std::int64_t i = 0; i < data.size(); ++i) {
    for (std::size_t c = 0; c < kClasses; ++c) {
      EXPECT_NEAR(after.logits(i)[c], before.logits(i)[c], 2e-6);
      EXPECT_EQ(back.logits(i)[c], before.logits(i)[c]);
    }
  }
}

}  // namespace
}  // namespace rushlight
