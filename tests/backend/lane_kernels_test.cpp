// The vector loops of a CPU against the operations themselves, item by item: the same bits.
#include "src/backend/cpu/lane_kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "src/backend/cpu/cpu_backend.h"
#include "src/backend/cpu/reductions.h"
#include "tests/backend/instruction_sets.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

constexpr std::int64_t kModels = 2;

/// With a NaN, an infinity and a negative zero among them.
std::vector<float> floats_with_corner_cases(std::int64_t count, unsigned seed) {
  std::vector<float> values = arbitrary_floats(count, seed);
  const float corners[] = {std::nanf(""), std::numeric_limits<float>::infinity(), -0.0F, 1e-40F};
  for (std::size_t i = 0; i < values.size() && i < 4; ++i) values[i * 7 % values.size()] = corners[i];
  return values;
}

struct DropoutCase {
  Activation activation;
  bool drops;
  bool has_bias;
  Purpose purpose;
};

const DropoutCase kDropoutCases[] = {{Activation::relu, true, true, Purpose::dropout},
                                     {Activation::relu, false, true, Purpose::dropout},
                                     {Activation::identity, true, true, Purpose::mc_dropout},
                                     {Activation::identity, true, false, Purpose::dropout},
                                     {Activation::identity, false, true, Purpose::dropout}};

class LaneKernelsTest : public ::testing::TestWithParam<InstructionSet> {
 protected:
  DropoutDraw draw(const DropoutCase& one) const {
    if (!one.drops) return {};
    return {.members = members_, .rates = rates_, .state = &state_, .node = 5, .purpose = one.purpose};
  }

  const LaneKernels& kernels_ = lane_kernels(GetParam());
  std::shared_ptr<Backend> backend_ = std::make_shared<CpuBackend>(1);
  Member members_[kModels] = {{777, 0}, {778, 3}};
  DropoutRate rates_[kModels] = {dropout_rate(0.3), dropout_rate(0.75)};
  PassState state_{.step = 41, .epoch = 1, .position = 100, .samples = 1000, .first = 7};
};
std::string name_of_set(const ::testing::TestParamInfo<InstructionSet>& set) {
  return std::array{"Baseline", "Avx2", "Avx512"}.at(static_cast<std::size_t>(set.param));
}
INSTANTIATE_TEST_SUITE_P(Sets, LaneKernelsTest, ::testing::ValuesIn(instruction_sets()), name_of_set);

TEST_P(LaneKernelsTest, ForwardGivesTheBitsOfItsItems) {
  for (const DropoutCase& one : kDropoutCases) {
    for (const std::int64_t cols : {1, 7, 8, 17, 64, 129, 803}) {
      const std::int64_t rows = 19;
      Guarded<float> x(backend_, kModels, rows, cols), bias(backend_, kModels, 1, cols),
          y(backend_, kModels, rows, cols), expected(backend_, kModels, rows, cols);
      x.write(floats_with_corner_cases(kModels * rows * cols, 1));
      bias.write(arbitrary_floats(kModels * cols, 2));
      BiasReluDropoutForward forward{x.matrix().as_const(), {}, y.matrix(), one.activation, draw(one)};
      if (one.has_bias) forward.bias = bias.vector().as_const();
      for (std::int64_t model = 0; model < kModels; ++model) {
        kernels_.forward(forward, model, {0, 5}, {0, lane_blocks(cols)});
        kernels_.forward(forward, model, {5, rows}, {0, 1});
        kernels_.forward(forward, model, {5, rows}, {1, lane_blocks(cols)});
      }
      forward.y = expected.matrix();
      for (std::uint64_t item = 0; item < forward.work_items(); ++item) forward(item);
      ASSERT_EQ(bits_of(y.read()), bits_of(expected.read())) << cols << " columns";
      ASSERT_TRUE(y.intact());
    }
  }
}

