// IDX files that are cut off, changed, lying or none at all: a FormatError that names the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <new>
#include <optional>

#include "tests/data/idx_bytes.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/sanitized.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

const std::vector<std::uint32_t> kSizes{3, 2, 2};
constexpr std::size_t kHeaderBytes = 16;

class IdxDamageTest : public testing::Test {
 protected:
  fs::path put(const std::string& name, const std::string& bytes) const {
    put_raw_bytes(folder_ / name, bytes);
    return folder_ / name;
  }

  /// The pixels, or nothing if it is refused with the file's name.
  std::optional<std::string> read(const std::string& bytes) const {
    const fs::path file = put("damaged", bytes);
    try {
      const Dataset data = load_idx(file);
      return std::string(data.pixels().begin(), data.pixels().end());
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file.string()));
      return std::nullopt;
    }
  }

  std::string message(const std::string& bytes) const {
    const fs::path file = put("damaged", bytes);
    return message_of<FormatError>([&] { load_idx(file); });
  }

  TemporaryFolder folder_;
};

TEST_F(IdxDamageTest, AFileCutOffAtAnyByteIsRefused) {
  const std::string whole = idx_bytes(kSizes);
  for (const std::string& bytes : {whole, gzip(whole)}) {
    ASSERT_EQ(read(bytes), whole.substr(kHeaderBytes));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_EQ(read(bytes.substr(0, length)), std::nullopt) << length << " of " << bytes.size();
    }
  }
}

TEST_F(IdxDamageTest, BytesTooManyAreRefused) {
  const std::string whole = idx_bytes(kSizes);
  for (const std::string& more : {std::string(1, '\0'), std::string("x"), std::string(5000, 'x')}) {
    EXPECT_THAT(message(whole + more), HasSubstr("promises 28 bytes"));
    EXPECT_THAT(message(gzip(whole + more)), HasSubstr("promises 28 bytes"));
    EXPECT_EQ(read(gzip(whole) + more), std::nullopt) << "behind the gzip stream";
  }
  EXPECT_EQ(read(gzip(whole) + gzip("x")), std::nullopt);
  EXPECT_EQ(read(gzip(whole) + "\x1f\x8b"), std::nullopt);
}

TEST_F(IdxDamageTest, AnyFlippedBitOfThePlainHeaderIsRefused) {
  const std::string whole = idx_bytes(kSizes);
  for (std::size_t bit = 0; bit < kHeaderBytes * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(read(flipped), std::nullopt) << "bit " << bit;
  }
}

// RFC 1952: bit 0 of byte 3 is a hint, 4 to 7 are the time, 8 and 9 the compressor's. The rest is under a checksum.
TEST_F(IdxDamageTest, AFlippedBitOfAGzipFileIsRefusedWhereItMatters) {
  const std::string whole = idx_bytes(kSizes);
  const std::string packed = gzip(whole);
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    std::string flipped = packed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const bool harmless = bit == 24 || (bit >= 32 && bit < 80);
    EXPECT_EQ(read(flipped), harmless ? std::optional(whole.substr(kHeaderBytes)) : std::nullopt) << "bit " << bit;
  }
}

TEST_F(IdxDamageTest, OtherTypesAndOtherMagicsAreRefused) {
  for (int value = 0; value < 256; ++value) {
    for (const std::size_t position : {0U, 1U, 2U}) {
      std::string bytes = idx_bytes(kSizes);
      if (static_cast<std::uint8_t>(bytes[position]) == value) continue;
      bytes[position] = static_cast<char>(value);
      EXPECT_EQ(read(bytes), std::nullopt) << value << " at " << position;
    }
  }
  std::string floats = idx_bytes(kSizes);
  floats[2] = '\x0d';
  EXPECT_THAT(message(floats), AllOf(HasSubstr("type"), HasSubstr("0d"), HasSubstr("offset 2")));
  EXPECT_THAT(message("PK\x03\x04 a zip file"), HasSubstr("50 4b"));
}

TEST_F(IdxDamageTest, DimensionsBeyondThoseThatAreReadAreRefused) {
  for (int dimensions = 0; dimensions < 256; ++dimensions) {
    if (dimensions >= 1 && dimensions <= 8) continue;
    const std::string header{'\0', '\0', '\x08', static_cast<char>(dimensions)};
    EXPECT_THAT(message(header + std::string(2000, '\x01')), HasSubstr("has " + std::to_string(dimensions)));
  }
}

TEST_F(IdxDamageTest, SizesOfZeroAreRefused) {
  EXPECT_THAT(message(idx_header({0, 28, 28})), HasSubstr("[0, 28, 28]"));
  EXPECT_THAT(message(idx_header({3, 0, 2})), HasSubstr("[3, 0, 2]"));
  EXPECT_THAT(message(gzip(idx_header({3, 2, 0}))), HasSubstr("[3, 2, 0]"));
}

TEST_F(IdxDamageTest, SizesWhoseProductOverflowsAreRefused) {
  constexpr std::uint32_t kLargest = 0xFFFFFFFFU;
  for (const std::vector<std::uint32_t>& sizes : std::vector<std::vector<std::uint32_t>>{{kLargest, kLargest, kLargest},
                                                                                         {1U << 31, 1U << 31, 2},
                                                                                         {1U << 31, 1U << 31, 4},
                                                                                         std::vector(8, kLargest)}) {
    EXPECT_THAT(message(idx_header(sizes) + "some"), HasSubstr("2^63"));
    EXPECT_THAT(message(gzip(idx_header(sizes) + "some")), HasSubstr("2^63"));
  }
}

