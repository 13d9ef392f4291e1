#include "kernels/gather.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/backends.h"
#include "tests/support/goldens.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

struct Selection {
  std::vector<std::int64_t> indices;
  std::vector<std::int32_t> labels;
};

class GatherTest : public OnEachBackend {
 protected:
  /// Sample i of the data set has the label 3 i + 1.
  Selection select(const PassState& state, std::int64_t rows, SampleOrder order, std::uint64_t seed) {
    std::vector<std::int32_t> all;
    for (std::uint64_t i = 0; i < state.samples; ++i) all.push_back(static_cast<std::int32_t>(3 * i + 1));
    const Guarded<std::int32_t> labels = guarded_values(backend_, all);
    const Guarded<PassState> now = guarded_values<PassState>(backend_, {state});
    const Guarded<std::int64_t> indices(backend_, 1, 1, rows);
    const Guarded<std::int32_t> batch_labels(backend_, 1, 1, rows);
    backend_->run(
        Elementwise{SelectBatch{now.data(), labels.data(), rows, seed, order, indices.data(), batch_labels.data()}});
    EXPECT_TRUE(indices.intact() && batch_labels.intact() && labels.intact() && now.intact());
    return {indices.read(), batch_labels.read()};
  }
};

TEST_P(GatherTest, SelectsTheContractsShuffledSamplesAndTheirLabels) {
  for (const nlohmann::json& vector : random_contract("shuffle")) {
    if (vector.at("n") > 129) continue;
    const auto n = vector.at("n").get<std::int64_t>();
    const PassState state{.step = 5, .epoch = vector.at("epoch"), .samples = static_cast<std::uint64_t>(n)};
    const Selection selection = select(state, n, SampleOrder::shuffled, vector.at("seed"));
    EXPECT_EQ(selection.indices, vector.at("samples").get<std::vector<std::int64_t>>());
    for (std::size_t i = 0; i < selection.indices.size(); ++i) {
      EXPECT_EQ(selection.labels[i], 3 * selection.indices[i] + 1);
    }
  }
}

TEST_P(GatherTest, BatchesOfAnEpochAreItsOrder) {
  const std::vector<std::int64_t> whole =
      select({.epoch = 2, .samples = 1000}, 1000, SampleOrder::shuffled, 777).indices;
  for (const std::int64_t rows : kOddSizes) {
    const std::int64_t position = 3 * rows;
    const Selection batch = select({.epoch = 2, .position = static_cast<std::uint64_t>(position), .samples = 1000},
                                   rows, SampleOrder::shuffled, 777);
    EXPECT_EQ(batch.indices, std::vector<std::int64_t>(whole.begin() + position, whole.begin() + position + rows));
  }
}

TEST_P(GatherTest, FileOrderIsThePosition) {
  const Selection batch = select({.epoch = 9, .position = 40, .samples = 50}, 5, SampleOrder::file, 777);
  EXPECT_EQ(batch.indices, (std::vector<std::int64_t>{40, 41, 42, 43, 44}));
  EXPECT_EQ(batch.labels, (std::vector<std::int32_t>{121, 124, 127, 130, 133}));
}

TEST_P(GatherTest, RowsBeyondTheDataSetAreSampleZero) {
  for (const SampleOrder order : {SampleOrder::file, SampleOrder::shuffled}) {
    const Selection batch = select({.position = 48, .samples = 50}, 17, order, 777);
    EXPECT_EQ(std::count(batch.indices.begin() + 2, batch.indices.end(), 0), 15);
    EXPECT_EQ(std::count(batch.labels.begin() + 2, batch.labels.end(), 1), 15);
  }
}

TEST_P(GatherTest, WithoutLabelsNoneAreWritten) {
  const Guarded<PassState> now = guarded_values<PassState>(backend_, {{.samples = 50}});
  const Guarded<std::int64_t> indices(backend_, 1, 1, 3);
  backend_->run(Elementwise{SelectBatch{now.data(), nullptr, 3, 777, SampleOrder::file, indices.data(), nullptr}});
  EXPECT_EQ(indices.read(), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_P(GatherTest, PixelsBecomeTheFloatsOfTheirSample) {
  constexpr std::int64_t kSamples = 20;
  for (const std::int64_t features : {1, 3, 7, 17, 31, 129, 784}) {  // 7 and 31: blocks that lack one column, too.
    std::vector<std::uint8_t> all;
    for (std::int64_t i = 0; i < kSamples * features; ++i) all.push_back(static_cast<std::uint8_t>(i * 31 % 251));
    const Guarded<std::uint8_t> pixels = guarded_values(backend_, all);
    for (const std::int64_t rows : kOddSizes) {
      std::vector<std::int64_t> chosen;
      for (std::int64_t row = 0; row < rows; ++row) chosen.push_back((row * 7 + 19) % kSamples);
      const Guarded<std::int64_t> indices = guarded_values(backend_, chosen);
      const Guarded<float> x(backend_, 1, rows, features);
      backend_->run(Elementwise{GatherPixels{.pixels = pixels.data(), .indices = indices.data(), .x = x.matrix()}});
      std::vector<float> expected;
      for (const std::int64_t sample : chosen) {
        for (std::int64_t i = 0; i < features; ++i) {
          expected.push_back(static_cast<float>(all[static_cast<std::size_t>(sample * features + i)]) / 255.0F);
        }
      }
      EXPECT_EQ(x.read(), expected) << rows << "x" << features;
      EXPECT_TRUE(x.intact() && indices.intact() && pixels.intact());
    }
  }
}

TEST_P(GatherTest, EveryPixelEqualsPyTorchs) {
  std::vector<std::uint8_t> all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  const Guarded<std::uint8_t> pixels = guarded_values(backend_, all);
  const Guarded<std::int64_t> indices = guarded_values<std::int64_t>(backend_, {0});
  const Guarded<float> x(backend_, 1, 1, 256);
  backend_->run(Elementwise{GatherPixels{.pixels = pixels.data(), .indices = indices.data(), .x = x.matrix()}});
  EXPECT_EQ(bits_of(x.read()), bits_of(golden_tensor("pixels")));
}

INSTANTIATE_TEST_SUITE_P(Backends, GatherTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