TEST_P(LaneKernelsTest, BackwardGivesTheBitsOfItsColumns) {
  for (const DropoutCase& one : kDropoutCases) {
    for (const std::int64_t cols : {1, 7, 8, 17, 64, 129, 803}) {
      const std::int64_t rows = 71;  // Three chunks of the tree of sums.
      Guarded<float> y(backend_, kModels, rows, cols), dy(backend_, kModels, rows, cols),
          dx(backend_, kModels, rows, cols), dbias(backend_, kModels, 1, cols);
      y.write(floats_with_corner_cases(kModels * rows * cols, 1));
      dy.write(floats_with_corner_cases(kModels * rows * cols, 2));
      BiasReluDropoutBackward backward{
          y.matrix().as_const(), dy.matrix().as_const(), dx.matrix(), {}, one.activation, draw(one)};
      if (one.has_bias) backward.dbias = dbias.vector();
      for (std::int64_t model = 0; model < kModels; ++model) {
        kernels_.backward(backward, model, {0, rows}, {0, 1}, backward.dbias.member(model));
        kernels_.backward(backward, model, {0, rows}, {1, lane_blocks(cols)}, backward.dbias.member(model));
      }
      const std::vector<float> found_dx = dx.read(), found_dbias = dbias.read();
      ASSERT_TRUE(dx.intact() && dbias.intact());
      reduce_columns(backward, {0, static_cast<std::int64_t>(backward.work_items())});
      ASSERT_EQ(bits_of(found_dx), bits_of(dx.read())) << cols << " columns";
      ASSERT_EQ(bits_of(found_dbias), bits_of(dbias.read())) << cols << " columns";
    }
  }
}

TEST_P(LaneKernelsTest, AdamGivesTheBitsOfItsItems) {
  const std::int64_t size = 264;
  for (const float eps : {1e-8F, 0.0F}) {
    Guarded<float> p(backend_, kModels, 1, size), g(backend_, kModels, 1, size), m(backend_, kModels, 1, size),
        v(backend_, kModels, 1, size);
    const AdamCorrections corrections[kModels] = {{0.01F, 3.0F}, {0.002F, 1.5F}};
    const AdamUpdate update{.parameters = p.vector(),
                            .gradients = g.vector().as_const(),
                            .first_moments = m.vector(),
                            .second_moments = v.vector(),
                            .corrections = corrections,
                            .one_minus_beta1 = 0.1F,
                            .beta2 = 0.999F,
                            .one_minus_beta2 = 0.001F,
                            .eps = eps};
    const auto start = [&] {
      p.write(arbitrary_floats(kModels * size, 1));
      std::vector<float> gradient = floats_with_corner_cases(kModels * size, 2), moment = gradient;
      for (std::size_t i = 40; i < 60; ++i) gradient[i] = moment[i] = 0;  // As in padding.
      g.write(gradient);
      m.write(moment);
      for (float& value : moment) value *= value;
      v.write(moment);
    };
    start();
    for (std::uint64_t item = 0; item < update.work_items(); ++item) update(item);
    const std::vector<float> expected[] = {p.read(), m.read(), v.read()};
    for (const auto adam : {kernels_.adam, kernels_.adam_past_caches}) {
      start();
      for (std::int64_t model = 0; model < kModels; ++model) {
        adam(update, model, {0, 3});
        adam(update, model, {3, size / kLanes});
      }
      ASSERT_EQ(bits_of(p.read()), bits_of(expected[0]));
      ASSERT_EQ(bits_of(m.read()), bits_of(expected[1]));
      ASSERT_EQ(bits_of(v.read()), bits_of(expected[2]));
      ASSERT_TRUE(p.intact() && m.intact() && v.intact());
    }
  }
}

TEST_P(LaneKernelsTest, GatherGivesTheBitsOfItsItems) {
  for (const std::int64_t cols : {1, 7, 8, 17, 784}) {
    const std::int64_t samples = 5, rows = 9;
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(samples * cols));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
    const std::int64_t indices[rows] = {4, 0, 2, 2, 1, 4, 3, 0, 1};
    for (const float divisor : {255.0F, 1.0F}) {
      Guarded<float> x(backend_, 1, rows, cols), expected(backend_, 1, rows, cols);
      GatherPixels gather{pixels.data(), indices, x.matrix(), divisor};
      kernels_.gather(gather, {0, 1});
      kernels_.gather(gather, {1, rows});
      gather.x = expected.matrix();
      for (std::uint64_t item = 0; item < gather.work_items(); ++item) gather(item);
      ASSERT_EQ(bits_of(x.read()), bits_of(expected.read()));
      ASSERT_TRUE(x.intact());
    }
  }
}

}  // namespace
}  // namespace rushlight
