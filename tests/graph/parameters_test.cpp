#include "src/graph/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

namespace rushlight {
namespace {

using ::testing::ElementsAre;

class ParametersTest : public testing::Test {
 protected:
  std::shared_ptr<Backend> backend_ = open_backend(Device::cpu(1));
  std::vector<Module> modules_{Linear(129, 17), ReLU(),    Dropout(0.3), Linear(17, 256, Bias::absent),
                               Linear(256, 3),  Dropout(0)};
  ParameterLayout layout_{modules_, *backend_};
};

TEST_F(ParametersTest, NamesAndShapesAreThoseOfPyTorch) {
  std::vector<std::string> names;
  std::vector<std::vector<std::int64_t>> shapes;
  for (const Parameter& parameter : layout_.parameters()) {
    names.push_back(parameter.name);
    shapes.push_back(parameter.shape);
  }
  EXPECT_THAT(names, ElementsAre("0.weight", "0.bias", "3.weight", "4.weight", "4.bias"));
  EXPECT_THAT(shapes, ElementsAre(ElementsAre(17, 129), ElementsAre(17), ElementsAre(256, 17), ElementsAre(3, 256),
                                  ElementsAre(3)));
}

TEST_F(ParametersTest, TensorsFollowEachOtherAlignedWithoutOverlap) {
  std::int64_t end = 0;
  for (const Parameter& parameter : layout_.parameters()) {
    const std::int64_t bytes = parameter.rows * parameter.stride * 4;
    EXPECT_EQ(parameter.offset * 4, end) << parameter.name;
    EXPECT_EQ(parameter.offset * 4 % 256, 0) << parameter.name;
    end = (end + bytes + 255) / 256 * 256;
  }
  EXPECT_EQ(layout_.size() * 4, end);
  EXPECT_EQ(layout_.bytes(3), 3 * end);
}

// 8 floats are one lane block; 256 floats are 1,024 bytes, whose rows get 64 bytes more.
TEST_F(ParametersTest, RowsOfWeightsHaveTheBackendsStrideAndBiasesAreDense) {
  std::vector<std::int64_t> strides;
  for (const Parameter& parameter : layout_.parameters()) strides.push_back(parameter.stride);
  EXPECT_THAT(strides, ElementsAre(136, 17, 24, 272, 3));
}

TEST_F(ParametersTest, FindsAParameterByItsModule) {
  EXPECT_EQ(layout_.find(0, InitialTensor::bias)->name, "0.bias");
  EXPECT_EQ(layout_.find(3, InitialTensor::weight)->name, "3.weight");
  EXPECT_EQ(layout_.find(3, InitialTensor::bias), nullptr);
  EXPECT_EQ(layout_.find(1, InitialTensor::weight), nullptr);
  EXPECT_EQ(layout_.find(99, InitialTensor::weight), nullptr);
}

TEST_F(ParametersTest, BoundsAreGlorotsForWeightsAndPyTorchsForBiases) {
  EXPECT_EQ(layout_.find(0, InitialTensor::weight)->bound, static_cast<float>(std::sqrt(6.0 / 146.0)));
  EXPECT_EQ(layout_.find(0, InitialTensor::bias)->bound, static_cast<float>(1.0 / std::sqrt(129.0)));
}

TEST_F(ParametersTest, AMembersTensorsLieAWholeBlockFurther) {
  std::vector<float> memory(static_cast<std::size_t>(3 * layout_.size()));
  const ParameterBlock block{memory.data(), 3, layout_.size()};
  const Parameter& weight = *layout_.find(4, InitialTensor::weight);
  const Matrix<float> matrix = block.matrix(weight);
  EXPECT_EQ(matrix.row(2, 1), memory.data() + 2 * layout_.size() + weight.offset + 272);
  EXPECT_EQ(block.vector(&weight).member(1), memory.data() + layout_.size() + weight.offset);
  EXPECT_EQ(block.vector(nullptr).data, nullptr);
  const Rows rows = block.rows(weight, 2);
  EXPECT_EQ(rows.data, matrix.row(2, 0));
  EXPECT_THAT((std::vector<std::int64_t>{rows.row_bytes, rows.count, rows.pitch}), ElementsAre(1024, 3, 1088));
}

}  // namespace
}  // namespace rushlight
