#include "src/io/foreign_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>

#include "tests/io/temporary_folder.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Named {
  std::string name;
  std::vector<std::int64_t> shape;
};

class ForeignModelTest : public testing::Test {
 protected:
  SafetensorsReader file_with(const std::vector<Named>& tensors) const {
    static const std::vector<float> zeros(10'000);
    std::vector<TensorView> views;
    for (const auto& [name, shape] : tensors) {
      std::size_t size = 1;
      for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
      views.push_back({name, shape, std::span(zeros).first(size)});
    }
    write_safetensors(folder_ / "foreign", views, {});
    return SafetensorsReader(folder_ / "foreign");
  }

  std::string message(const std::vector<Named>& tensors) const {
    const SafetensorsReader reader = file_with(tensors);
    return message_of<FormatError>([&] { infer_model(reader); });
  }

  TemporaryFolder folder_;
};

// Name in the model, and name in the file.
std::vector<std::pair<std::string, std::string>> names_of(const ForeignModel& model) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& [name, entry] : model.sources) names.emplace_back(name, entry->name);
  return names;
}

TEST_F(ForeignModelTest, PutsReLUBetweenLinears) {
  const SafetensorsReader reader = file_with({{"2.weight", {2, 3}}, {"0.weight", {3, 4}}, {"0.bias", {3}}});
  const ForeignModel model = infer_model(reader);
  EXPECT_THAT(model.modules, ElementsAre(Linear(4, 3), ReLU(), Linear(3, 2, Bias::absent)));
  EXPECT_THAT(names_of(model), ElementsAre(std::pair("0.weight", "0.weight"), std::pair("0.bias", "0.bias"),
                                           std::pair("2.weight", "2.weight")));
  EXPECT_THAT(model.inferred, AllOf(HasSubstr("foreign'"), HasSubstr("Linear(4, 3)"), HasSubstr("ReLU is assumed"),
                                    Not(HasSubstr("Dropout")), Not(HasSubstr("\n"))));
}

TEST_F(ForeignModelTest, TakesAWiderGapForReLUAndDropout) {
  const SafetensorsReader reader = file_with({{"0.weight", {3, 4}}, {"3.weight", {3, 3}}, {"5.weight", {1, 3}}});
  const ForeignModel model = infer_model(reader);
  EXPECT_THAT(model.modules, ElementsAre(Linear(4, 3, Bias::absent), ReLU(), Dropout(0), Linear(3, 3, Bias::absent),
                                         ReLU(), Linear(3, 1, Bias::absent)));
  EXPECT_THAT(model.inferred, HasSubstr("Dropout of unknown p"));
}

TEST_F(ForeignModelTest, OrdersByNumberNotByText) {
  std::vector<Named> tensors;
  for (std::int64_t i = 12; i >= 0; i -= 2) tensors.push_back({std::to_string(i) + ".weight", {i + 2 + 1, i + 1}});
  const ForeignModel model = infer_model(file_with(tensors));
  EXPECT_EQ(model.modules.size(), 13U);
  EXPECT_EQ(model.sources.back().name, "12.weight");
}

TEST_F(ForeignModelTest, LeavesOutAPrefixAndModulesInFront) {
  const SafetensorsReader reader =
      file_with({{"model.net.1.weight", {3, 4}}, {"model.net.1.bias", {3}}, {"model.net.3.weight", {2, 3}}});
  const ForeignModel model = infer_model(reader);
  EXPECT_THAT(names_of(model),
              ElementsAre(std::pair("0.weight", "model.net.1.weight"), std::pair("0.bias", "model.net.1.bias"),
                          std::pair("2.weight", "model.net.3.weight")));
  EXPECT_THAT(model.inferred,
              AllOf(HasSubstr("prefix 'model.net.'"), HasSubstr("before 'model.net.1.weight'"), HasSubstr("Flatten")));
}

TEST_F(ForeignModelTest, ReadsASingleLinear) {
  const ForeignModel model = infer_model(file_with({{"0.weight", {1, 1}}, {"0.bias", {1}}}));
  EXPECT_THAT(model.modules, ElementsAre(Linear(1, 1)));
  EXPECT_THAT(model.inferred, Not(HasSubstr("assumed")));
}

TEST_F(ForeignModelTest, PrintsTheBeginningOfALongModel) {
  std::vector<Named> tensors;
  for (std::int64_t i = 0; i < 60; i += 2) tensors.push_back({std::to_string(i) + ".weight", {1, 1}});
  const std::string inferred = infer_model(file_with(tensors)).inferred;
  EXPECT_THAT(inferred, HasSubstr("... (59 modules)"));
  EXPECT_LT(inferred.size(), 1000U);
}

TEST_F(ForeignModelTest, NamesATensorThatFitsNothing) {
  for (const std::string name : {"fc1.weight", "0.running_mean", "weight", "0", "", ".weight", "00.weight", "-1.weight",
                                 "0x.weight", "99999999999999999999.weight", "optimizer.exp_avg.0.weigh"}) {
    EXPECT_THAT(message({{"0.weight", {1, 1}}, {name, {1}}}), AllOf(HasSubstr("'" + name + "'"), HasSubstr("foreign")))
        << name;
  }
  EXPECT_THAT(message({{"0.weight", {4, 3, 2, 2}}}), AllOf(HasSubstr("'0.weight'"), HasSubstr("[4, 3, 2, 2]")));
  EXPECT_THAT(message({{"0.weight", {1, 1}}, {"1.weight", {1}}}), HasSubstr("'1.weight' has the shape [1]"));
  EXPECT_THAT(message({{"0.weight", {1, 1}}, {"2.bias", {1}}}), HasSubstr("'2.bias' has no weight"));
  EXPECT_THAT(message({{"a.0.weight", {1, 1}}, {"b.2.weight", {1, 1}}}),
              AllOf(HasSubstr("'a.0.weight'"), HasSubstr("'b.2.weight'")));
  EXPECT_THAT(message({}), HasSubstr("no tensors"));
}

TEST_F(ForeignModelTest, NamesBothTensorsThatDoNotFitTogether) {
  EXPECT_THAT(message({{"0.weight", {3, 4}}, {"2.weight", {2, 5}}}),
              AllOf(HasSubstr("'0.weight' gives 3"), HasSubstr("'2.weight' takes 5")));
  EXPECT_THAT(message({{"0.weight", {3, 4}}, {"0.bias", {4}}}),
              AllOf(HasSubstr("'0.bias'"), HasSubstr("[3] was expected")));
  EXPECT_THAT(message({{"0.weight", {3, 4}}, {"0.bias", {3, 1}}}), HasSubstr("[3, 1]"));
  EXPECT_THAT(message({{"0.weight", {3, 4}}, {"1.weight", {2, 3}}}),
              AllOf(HasSubstr("'0.weight'"), HasSubstr("'1.weight'"), HasSubstr("no index for the ReLU")));
  EXPECT_THAT(message({{"0.weight", {3, 4}}, {"4.weight", {2, 3}}}), HasSubstr("more between them"));
  EXPECT_THAT(message({{"0.weight", {0, 4}}}), AllOf(HasSubstr("'0.weight'"), HasSubstr("[0, 4]")));
}

}  // namespace
}  // namespace rushlight
