#include "kernels/initial_weights.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "tests/support/goldens.h"

namespace rushlight {
namespace {

TEST(InitialWeightsTest, KeepTheContractsVectors) {
  const nlohmann::json vectors = random_contract("weights");
  ASSERT_GE(vectors.size(), 10U);
  for (const nlohmann::json& vector : vectors) {
    const RandomStream stream{vector.at("seed"), Purpose::initial_weights, vector.at("node"), vector.at("model")};
    const bool is_weight = vector.at("tensor") == 0;
    const std::int64_t in = vector.at("in");
    const float bound = is_weight ? xavier_bound(in, vector.at("out")) : linear_bias_bound(in);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(bound), vector.at("bound_bits").get<std::uint32_t>());
    std::vector<std::uint32_t> bits;
    for (const std::uint64_t i : vector.at("elements").get<std::vector<std::uint64_t>>()) {
      const InitialTensor tensor = is_weight ? InitialTensor::weight : InitialTensor::bias;
      bits.push_back(std::bit_cast<std::uint32_t>(uniform_element(stream, tensor, i, bound)));
    }
    EXPECT_EQ(bits, vector.at("value_bits").get<std::vector<std::uint32_t>>()) << vector;
  }
}

TEST(InitialWeightsTest, GiveTheDesignsCheckValues) {
  const RandomStream stream{777, Purpose::initial_weights, 0, 0};
  const float expected[] = {0.02068377F, -0.0340537F, -0.03725749F};
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(uniform_element(stream, InitialTensor::weight, i, xavier_bound(784, 512)), expected[i]);
  }
}

// Mean 0 and variance bound² / 3, each within 5 standard errors; no value outside of [-bound, bound).
TEST(InitialWeightsTest, AreUniformWithinTheBound) {
  constexpr int kCount = 200000;
  constexpr float kBound = 0.25F;
  const RandomStream stream{5, Purpose::initial_weights, 3, 0};
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const float value = uniform_element(stream, InitialTensor::weight, i, kBound);
    ASSERT_GE(value, -kBound);
    ASSERT_LT(value, kBound);
    sum += value;
    squares += double{value} * value;
  }
  const double variance = kBound * kBound / 3.0;
  EXPECT_NEAR(sum / kCount, 0.0, 5 * std::sqrt(variance / kCount));
  // The variance of the square of a uniform value is 4/45 of the bound's fourth power.
  EXPECT_NEAR(squares / kCount, variance, 5 * std::sqrt(4.0 / 45.0 * std::pow(kBound, 4) / kCount));
}

}  // namespace
}  // namespace rushlight
