#include "kernels/dropout.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/bias_relu_dropout.h"
#include "tests/kernels/dropout_oracle.h"
#include "tests/support/backends.h"
#include "tests/support/goldens.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

TEST(DropoutRateTest, KeepsTheContractsVectors) {
  for (const nlohmann::json& vector : random_contract("rates")) {
    const DropoutRate rate = dropout_rate(vector.at("p"));
    EXPECT_EQ(rate.threshold, vector.at("threshold").get<std::uint32_t>()) << vector;
    EXPECT_EQ(std::bit_cast<std::uint32_t>(rate.scale), vector.at("scale_bits").get<std::uint32_t>()) << vector;
  }
}

TEST(DropoutRateTest, OfOneDropsAllWithoutADivisionByZero) {
  EXPECT_EQ(dropout_rate(1.0).threshold, 65536U);
  EXPECT_EQ(dropout_rate(1.0).scale, 0.0F);
}

TEST(DropoutLaneTest, LowHalfComesBeforeHighHalf) {
  const PhiloxBlock block{{0x00010000, 0x00030002, 0x00050004, 0x00070006}};
  for (int lane = 0; lane < 8; ++lane) EXPECT_EQ(dropout_lane(block, lane), static_cast<std::uint32_t>(lane));
}

TEST(DropoutDrawTest, KeepsTheContractsVectors) {
  const nlohmann::json vectors = random_contract("dropout");
  ASSERT_GE(vectors.size(), 10U);
  for (const nlohmann::json& vector : vectors) {
    const Member member{vector.at("seed"), vector.at("model")};
    const DropoutRate rate = dropout_rate(0.5);
    const auto purpose = static_cast<Purpose>(vector.at("purpose").get<std::uint32_t>());
    // In mc mode the row is the sample's index in its file: here in three parts.
    const std::uint64_t before = purpose == Purpose::mc_dropout && vector.at("row") > 10 ? 5 : 0;
    const PassState state{.step = vector.at("step"), .position = before, .first = before};
    const DropoutDraw draw{&member, &rate, &state, vector.at("node"), purpose};
    const std::int64_t row = vector.at("row").get<std::int64_t>() - 2 * static_cast<std::int64_t>(before);
    std::vector<std::uint32_t> lanes;
    for (std::int64_t column = 0; column < vector.at("cols"); ++column) {
      lanes.push_back(dropout_lane(draw.block({0, row, column / 8}), static_cast<int>(column % 8)));
    }
    EXPECT_EQ(lanes, vector.at("lanes").get<std::vector<std::uint32_t>>()) << vector;
  }
}

struct Pass {
  std::vector<Member> members{{777, 0}};
  double p = 0.5;
  PassState state{};
  std::uint32_t node = 2;
  Purpose purpose = Purpose::dropout;
  std::int64_t rows = 17;
  std::int64_t cols = 129;
  float input = 1.0F;
};

std::vector<float> dropped(const std::shared_ptr<Backend>& backend, const Pass& pass) {
  const auto models = static_cast<std::int64_t>(pass.members.size());
  const DropoutArrays arrays(backend, pass.members, std::vector<double>(pass.members.size(), pass.p), pass.state);
  Guarded<float> x(backend, models, pass.rows, pass.cols);
  x.write(std::vector<float>(static_cast<std::size_t>(models * pass.rows * pass.cols), pass.input));
  backend->run(Elementwise{BiasReluDropoutForward{
      .x = x.matrix().as_const(), .bias = {}, .y = x.matrix(), .draw = arrays.draw(pass.node, pass.purpose)}});
  EXPECT_TRUE(x.intact());
  return x.read();
}

/// What backward makes of gradients of 1, without ReLU: the mask is drawn again.
std::vector<float> dropped_gradients(const std::shared_ptr<Backend>& backend, const Pass& pass) {
  const DropoutArrays arrays(backend, pass.members, {pass.p}, pass.state);
  Guarded<float> dy(backend, 1, pass.rows, pass.cols);
  dy.write(std::vector<float>(static_cast<std::size_t>(pass.rows * pass.cols), 1.0F));
  backend->run(ColumnReduction{BiasReluDropoutBackward{.y = {},
                                                       .dy = dy.matrix().as_const(),
                                                       .dx = dy.matrix(),
                                                       .dbias = {},
                                                       .draw = arrays.draw(pass.node, pass.purpose)}});
  return dy.read();
}

class DropoutTest : public OnEachBackend {};

TEST_P(DropoutTest, DropsTheShareAndKeepsTheMean) {
  for (const double p : {0.1, 0.3, 0.5, 0.9}) {
    const std::vector<float> y = dropped(backend_, {.p = p, .rows = 401, .cols = 517});
    const auto count = static_cast<double>(y.size());
    double zeros = 0, sum = 0;
    for (const float value : y) {
      zeros += value == 0.0F ? 1 : 0;
      sum += value;
    }
    const double sigma = std::sqrt(p * (1 - p) / count);
    EXPECT_NEAR(zeros / count, p, 5 * sigma + 1.0 / 65536) << p;
    EXPECT_NEAR(sum / count, 1.0, 5 * sigma / (1 - p)) << p;
  }
}

