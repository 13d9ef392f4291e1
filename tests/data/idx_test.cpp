// Whole IDX files: plain or gzip, alone or in a folder, and Debian's Fashion-MNIST.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>
#include <xxhash.h>

#include <algorithm>

#include "tests/data/idx_bytes.h"
#include "tests/io/temporary_folder.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

std::string text_of(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

std::uint64_t xxh3(const std::string& bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

class IdxTest : public testing::Test {
 protected:
  fs::path put(const std::string& name, const std::string& bytes) const {
    put_raw_bytes(folder_ / name, bytes);
    return folder_ / name;
  }

  TemporaryFolder folder_;
};

TEST_F(IdxTest, EveryByteAndLabelIsKeptInOrder) {
  const std::string images = idx_bytes({20, 3, 5});
  const Dataset data = load_idx(put("images", images), put("labels", idx_labels("\x03\x01\xff" + std::string(17, 0))));
  EXPECT_EQ(data.size(), 20);
  EXPECT_EQ(data.features(), 15);
  EXPECT_THAT(data.shape(), ElementsAre(3, 5));
  EXPECT_EQ(text_of(data.pixels()), images.substr(16));
  EXPECT_EQ(text_of(data.sample(7)), images.substr(16 + 7 * 15, 15));
  EXPECT_THAT(data.labels().first(4), ElementsAre(3, 1, 255, 0));
  EXPECT_EQ(data.classes(), 256);
  EXPECT_EQ(data.name(), (folder_ / "images").string());
}

TEST_F(IdxTest, ASampleHasAllDimensionsButTheFirst) {
  const std::vector<std::pair<std::vector<std::uint32_t>, std::vector<std::int64_t>>> shapes{
      {{3, 7}, {7}},
      {{1, 1}, {1}},
      {{5, 1, 9}, {1, 9}},
      {{2, 3, 4, 5}, {3, 4, 5}},
      {{2, 1, 2, 1, 2, 1, 2, 3}, {1, 2, 1, 2, 1, 2, 3}}};
  for (const auto& [sizes, sample] : shapes) {
    const Dataset data = load_idx(put("images", idx_bytes(sizes)));
    EXPECT_EQ(data.shape(), sample);
    EXPECT_EQ(data.size(), sizes.front());
    EXPECT_EQ(data.features() * data.size(), static_cast<std::int64_t>(data.pixels().size()));
  }
}

TEST_F(IdxTest, SizesAreBigEndian) {
  const Dataset data = load_idx(put("images", idx_bytes({2, 0x0102})));
  EXPECT_EQ(data.features(), 258);
}

TEST_F(IdxTest, GzipIsRecognisedByContentAndNotByName) {
  const std::string images = idx_bytes({33, 4, 3});
  const std::string labels = idx_labels(std::string(33, '\x02'));
  const Dataset plain = load_idx(put("plain.gz", images), put("labels.gz", labels));
  const Dataset packed = load_idx(put("packed", gzip(images)), put("labels", gzip(labels)));
  EXPECT_EQ(text_of(plain.pixels()), images.substr(16));
  EXPECT_EQ(text_of(packed.pixels()), images.substr(16));
  EXPECT_THAT(packed.labels(), Each(2));
}

TEST_F(IdxTest, AGzipFileMayHaveManyMembers) {
  const std::string images = idx_bytes({9, 2, 2});
  const std::string cut = gzip(images.substr(0, 5)) + gzip("") + gzip(images.substr(5, 20)) + gzip(images.substr(25));
  EXPECT_EQ(text_of(load_idx(put("members", cut)).pixels()), images.substr(16));
}

constexpr std::size_t kReadAtOnce = std::size_t{1} << 18;
constexpr std::size_t kFirst = 261'900;  // Packed, a little more than is read at once.

TEST_F(IdxTest, AGzipFileLargerThanAnyBufferIsReadWhole) {
  const std::string images = idx_noise(700'000), packed = gzip(images);
  ASSERT_GT(packed.size(), 2 * kReadAtOnce);
  EXPECT_EQ(text_of(load_idx(put("packed", packed)).pixels()), images.substr(12));
}

// A member's trailer, or any field of the next one's header, may lie across two reads.
TEST_F(IdxTest, AGzipMemberMayEndAndBeginWhereverAReadEnds) {
  std::string extra = "extra field", name = "name", comment = "comment";
  gz_header fields{};
  fields.extra = static_cast<Bytef*>(static_cast<void*>(extra.data()));
  fields.extra_len = static_cast<uInt>(extra.size());
  fields.name = static_cast<Bytef*>(static_cast<void*>(name.data()));
  fields.comment = static_cast<Bytef*>(static_cast<void*>(comment.data()));
  fields.hcrc = 1;
  const std::string images = idx_noise(262'300), last = gzip(images.substr(kFirst), &fields);
  for (std::size_t distance = 0; distance < 60; ++distance) {
    std::string padding(200, 'x');  // A name, as long as it takes.
    gz_header padded{};
    padded.name = static_cast<Bytef*>(static_cast<void*>(padding.data()));
    const std::size_t longest = gzip(images.substr(0, kFirst), &padded).size();
    ASSERT_GT(longest, kReadAtOnce);
    ASSERT_LT(longest, kReadAtOnce + 140);
    padding.resize(padding.size() - (longest - kReadAtOnce) - distance + 9);
    padded.name = static_cast<Bytef*>(static_cast<void*>(padding.data()));
    const std::string first = gzip(images.substr(0, kFirst), &padded);
    ASSERT_EQ(first.size(), kReadAtOnce - distance + 9);  // From the middle of its trailer on.
    EXPECT_EQ(text_of(load_idx(put("members", first + last)).pixels()), images.substr(12)) << distance;
  }
}

TEST_F(IdxTest, WithoutLabelsThereAreNoClasses) {
  const Dataset data = load_idx(put("images", idx_bytes({4, 2})));
  EXPECT_FALSE(data.has_labels());
  EXPECT_THAT(data.labels(), IsEmpty());
  EXPECT_EQ(data.classes(), 0);
}

TEST_F(IdxTest, TheHashIsXxh3OfTheContentImagesThenLabels) {
  const std::string images = idx_bytes({33, 4, 3});
  const std::string labels = idx_labels(std::string(33, '\x02'));
  const Dataset plain = load_idx(put("images", images), put("labels", labels));
  EXPECT_EQ(plain.hash(), xxh3(images + labels));
  EXPECT_EQ(load_idx(put("images.gz", gzip(images)), put("labels.gz", gzip(labels))).hash(), plain.hash());
  EXPECT_EQ(load_idx(folder_ / "images.gz").hash(), xxh3(images));
}

class IdxFolderTest : public IdxTest {
 protected:
  /// `mark` is the first pixel, by which a test knows the file again.
  static std::string images(char mark) { return idx_header({1, 2}) + mark + '\0'; }

  void fill(const std::string& suffix, const std::string& train, const std::string& test, const std::string& labels) {
    put("train-images-idx3-ubyte" + suffix, train);
    put("t10k-images-idx3-ubyte" + suffix, test);
    put("train-labels-idx1-ubyte" + suffix, labels);
    put("t10k-labels-idx1-ubyte" + suffix, labels);
  }
  int mark(Split split) const { return load_idx_folder(folder_.path(), split).pixels().front(); }
};

TEST_F(IdxFolderTest, PlainFilesAreFoundBySplit) {
  fill("", images('a'), images('b'), idx_labels("\x05"));
  EXPECT_TRUE(is_idx_folder(folder_.path()));
  EXPECT_EQ(mark(Split::train), 'a');
  EXPECT_EQ(mark(Split::test), 'b');
  EXPECT_THAT(load_idx_folder(folder_.path(), Split::test).labels(), ElementsAre(5));
}

TEST_F(IdxFolderTest, GzipFilesAreFoundToo) {
  fill(".gz", gzip(images('c')), gzip(images('d')), gzip(idx_labels("\x01")));
  EXPECT_TRUE(is_idx_folder(folder_.path()));
  EXPECT_EQ(mark(Split::train), 'c');
  EXPECT_EQ(mark(Split::test), 'd');
}

TEST_F(IdxFolderTest, WhereBothAreThereThePlainFileWins) {
  fill(".gz", gzip(images('c')), gzip(images('d')), gzip(idx_labels("\x01")));
  fill("", images('a'), images('b'), idx_labels("\x05"));
  EXPECT_EQ(mark(Split::train), 'a');
  fs::remove(folder_ / "t10k-images-idx3-ubyte");
  EXPECT_EQ(mark(Split::test), 'd');
  EXPECT_THAT(load_idx_folder(folder_.path(), Split::test).labels(), ElementsAre(5));
}

TEST_F(IdxFolderTest, AMissingFileIsNamedWithItsFolder) {
  fill("", images('a'), images('b'), idx_labels("\x05"));
  for (const std::string name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    fs::rename(folder_ / name, folder_ / "away");
    const Split split = name.starts_with("train") ? Split::train : Split::test;
    EXPECT_FALSE(is_idx_folder(folder_.path())) << name;
    EXPECT_THAT(message_of<FormatError>([&] { load_idx_folder(folder_.path(), split); }),
                AllOf(HasSubstr(folder_.path().string()), HasSubstr(name), HasSubstr(name + ".gz")));
    fs::rename(folder_ / "away", folder_ / name);
  }
}

TEST_F(IdxFolderTest, AFolderOrAFileInItsPlaceIsNoIdxFolder) {
  EXPECT_FALSE(is_idx_folder(folder_ / "nowhere"));
  EXPECT_FALSE(is_idx_folder(put("file", "x")));
  EXPECT_THROW(load_idx_folder(folder_ / "nowhere", Split::test), FormatError);
  EXPECT_THROW(load_idx_folder(folder_ / "file", Split::test), FormatError);
  fill("", images('a'), images('b'), idx_labels("\x05"));
  fs::remove(folder_ / "t10k-images-idx3-ubyte");
  fs::create_directory(folder_ / "t10k-images-idx3-ubyte");
  EXPECT_FALSE(is_idx_folder(folder_.path()));
  EXPECT_THROW(load_idx_folder(folder_.path(), Split::test), FormatError);
}

class FashionMnistTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_idx_folder(kFolder)) GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  }

  static void expect_split(Split split, std::int64_t samples, const std::vector<std::int32_t>& first_labels) {
    const Dataset data = load_idx_folder(kFolder, split);
    EXPECT_EQ(data.size(), samples);
    EXPECT_THAT(data.shape(), ElementsAre(28, 28));
    EXPECT_EQ(data.classes(), 10);
    const auto labels = data.labels();
    EXPECT_EQ(std::vector(labels.begin(), labels.begin() + 10), first_labels);
    for (std::int32_t c = 0; c < 10; ++c) EXPECT_EQ(std::count(labels.begin(), labels.end(), c), samples / 10) << c;
  }

  static constexpr const char* kFolder = "/usr/share/datasets/fashion-mnist";
};

TEST_F(FashionMnistTest, TheTrainingSplitIsAsPublished) {
  expect_split(Split::train, 60'000, {9, 0, 0, 3, 0, 2, 7, 2, 5, 5});
}

TEST_F(FashionMnistTest, TheTestSplitIsAsPublished) {
  expect_split(Split::test, 10'000, {9, 2, 1, 1, 6, 1, 4, 6, 5, 7});
}

}  // namespace
}  // namespace rushlight
