#include "src/graph/lowering.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rushlight {
namespace {

using ::testing::ElementsAre;

std::string text(const Operation& operation) {
  if (const Product* const product = std::get_if<Product>(&operation)) {
    return fmt::format("{}: {}->{}", product->linear, product->in, product->out);
  }
  const Pointwise& pointwise = std::get<Pointwise>(operation);
  const auto part = [](const char* what, const std::optional<std::uint32_t>& module) {
    return module ? fmt::format(" {}{}", what, *module) : "";
  };
  return fmt::format("{}:{}{}{}", pointwise.width, part("bias", pointwise.bias), part("relu", pointwise.relu),
                     part("dropout", pointwise.dropout));
}

std::vector<std::string> lowered(const std::vector<Module>& modules, Mode mode = Mode::train) {
  std::vector<std::string> texts;
  for (const Operation& operation : lower(modules, mode)) texts.push_back(text(operation));
  return texts;
}

TEST(LoweringTest, LinearReluAndDropoutAreAProductAndOnePointwise) {
  EXPECT_THAT(lowered({Linear(5, 3), ReLU(), Dropout(0.3), Linear(3, 7)}),
              ElementsAre("0: 5->3", "3: bias0 relu1 dropout2", "3: 3->7", "7: bias3"));
}

TEST(LoweringTest, EvalLeavesDropoutOutAndMonteCarloKeepsIt) {
  const std::vector<Module> modules{Linear(5, 3), ReLU(), Dropout(0.3), Dropout(0.5), Linear(3, 7)};
  EXPECT_THAT(lowered(modules, Mode::eval), ElementsAre("0: 5->3", "3: bias0 relu1", "4: 3->7", "7: bias4"));
  EXPECT_THAT(lowered(modules, Mode::mc),
              ElementsAre("0: 5->3", "3: bias0 relu1 dropout2", "3: dropout3", "4: 3->7", "7: bias4"));
  EXPECT_EQ(lowered(modules, Mode::mc), lowered(modules, Mode::train));
}

TEST(LoweringTest, DropoutOfZeroTakesNoPartAndIndicesStay) {
  EXPECT_THAT(lowered({Dropout(0.0), Linear(5, 3), Dropout(0.0), ReLU(), Linear(3, 2)}),
              ElementsAre("1: 5->3", "3: bias1", "3: relu3", "4: 3->2", "2: bias4"));
}

TEST(LoweringTest, LinearWithoutBiasNeedsNoPointwiseOfItsOwn) {
  EXPECT_THAT(lowered({Linear(5, 3, Bias::absent), Linear(3, 2, Bias::absent), ReLU()}),
              ElementsAre("0: 5->3", "1: 3->2", "2: relu2"));
}

TEST(LoweringTest, ModulesBeforeTheFirstLinearHaveTheWidthOfTheInput) {
  EXPECT_THAT(lowered({ReLU(), Dropout(0.5), Linear(5, 3)}), ElementsAre("5: relu0 dropout1", "2: 5->3", "3: bias2"));
  EXPECT_THAT(lowered({Dropout(0.5), ReLU(), Linear(5, 3)}),
              ElementsAre("5: dropout0", "5: relu1", "2: 5->3", "3: bias2"));
}

TEST(LoweringTest, ReluAfterDropoutIsAnOperationOfItsOwn) {
  EXPECT_THAT(lowered({Linear(5, 3), Dropout(0.5), ReLU(), ReLU()}),
              ElementsAre("0: 5->3", "3: bias0 dropout1", "3: relu2", "3: relu3"));
}

TEST(LoweringTest, AnythingWithoutEffectIsNoOperation) {
  EXPECT_THAT(lowered({Linear(5, 3, Bias::absent), Dropout(0.5)}, Mode::eval), ElementsAre("0: 5->3"));
  EXPECT_THAT(lowered({Dropout(0.5), Dropout(0.5), Linear(5, 3, Bias::absent)}, Mode::eval), ElementsAre("2: 5->3"));
}

}  // namespace
}  // namespace rushlight
