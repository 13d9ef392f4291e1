#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>

#include <cstring>
#include <string>

#include "src/io/safetensors.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/goldens.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + rest;
}

std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return with_length(header.size(), header + std::string(data_bytes, '\x01'));
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets,
                   const std::string& type = "F32") {
  return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

class SafetensorsDamageTest : public testing::Test {
 protected:
  std::filesystem::path put(const std::string& bytes) const {
    put_raw_bytes(folder_ / "damaged", bytes);
    return folder_ / "damaged";
  }

  // Everything that a file holds, or the FormatError of its damage.
  void read_all(const std::string& bytes) const {
    const SafetensorsReader reader(put(bytes));
    for (const TensorEntry& entry : reader.entries()) reader.read(entry);
  }

  std::string message(const std::string& bytes) const {
    return message_of<FormatError>([&] { read_all(bytes); });
  }

  TemporaryFolder folder_;
};

TEST_F(SafetensorsDamageTest, RefusesAFileCutOffAtAnyByte) {
  const std::string whole = raw_bytes(golden_path("torch_lab.safetensors"));
  ASSERT_NO_THROW(read_all(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(message(whole.substr(0, length)), HasSubstr("damaged'")) << length;
  }
  EXPECT_THAT(message(whole + "x"), HasSubstr("the tensors end at data offset"));
}

TEST_F(SafetensorsDamageTest, RefusesOrReadsAnyFlippedHeaderByte) {
  const std::string whole = raw_bytes(golden_path("torch_types.safetensors"));
  std::uint64_t length = 0;
  std::memcpy(&length, whole.data(), sizeof(length));
  int refused = 0;
  for (std::size_t position = 0; position < 8 + length; ++position) {
    for (const int mask : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[position] = static_cast<char>(damaged[position] ^ mask);
      try {
        const SafetensorsReader reader(put(damaged));
        for (const TensorEntry& entry : reader.entries()) {
          if (entry.type <= TensorType::bf16) reader.read(entry);
        }
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 5000);
}

// An allocation of the size claimed would throw bad_alloc, or end the program under a sanitizer.
TEST_F(SafetensorsDamageTest, RefusesHugeClaimsAtOnce) {
  const std::uint64_t huge = std::uint64_t{1} << 50;
  EXPECT_THAT(message(with_length(huge, "{}")), AllOf(HasSubstr("1125899906842624"), HasSubstr("at most 2")));
  EXPECT_THAT(message(with_length(~std::uint64_t{0}, "{}")), HasSubstr("18446744073709551615"));
  EXPECT_THAT(message(with_length(3, "{}")), HasSubstr("at most 2 are possible"));
  const std::string big = tensor("a", "[281474976710656]", "[0,1125899906842624]");
  EXPECT_THAT(message(file_of("{" + big + "}", 8)), AllOf(HasSubstr("'a'"), HasSubstr("the file ends at 8")));
  const std::string overflow = tensor("a", "[4294967296,4294967296]", "[0,0]");
  EXPECT_THAT(message(file_of("{" + overflow + "}")), HasSubstr("2^63 or more"));
  const std::string beyond = tensor("a", "[1]", "[0,99999999999999999999999]");
  EXPECT_THAT(message(file_of("{" + beyond + "}", 4)), HasSubstr("beyond 64 bits"));
  const std::string signed_limit = tensor("a", "[1]", "[0,9223372036854775808]");
  EXPECT_THAT(message(file_of("{" + signed_limit + "}", 4)), HasSubstr("2^63"));
}

TEST_F(SafetensorsDamageTest, RefusesAHeaderBeyondTheFormatsLimit) {
  put(with_length(100'000'001, "{"));
  std::filesystem::resize_file(folder_ / "damaged", 100'000'100);
  const auto call = [&] { const SafetensorsReader reader(folder_ / "damaged"); };
  EXPECT_THAT(message_of<FormatError>(call), HasSubstr("at most 100000000 are possible"));
}

TEST_F(SafetensorsDamageTest, RefusesHolesAndOverlaps) {
  const std::string first = tensor("a", "[2]", "[0,8]");
  EXPECT_NO_THROW(read_all(file_of("{" + tensor("b", "[1]", "[8,12]") + "," + first + "}", 12)));
  EXPECT_THAT(message(file_of("{" + first + "," + tensor("b", "[1]", "[12,16]") + "}", 16)),
              AllOf(HasSubstr("'b'"), HasSubstr("begins at data offset 12"), HasSubstr("8 was expected")));
  EXPECT_THAT(message(file_of("{" + first + "," + tensor("b", "[1]", "[4,8]") + "}", 8)), HasSubstr("data offset 4"));
  EXPECT_THAT(message(file_of("{" + first + "," + tensor("b", "[2]", "[0,8]") + "}", 8)), HasSubstr("data offset 0"));
  EXPECT_THAT(message(file_of("{" + tensor("a", "[1]", "[4,8]") + "}", 8)), HasSubstr("data offset 4"));
  EXPECT_THAT(message(file_of("{" + first + "}", 9)), HasSubstr("end at data offset 8"));
  EXPECT_THAT(message(file_of("{" + first + "}", 7)), HasSubstr("the file ends at 7"));
}

TEST_F(SafetensorsDamageTest, RefusesEntriesThatContradictThemselves) {
  const auto entry = [&](const std::string& text) { return message(file_of("{" + text + "}", 8)); };
  EXPECT_THAT(entry(tensor("a", "[3]", "[0,8]")),
              AllOf(HasSubstr("'a'"), HasSubstr("takes 12 bytes"), HasSubstr("span 8")));
  EXPECT_THAT(entry(tensor("a", "[2]", "[8,0]")), HasSubstr("before its begin 8"));
  EXPECT_THAT(entry(tensor("a", "[2]", "[0]")), HasSubstr("no pair"));
  EXPECT_THAT(entry(tensor("a", "[2]", "[0,8,8]")), HasSubstr("one number too many"));
  EXPECT_THAT(entry(tensor("a", "[-2]", "[0,8]")), HasSubstr("a negative number"));
  EXPECT_THAT(entry(tensor("a", "[2.0]", "[0,8]")), HasSubstr("a fraction"));
  EXPECT_THAT(entry(tensor("a", "[[2]]", "[0,8]")), HasSubstr("a list"));
  EXPECT_THAT(entry(tensor("a", "2", "[0,8]")), HasSubstr("a number"));
  EXPECT_THAT(entry(tensor("a", "{}", "[0,8]")), HasSubstr("an object"));
  EXPECT_THAT(entry(tensor("a", "[2]", "[0,8]", "F99")), AllOf(HasSubstr("'a'"), HasSubstr("'F99'")));
  EXPECT_THAT(entry(R"("a":{"dtype":"F32","shape":[2]})"), HasSubstr("lacks"));
  EXPECT_THAT(entry(R"("a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), HasSubstr("two values"));
  EXPECT_THAT(entry(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"), HasSubstr("'x'"));
  EXPECT_THAT(entry(R"("a":{"dtype":null,"shape":[2],"data_offsets":[0,8]})"), HasSubstr("null"));
  EXPECT_THAT(entry(R"("a":true)"), HasSubstr("a boolean"));
  EXPECT_THAT(entry(tensor("a", "[1]", "[0,4]") + "," + tensor("a", "[1]", "[4,8]")),
              HasSubstr("two entries named 'a'"));
}

TEST_F(SafetensorsDamageTest, RefusesMetadataThatIsNoMapOfStrings) {
  EXPECT_THAT(message(file_of(R"({"__metadata__":{"a":1}})")), HasSubstr("a string as each value of __metadata__"));
  EXPECT_THAT(message(file_of(R"({"__metadata__":{"a":{}}})")), HasSubstr("an object"));
  EXPECT_THAT(message(file_of(R"({"__metadata__":"a"})")), HasSubstr("a string"));
  EXPECT_THAT(message(file_of(R"({"__metadata__":{"a":"1","a":"1"}})")), HasSubstr("two values for 'a'"));
  EXPECT_THAT(message(file_of(R"({"__metadata__":{},"__metadata__":{}})")), HasSubstr("two entries"));
}

TEST_F(SafetensorsDamageTest, RefusesWhatIsNoJsonObject) {
  for (const std::string header :
       {"", "[]", "1", " {}", "{", "{}}", "{} x", "{\"a\"", "{\"\xff\":1}", "\xef\xbb\xbf{}"}) {
    EXPECT_THAT(message(file_of(header)), HasSubstr("of the file")) << header;
  }
  EXPECT_THAT(message(file_of(std::string("{}\0\0", 4))), HasSubstr("at byte 10 of the file"));
  EXPECT_THAT(message(file_of("{\"a\":")), HasSubstr("not valid JSON at byte"));
}

TEST_F(SafetensorsDamageTest, RefusesDeepNestingWithoutDepthOfItsOwn) {
  EXPECT_THAT(message(file_of("{\"a\":" + std::string(1'000'000, '['))), HasSubstr("a list"));
  std::string objects = "{";
  for (int i = 0; i < 100'000; ++i) objects += "\"a\":{";
  EXPECT_THAT(message(file_of(objects)), HasSubstr("'a'"));
}

TEST_F(SafetensorsDamageTest, KeepsMessagesShortAndPrintable) {
  const std::string name = std::string(100'000, 'n') + R"(\u0007)";
  EXPECT_LT(message(file_of("{" + tensor(name, "[1]", "[0,8]") + "}", 8)).size(), 600U);
  EXPECT_THAT(message(file_of("{" + tensor(R"(a\u001b[31m)", "[1]", "[0,8]") + "}", 8)), HasSubstr(R"('a\x1b[31m')"));
}

}  // namespace
}  // namespace rushlight
