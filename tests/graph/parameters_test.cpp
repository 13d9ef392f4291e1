#include "src/graph/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "tests/support/devices.h"

namespace rushlight {
namespace {

using ::testing::ElementsAre;

class ParametersTest : public OnEachDevice {
 protected:
  void prepare() override {
    backend_ = open_backend(device());
    layout_.emplace(modules_, *backend_);
  }

  std::shared_ptr<Backend> backend_;
  std::vector<Module> modules_{Linear(129, 17), ReLU(),    Dropout(0.3), Linear(17, 256, Bias::absent),
                               Linear(256, 3),  Dropout(0)};
  std::optional<ParameterLayout> layout_;
};
INSTANTIATE_TEST_SUITE_P(Devices, ParametersTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(ParametersTest, NamesAndShapesAreThoseOfPyTorch) {
  std::vector<std::string> names;
  std::vector<std::vector<std::int64_t>> shapes;
  for (const Parameter& parameter : layout_->parameters()) {
    names.push_back(parameter.name);
    shapes.push_back(parameter.shape);
  }
  EXPECT_THAT(names, ElementsAre("0.weight", "0.bias", "3.weight", "4.weight", "4.bias"));
  EXPECT_THAT(shapes, ElementsAre(ElementsAre(17, 129), ElementsAre(17), ElementsAre(256, 17), ElementsAre(3, 256),
                                  ElementsAre(3)));
}

TEST_P(ParametersTest, TensorsFollowEachOtherAlignedWithoutOverlap) {
  std::int64_t end = 0;
  for (const Parameter& parameter : layout_->parameters()) {
    const std::int64_t bytes = parameter.rows * parameter.stride * 4;
    EXPECT_EQ(parameter.offset * 4, end) << parameter.name;
    EXPECT_EQ(parameter.offset * 4 % 256, 0) << parameter.name;
    end = (end + bytes + 255) / 256 * 256;
  }
  EXPECT_EQ(layout_->size() * 4, end);
  EXPECT_EQ(layout_->bytes(3), 3 * end);
}

// On a CPU 8 floats are one lane block, and rows of 1,024 bytes get 64 more; a GPU's are whole lines of 128 bytes.
TEST_P(ParametersTest, RowsOfWeightsHaveTheBackendsStrideAndBiasesAreDense) {
  std::vector<std::int64_t> strides;
  for (const Parameter& parameter : layout_->parameters()) strides.push_back(parameter.stride);
  if (device().kind == Device::Kind::cpu) {
    EXPECT_THAT(strides, ElementsAre(136, 17, 24, 272, 3));
  } else {
    EXPECT_THAT(strides, ElementsAre(160, 17, 32, 256, 3));
  }
}

TEST_P(ParametersTest, FindsAParameterByItsModule) {
  EXPECT_EQ(layout_->find(0, InitialTensor::bias)->name, "0.bias");
  EXPECT_EQ(layout_->find(3, InitialTensor::weight)->name, "3.weight");
  EXPECT_EQ(layout_->find(3, InitialTensor::bias), nullptr);
  EXPECT_EQ(layout_->find(1, InitialTensor::weight), nullptr);
  EXPECT_EQ(layout_->find(99, InitialTensor::weight), nullptr);
}

TEST_P(ParametersTest, BoundsAreGlorotsForWeightsAndPyTorchsForBiases) {
  EXPECT_EQ(layout_->find(0, InitialTensor::weight)->bound, static_cast<float>(std::sqrt(6.0 / 146.0)));
  EXPECT_EQ(layout_->find(0, InitialTensor::bias)->bound, static_cast<float>(1.0 / std::sqrt(129.0)));
}

TEST_P(ParametersTest, AMembersTensorsLieAWholeBlockFurther) {
  std::vector<float> memory(static_cast<std::size_t>(3 * layout_->size()));
  const ParameterBlock block{memory.data(), 3, layout_->size()};
  const Parameter& weight = *layout_->find(4, InitialTensor::weight);
  const Matrix<float> matrix = block.matrix(weight);
  EXPECT_EQ(matrix.row(2, 1), memory.data() + 2 * layout_->size() + weight.offset + weight.stride);
  EXPECT_EQ(block.vector(&weight).member(1), memory.data() + layout_->size() + weight.offset);
  EXPECT_EQ(block.vector(nullptr).data, nullptr);
  const Rows rows = block.rows(weight, 2);
  EXPECT_EQ(rows.data, matrix.row(2, 0));
  EXPECT_THAT((std::vector<std::int64_t>{rows.row_bytes, rows.count, rows.pitch}),
              ElementsAre(1024, 3, weight.stride * 4));
}

}  // namespace
}  // namespace rushlight
