#include "src/io/model_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>

#include "tests/io/temporary_folder.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string message(const std::string& description) {
  return message_of<FormatError>([&] { parse_modules(description, "'file'"); });
}

std::string module_message(const std::string& module) {
  return message(R"({"modules":[{"type":"ReLU"},)" + module + "]}");
}

TEST(ModelDescriptionTest, IsTheTextThatFilesHold) {
  const std::vector<Module> modules{Linear(784, 512), ReLU(), Dropout(0.25), Linear(512, 10, Bias::absent)};
  EXPECT_EQ(describe_modules(modules),
            R"({"modules":[{"type":"Linear","in_features":784,"out_features":512,"bias":true},{"type":"ReLU"},)"
            R"({"type":"Dropout","p":0.25},{"type":"Linear","in_features":512,"out_features":10,"bias":false}]})");
}

TEST(ModelDescriptionTest, ReadsBackToTheSameModules) {
  std::vector<Module> modules{Linear(1, 1), Linear((std::int64_t{1} << 31) - 1, 2), ReLU()};
  for (const double p : {0.0, 0.1, 0.3, 1.0 / 3.0, 0.7, 1.0, 1.0 / 65536.0}) modules.emplace_back(Dropout(p));
  EXPECT_EQ(parse_modules(describe_modules(modules), "file"), modules);
}

TEST(ModelDescriptionTest, HasRoomForTheLongestSequential) {
  const std::vector<Module> modules(4095, Linear((std::int64_t{1} << 31) - 1, 1 << 8, Bias::absent));
  EXPECT_EQ(parse_modules(describe_modules(modules), "file"), modules);
}

TEST(ModelDescriptionTest, RefusesWhatIsNoListOfModules) {
  for (const std::string text : {"", "{", "[]", "null", "{}", R"({"modules":{}})", R"({"modules":[],"x":1})", "1 2"}) {
    EXPECT_THAT(message(text), AllOf(HasSubstr("'file'"), HasSubstr("rushlight_model"))) << text;
  }
  EXPECT_THAT(message("{\"modules\":" + std::string(300'000, '[')), HasSubstr("nested too deeply"));
  EXPECT_THAT(message(std::string(600'000, ' ')), HasSubstr("600000 bytes"));
}

TEST(ModelDescriptionTest, NamesTheModuleThatIsWrong) {
  EXPECT_THAT(module_message("1"), AllOf(HasSubstr("module 1"), HasSubstr("no object")));
  EXPECT_THAT(module_message("{}"), HasSubstr("a string as type"));
  EXPECT_THAT(module_message(R"({"type":"Conv2d"})"),
              AllOf(HasSubstr("'Conv2d'"), HasSubstr("Linear, ReLU or Dropout")));
  EXPECT_THAT(module_message(R"({"type":"ReLU","inplace":true})"), HasSubstr("2 keys"));
  EXPECT_THAT(module_message(R"({"type":"Dropout"})"), HasSubstr("a number from 0 to 1 as p"));
  EXPECT_THAT(module_message(R"({"type":"Dropout","p":"0.3"})"), HasSubstr("a number from 0 to 1 as p"));
  EXPECT_THAT(module_message(R"({"type":"Dropout","p":1.5})"), AllOf(HasSubstr("module 1"), HasSubstr("1.5")));
}

TEST(ModelDescriptionTest, NamesTheSizeThatIsWrong) {
  const auto linear = [](const std::string& in, const std::string& out, const std::string& bias) {
    return module_message(R"({"type":"Linear","in_features":)" + in + R"(,"out_features":)" + out + R"(,"bias":)" +
                          bias + "}");
  };
  EXPECT_THAT(linear("-1", "2", "true"), HasSubstr("an integer from 1 as in_features"));
  EXPECT_THAT(linear("1.5", "2", "true"), HasSubstr("in_features"));
  EXPECT_THAT(linear("1", "18446744073709551615", "true"), HasSubstr("out_features"));
  EXPECT_THAT(linear("1", "2", "1"), HasSubstr("true or false as bias"));
  EXPECT_THAT(linear("0", "2", "true"), AllOf(HasSubstr("module 1"), HasSubstr("impossible")));
  EXPECT_THAT(linear("1", "2147483648", "true"), HasSubstr("impossible"));
}

}  // namespace
}  // namespace rushlight