TEST_P(DropoutTest, OfOneDropsEvenInfinity) {
  for (const float input : {1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> y = dropped(backend_, {.p = 1.0, .input = input});
    EXPECT_EQ(y, std::vector<float>(y.size(), 0.0F));
  }
}

TEST_P(DropoutTest, OfZeroChangesNothing) {
  const std::vector<float> y = dropped(backend_, {.p = 0.0});
  EXPECT_EQ(y, std::vector<float>(y.size(), 1.0F));
}

TEST_P(DropoutTest, MasksAreTheContractsForEveryMember) {
  const std::vector<Member> members{{777, 0}, {777, 1}, {(std::uint64_t{9} << 32) + 4, 65535}};
  for (const Purpose purpose : {Purpose::dropout, Purpose::mc_dropout}) {
    const Pass pass{.members = members,
                    .p = 0.3,
                    .state = {.step = 8999, .position = 100, .samples = 1000, .first = 20},
                    .node = 11,
                    .purpose = purpose};
    const std::vector<float> y = dropped(backend_, pass);
    const std::uint32_t first = purpose == Purpose::mc_dropout ? 120 : 0;
    std::size_t i = 0;
    for (const Member& member : members) {
      for (std::uint32_t row = 0; row < 17; ++row) {
        for (std::uint32_t col = 0; col < 129; ++col) {
          const bool keeps = oracle_keeps(0.3, member.seed, purpose == Purpose::mc_dropout ? 4 : 0, 11, member.model,
                                          first + row, 8999, col);
          ASSERT_EQ(y[i++], keeps ? static_cast<float>(oracle_scale(0.3)) : 0.0F) << row << ", " << col;
        }
      }
    }
  }
}

TEST_P(DropoutTest, AUnitIsDroppedBelowTheThresholdAndNotAtIt) {
  const contract::Words words = contract::philox({0, 0, 0, contract::last_word(contract::kDropout, 2, 0)}, 777);
  for (std::size_t col = 0; col < 8; ++col) {
    const std::uint32_t lane = col % 2 == 0 ? words[col / 2] % 65536 : words[col / 2] / 65536;
    for (const std::uint32_t threshold : {lane, lane + 1}) {
      const Pass pass{.p = threshold / 65536.0, .rows = 1, .cols = 8};
      EXPECT_EQ(dropped(backend_, pass)[col] != 0.0F, threshold == lane) << col;
      EXPECT_EQ(dropped_gradients(backend_, pass)[col] != 0.0F, threshold == lane) << col;
    }
  }
}

TEST_P(DropoutTest, EachCoordinateChangesTheMask) {
  const std::vector<float> y = dropped(backend_, {});
  EXPECT_EQ(y, dropped(backend_, {}));
  EXPECT_NE(y, dropped(backend_, {.members = {{778, 0}}}));
  EXPECT_NE(y, dropped(backend_, {.members = {{777, 1}}}));
  EXPECT_NE(y, dropped(backend_, {.state = {.step = 1}}));
  EXPECT_NE(y, dropped(backend_, {.node = 3}));
  EXPECT_NE(y, dropped(backend_, {.purpose = Purpose::mc_dropout}));
  // Neither the epoch nor the place in it counts while training.
  EXPECT_EQ(y, dropped(backend_, {.state = {.epoch = 7, .position = 300, .samples = 4000, .first = 5}}));
}

TEST_P(DropoutTest, BatchSplitInTwoDrawsTheSameInMcMode) {
  const std::vector<float> whole =
      dropped(backend_, {.state = {.position = 40}, .purpose = Purpose::mc_dropout, .rows = 17});
  std::vector<float> halves = dropped(backend_, {.state = {.position = 40}, .purpose = Purpose::mc_dropout, .rows = 9});
  const std::vector<float> second =
      dropped(backend_, {.state = {.position = 49}, .purpose = Purpose::mc_dropout, .rows = 8});
  halves.insert(halves.end(), second.begin(), second.end());
  EXPECT_EQ(halves, whole);
}

TEST_P(DropoutTest, RowsDrawTheSameInASmallerBatch) {
  const std::vector<float> whole = dropped(backend_, {.rows = 17});
  const std::vector<float> part = dropped(backend_, {.rows = 9});
  EXPECT_EQ(part, std::vector<float>(whole.begin(), whole.begin() + 9 * 129));
}

TEST(DropoutThreadsTest, AnyNumberOfThreadsDrawsTheSame) {
  const Pass pass{.members = {{777, 0}, {777, 1}}, .p = 0.3, .rows = 129, .cols = 517};
  const std::vector<float> y = dropped(open_backend(Device::cpu(1)), pass);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(y, dropped(open_backend(Device::cpu(threads)), pass)) << threads;
}

INSTANTIATE_TEST_SUITE_P(Backends, DropoutTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