TEST_F(IdxDamageTest, WhereAGzipFileEndsTooEarlyIsSaid) {
  const std::string whole = idx_bytes(kSizes);
  EXPECT_THAT(message(gzip(whole.substr(0, 26))), AllOf(HasSubstr("ends after 26 bytes"), HasSubstr("2 more")));
  EXPECT_THAT(message(gzip(whole.substr(0, 7))), AllOf(HasSubstr("ends after 7 bytes"), HasSubstr("the sizes")));
  EXPECT_THAT(message(gzip("")), HasSubstr("ends after 0 bytes"));
}

TEST_F(IdxDamageTest, LabelsAndImagesInEachOthersPlaceAreRefused) {
  const fs::path images = put("images", idx_bytes({3, 2, 2}));
  const fs::path labels = put("labels", idx_labels("abc"));
  EXPECT_THAT(message_of<FormatError>([&] { load_idx(labels, images); }),
              AllOf(HasSubstr(labels.string()), HasSubstr("2 dimensions or more"), HasSubstr("has 1")));
  EXPECT_THAT(message_of<FormatError>([&] { load_idx(images, images); }),
              AllOf(HasSubstr(images.string()), HasSubstr("1 dimension"), HasSubstr("has 3")));
  EXPECT_THAT(message_of<FormatError>([&] { load_idx(labels); }), HasSubstr(labels.string()));
}

TEST_F(IdxDamageTest, AnotherNumberOfLabelsIsRefusedWithBothFiles) {
  const fs::path images = put("images", idx_bytes({3, 2, 2}));
  for (const std::string text : {"ab", "abcd"}) {
    const fs::path labels = put("labels", idx_labels(text));
    EXPECT_THAT(message_of<FormatError>([&] { load_idx(images, labels); }),
                AllOf(HasSubstr(images.string() + " has 3 images"),
                      HasSubstr(labels.string() + " has " + std::to_string(text.size()) + " labels")));
  }
}

TEST_F(IdxDamageTest, DamagedLabelsAreNamedAndNotTheImages) {
  const fs::path images = put("images", idx_bytes({3, 2, 2}));
  const fs::path labels = put("labels", idx_labels("abc").substr(0, 10));
  EXPECT_THAT(message_of<FormatError>([&] { load_idx(images, labels); }),
              AllOf(HasSubstr(labels.string()), HasSubstr("header of 8 bytes promises [3], 3 bytes more"),
                    HasSubstr("no more than 10 in all")));
}

// A pipe without a writer once made the call wait for ever.
TEST_F(IdxDamageTest, WhatIsNoRegularFileIsRefused) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  fs::create_symlink("loop", folder_ / "loop");
  for (const fs::path& file : {folder_.path(), folder_ / "pipe", folder_ / "loop", folder_ / "nowhere",
                               fs::path("/dev/null"), fs::path("/dev/zero"), folder_ / std::string(5000, 'n')}) {
    EXPECT_THAT(message_of<FormatError>([&] { load_idx(file); }), HasSubstr(file.string()));
  }
}

// Ends the process: 0 for a FormatError.
[[noreturn]] void read_and_exit(const fs::path& file, const char* about) {
  int code = 1;
  try {
    load_idx(file);
  } catch (const FormatError& error) {
    code = std::string(error.what()).find(about) == std::string::npos ? 2 : 0;
  } catch (const std::bad_alloc&) {
    code = 3;
  }
  std::_Exit(code);
}

// Whose 24 MiB suffice for the inflater's window and the first share of the values.
[[noreturn]] void read_in_little_memory(const fs::path& file) {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + (std::uint64_t{24} << 20);
  const rlimit limit{most, most};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(4);
  read_and_exit(file, file.c_str());
}

[[noreturn]] void read_as_another_user(const fs::path& file) {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0 && ::seteuid(kNobody) != 0) std::_Exit(4);
  read_and_exit(file, "Permission denied");
}

using IdxDamageDeathTest = IdxDamageTest;

TEST_F(IdxDamageDeathTest, AnUnreadableFileIsRefusedWithTheReason) {
  const fs::path file = put("secret", idx_bytes(kSizes));
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(file, fs::perms::none);
  EXPECT_EXIT(read_as_another_user(file), testing::ExitedWithCode(0), "");
}

TEST_F(IdxDamageDeathTest, WhatAHeaderPromisesTakesNoMemoryThatTheFileDoesNotJustify) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory leaves no room for a limit";
  const std::string noise = idx_bytes({1, 600'000}).substr(12);
  for (const std::string& header : {idx_header({1U << 20, 1U << 20}), idx_header({1U << 31, 1U << 31, 1}),
                                    idx_header({100'000'000}), idx_header({1, 500'000'000})}) {
    EXPECT_EXIT(read_in_little_memory(put("plain", header + noise)), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(read_in_little_memory(put("packed", gzip(header + noise))), testing::ExitedWithCode(0), "");
  }
  // By its length alone, 800 kB of gzip could hold what this header promises.
  std::string stored = gzip(idx_header({1, 500'000'000}));
  for (int part = 0; part < 40'000; ++part) stored += gzip("");
  EXPECT_EXIT(read_in_little_memory(put("members", stored)), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace rushlight
