// Writes MNIST's four files, small: 300 and 100 images of 28x28, each class a bright band of its own.
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t kSide = 28;
constexpr std::uint32_t kClasses = 10;

void append_big_endian(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::vector<std::uint8_t> images(std::uint32_t count) {
  std::vector<std::uint8_t> bytes{0, 0, 8, 3};
  for (const std::uint32_t size : {count, kSide, kSide}) append_big_endian(bytes, size);
  for (std::uint32_t pixel = 0; pixel < count * kSide * kSide; ++pixel) {
    const std::uint32_t label = pixel / (kSide * kSide) % kClasses;
    const std::uint32_t row = pixel / kSide % kSide;
    const std::uint32_t noise = pixel * 2654435761U >> 26;
    bytes.push_back(static_cast<std::uint8_t>((row / 2 == label ? 180 : 0) + noise));
  }
  return bytes;
}

std::vector<std::uint8_t> labels(std::uint32_t count) {
  std::vector<std::uint8_t> bytes{0, 0, 8, 1};
  append_big_endian(bytes, count);
  for (std::uint32_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(i % kClasses));
  return bytes;
}

bool write_gzip(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
  const gzFile out = gzopen(file.c_str(), "wb");
  if (out == nullptr) return false;
  const int size = static_cast<int>(bytes.size());
  const bool written = gzwrite(out, bytes.data(), static_cast<unsigned>(size)) == size;
  return gzclose(out) == Z_OK && written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_small_data_set FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const bool written = write_gzip(folder / "train-images-idx3-ubyte.gz", images(300)) &&
                       write_gzip(folder / "train-labels-idx1-ubyte.gz", labels(300)) &&
                       write_gzip(folder / "t10k-images-idx3-ubyte.gz", images(100)) &&
                       write_gzip(folder / "t10k-labels-idx1-ubyte.gz", labels(100));
  if (!written) std::fprintf(stderr, "%s: cannot write the data set\n", argv[1]);
  return written ? 0 : 1;
}
