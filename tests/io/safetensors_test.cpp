#include "src/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "src/io/float_conversion.h"
#include "src/io/safetensors_header.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/goldens.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

// NaN has no one pattern of bits: compared as NaN.
bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

float golden_value(const nlohmann::json& value) {
  if (value.is_number()) return static_cast<float>(value.get<double>());
  const float infinity = std::numeric_limits<float>::infinity();
  if (value == "inf") return infinity;
  return value == "-inf" ? -infinity : std::numeric_limits<float>::quiet_NaN();
}

TEST(SafetensorsTest, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::vector<float> matrix{1.5F, -0.0F, std::numeric_limits<float>::quiet_NaN(), 1e-45F, 3e38F, -2};
  const std::vector<float> scalar{0.1F};
  const std::vector<TensorView> tensors{
      {"b\"\n\xc3\xa9", {2, 3}, matrix}, {"empty", {0, 7}, {}}, {"a", {}, scalar}, {"", {1, 1, 1}, scalar}};
  const std::map<std::string, std::string> metadata{{"key", "va\\lue"}, {"", ""}};
  write_safetensors(folder / "t", tensors, metadata);
  const SafetensorsReader reader(folder / "t");
  EXPECT_EQ(reader.metadata(), metadata);
  ASSERT_EQ(reader.entries().size(), tensors.size());
  std::int64_t position = reader.entries().front().begin;
  EXPECT_EQ(position % 8, 0);
  for (const TensorView& tensor : tensors) {
    const TensorEntry* entry = reader.find(tensor.name);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->shape, tensor.shape);
    EXPECT_EQ(entry->begin, position);
    EXPECT_EQ(bits_of(reader.read(*entry)), bits_of({tensor.values.begin(), tensor.values.end()}));
    position += entry->bytes;
  }
  EXPECT_EQ(reader.find("c"), nullptr);
}

TEST(SafetensorsTest, WritesTheSameBytesEachTime) {
  const TemporaryFolder folder;
  const std::vector<float> values(5, 1.0F);
  const std::vector<TensorView> tensors{{"z", {5}, values}, {"a", {1, 5}, values}};
  write_safetensors(folder / "one", tensors, {{"b", "1"}, {"a", "2"}});
  write_safetensors(folder / "two", tensors, {{"a", "2"}, {"b", "1"}});
  EXPECT_EQ(raw_bytes(folder / "one"), raw_bytes(folder / "two"));
  EXPECT_THAT(
      raw_bytes(folder / "one").substr(8),
      testing::StartsWith(R"({"__metadata__":{"a":"2","b":"1"},"z":{"dtype":"F32","shape":[5],)"
                          R"("data_offsets":[0,20]},"a":{"dtype":"F32","shape":[1,5],"data_offsets":[20,40]}})"));
}

TEST(SafetensorsTest, WritesAFileWithoutTensors) {
  const TemporaryFolder folder;
  write_safetensors(folder / "t", {}, {});
  EXPECT_EQ(raw_bytes(folder / "t").substr(8), "{}      ");
  EXPECT_THAT(SafetensorsReader(folder / "t").entries(), IsEmpty());
}

TEST(SafetensorsTest, ReadsEveryTypeThatPyTorchWrites) {
  const auto expected = nlohmann::json::parse(raw_bytes(golden_path("safetensors.json"))).at("torch_types");
  const SafetensorsReader reader(golden_path("torch_types.safetensors"));
  EXPECT_EQ(reader.metadata().at("quote"), "a \"b\" \xc3\xa9 \n");
  EXPECT_EQ(expected.size(), 6U);
  for (const auto& [name, values] : expected.items()) {
    const TensorEntry* entry = reader.find(name);
    ASSERT_NE(entry, nullptr) << name;
    const std::vector<float> found = reader.read(*entry);
    ASSERT_EQ(found.size(), values.size()) << name;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(same(found[i], golden_value(values[i]))) << name << " at " << i << ": " << found[i];
    }
  }
  EXPECT_THAT(reader.find("f16")->shape, ElementsAre(2, 2, 3));
  EXPECT_THAT(reader.find("scalar")->shape, IsEmpty());
}

TEST(SafetensorsTest, RefusesToReadIntegersAsFloats) {
  const SafetensorsReader reader(golden_path("torch_types.safetensors"));
  for (const auto& [name, type] : std::map<std::string, std::string>{
           {"i64", "I64"}, {"i32", "I32"}, {"i16", "I16"}, {"i8", "I8"}, {"u8", "U8"}, {"bool", "BOOL"}}) {
    const auto call = [&, key = name] { reader.read(*reader.find(key)); };
    EXPECT_THAT(message_of<FormatError>(call),
                AllOf(HasSubstr("'" + name + "'"), HasSubstr(type), HasSubstr("torch_types")));
  }
}

