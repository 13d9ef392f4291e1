#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>

#include <utility>

#include "src/data/byte_source.h"
#include "src/data/hash.h"
#include "src/data/storage.h"

namespace rushlight {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr int kMostDimensions = 8;

struct IdxFile {
  std::vector<std::int64_t> shape;  // The first extent is the sample.
  std::vector<std::uint8_t> values;
};

void check_magic(const ByteSource& source, std::span<const std::uint8_t> magic) {
  if (magic[0] != 0 || magic[1] != 0) {
    throw FormatError(fmt::format("{}: an IDX file starts with two zero bytes, but this one with {:02x} {:02x}",
                                  source.file().string(), magic[0], magic[1]));
  }
  if (magic[2] != kUnsignedByte) {
    throw FormatError(
        fmt::format("{}: an IDX file of unsigned bytes (type 08 at offset 2) was expected, but its type is "
                    "{:02x}",
                    source.file().string(), magic[2]));
  }
  if (magic[3] < 1 || magic[3] > kMostDimensions) {
    throw FormatError(fmt::format("{}: an IDX file here has 1 to {} dimensions (offset 3), but this one has {}",
                                  source.file().string(), kMostDimensions, magic[3]));
  }
}

std::int64_t checked_product(const ByteSource& source, const std::vector<std::int64_t>& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) {
    if (size < 1 || __builtin_mul_overflow(product, size, &product)) {
      throw FormatError(fmt::format("{}: sizes must be positive and their product below 2^63, but are [{}]",
                                    source.file().string(), fmt::join(shape, ", ")));
    }
  }
  return product;
}

void check_room(const ByteSource& source, const std::vector<std::int64_t>& shape, std::int64_t header,
                std::int64_t values) {
  if (values <= source.most_bytes() - header) return;
  throw FormatError(fmt::format(
      "{}: its header of {} bytes promises [{}], {} bytes more, but the file can hold no more than {} in all: "
      "fetch the file again",
      source.file().string(), header, fmt::join(shape, ", "), values, source.most_bytes()));
}

IdxFile read_idx(const std::filesystem::path& file, Hash& hash) {
  ByteSource source(file);
  std::uint8_t magic[4];
  source.read(magic, "the magic number");
  check_magic(source, magic);
  std::vector<std::uint8_t> sizes(magic[3] * std::size_t{4});
  source.read(sizes, "the sizes");
  IdxFile idx;
  for (std::size_t i = 0; i < sizes.size(); i += 4) {
    idx.shape.push_back(std::int64_t{sizes[i]} << 24 | sizes[i + 1] << 16 | sizes[i + 2] << 8 | sizes[i + 3]);
  }
  const std::int64_t count = checked_product(source, idx.shape);
  check_room(source, idx.shape, static_cast<std::int64_t>(sizes.size() + sizeof(magic)), count);
  idx.values = source.read_vector(count, "the values");
  source.expect_end();
  hash.add(magic);
  hash.add(sizes);
  hash.add(idx.values);
  return idx;
}

std::shared_ptr<Dataset::Storage> read_images(const std::filesystem::path& file, Hash& hash) {
  IdxFile idx = read_idx(file, hash);
  if (idx.shape.size() < 2) {
    throw FormatError(
        fmt::format("{}: images have 2 dimensions or more, but this file has 1, as labels have", file.string()));
  }
  auto storage = std::make_shared<Dataset::Storage>();
  storage->samples = idx.shape.front();
  storage->shape.assign(idx.shape.begin() + 1, idx.shape.end());
  storage->features = std::move(idx.values);
  storage->sample_features = static_cast<std::int64_t>(storage->features.size()) / storage->samples;
  storage->name = file.string();
  return storage;
}

void read_labels(const std::filesystem::path& file, Hash& hash, Dataset::Storage& storage) {
  const IdxFile idx = read_idx(file, hash);
  if (idx.shape.size() != 1) {
    throw FormatError(fmt::format("{}: labels have 1 dimension, but this file has {}, as images have", file.string(),
                                  idx.shape.size()));
  }
  if (idx.shape.front() != storage.samples) {
    throw FormatError(fmt::format("{} has {} labels, but {} has {} images: they must belong together", file.string(),
                                  idx.shape.front(), storage.name, storage.samples));
  }
  storage.labels.assign(idx.values.begin(), idx.values.end());
  for (const std::int32_t label : storage.labels) storage.classes = std::max<std::int64_t>(storage.classes, label + 1);
}

}  // namespace

Dataset load_idx(const std::filesystem::path& images, const std::filesystem::path& labels) {
  Hash hash;
  const std::shared_ptr<Dataset::Storage> storage = read_images(images, hash);
  read_labels(labels, hash, *storage);
  storage->hash = hash.value();
  return Dataset(storage);
}

Dataset load_idx(const std::filesystem::path& images) {
  Hash hash;
  const std::shared_ptr<Dataset::Storage> storage = read_images(images, hash);
  storage->hash = hash.value();
  return Dataset(storage);
}

}  // namespace rushlight