// The oracle: the value as its definition says, in double, by powers of two.
TEST(FloatConversionTest, GivesEveryHalfItsValue) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const double sign = (bits >> 15U) != 0 ? -1.0 : 1.0;
    const int exponent = static_cast<int>((bits >> 10U) & 31U);
    const double mantissa = static_cast<double>(bits & 1023U);
    double expected = sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
    if (exponent == 31) expected = mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
    EXPECT_TRUE(same(f16_to_float(static_cast<std::uint16_t>(bits)), static_cast<float>(expected))) << bits;
  }
}

TEST(FloatConversionTest, PutsBrainFloatsInTheUpperHalf) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(bf16_to_float(static_cast<std::uint16_t>(bits))), bits << 16U);
  }
}

TEST(SafetensorsWriterTest, RefusesWhatWouldNotBeReadBack) {
  const TemporaryFolder folder;
  const std::vector<float> values(6);
  const auto write = [&](const std::vector<TensorView>& tensors) { write_safetensors(folder / "t", tensors, {}); };
  const auto message = [&](const std::vector<TensorView>& tensors) {
    return message_of<InvalidArgument>([&] { write(tensors); });
  };
  EXPECT_THAT(message({{"a", {6}, values}, {"a", {6}, values}}), HasSubstr("'a' is taken"));
  EXPECT_THAT(message({{"__metadata__", {6}, values}}), HasSubstr("is taken"));
  EXPECT_THAT(message({{"a", {2, 2}, values}}), AllOf(HasSubstr("[2, 2]"), HasSubstr("6 values")));
  EXPECT_THAT(message({{"a", {-2, -3}, values}}), HasSubstr("[-2, -3]"));
  EXPECT_THAT(message({{"a", {-1, 0}, {}}}), HasSubstr("[-1, 0]"));
  EXPECT_THAT(message({{"a", {std::int64_t{1} << 62, 8}, values}}), HasSubstr("shape"));
  EXPECT_THAT(message({{"\xff", {6}, values}}), HasSubstr("UTF-8"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(SafetensorsReaderTest, SurvivesThatItsFileIsReplaced) {
  const TemporaryFolder folder;
  const std::vector<float> first{1, 2, 3};
  write_safetensors(folder / "t", std::vector<TensorView>{{"a", {3}, first}}, {});
  const SafetensorsReader reader(folder / "t");
  write_safetensors(folder / "t", {}, {});
  EXPECT_EQ(reader.read(reader.entries().front()), first);
}

TEST(SafetensorsReaderTest, SaysThatTheFileShrankMeanwhile) {
  const TemporaryFolder folder;
  const std::vector<float> values(100);
  write_safetensors(folder / "t", std::vector<TensorView>{{"a", {100}, values}}, {});
  const SafetensorsReader reader(folder / "t");
  std::filesystem::resize_file(folder / "t", 300);
  const auto call = [&] { reader.read(reader.entries().front()); };
  EXPECT_THAT(message_of<FormatError>(call), HasSubstr("ended at byte 300"));
}

TEST(SafetensorsReaderTest, MovesWithItsFile) {
  const TemporaryFolder folder;
  const std::vector<float> values{4, 5};
  write_safetensors(folder / "t", std::vector<TensorView>{{"a", {2}, values}}, {{"k", "v"}});
  write_safetensors(folder / "other", {}, {});
  SafetensorsReader first(folder / "t");
  SafetensorsReader second(std::move(first));
  SafetensorsReader third(folder / "other");
  third = std::move(second);
  EXPECT_EQ(third.read(*third.find("a")), values);
  EXPECT_EQ(third.file(), folder / "t");
  EXPECT_EQ(third.metadata().at("k"), "v");
}

TEST(SafetensorsReaderTest, SaysWhatIsWrongWithThePath) {
  const TemporaryFolder folder;
  const auto message = [](const std::filesystem::path& path) {
    return message_of<FormatError>([&] { const SafetensorsReader reader(path); });
  };
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(message(folder / "none"), AllOf(HasSubstr("none"), HasSubstr("No such file")));
  EXPECT_THAT(message(folder.path()), HasSubstr("Is a directory"));
  EXPECT_THAT(message(folder / "pipe"), HasSubstr("no regular file"));
}

}  // namespace
}  // namespace rushlight
