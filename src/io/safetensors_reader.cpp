#include <rushlight/error.h>

#include "src/io/descriptor.h"
#include "src/io/float_conversion.h"
#include "src/io/safetensors.h"
#include "src/io/safetensors_header.h"
#include "src/io/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <utility>

namespace rushlight {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;
constexpr std::size_t kLargestRead = std::size_t{1} << 26;

void read_exactly(int descriptor, std::int64_t offset, std::span<std::byte> bytes, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor, bytes.data(), std::min(bytes.size(), kLargestRead), offset);
    if (count == 0) {
      throw FormatError(
          fmt::format("{} ended at byte {}, though it was longer when it was opened; read it again when "
                      "nothing writes to it",
                      quoted_path(file), offset));
    }
    if (count < 0) {
      if (errno == EINTR) continue;
      throw system_error("read", file, errno);
    }
    offset += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

std::int64_t regular_size(int descriptor, const std::filesystem::path& file) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw system_error("read", file, errno);
  if (S_ISDIR(status.st_mode)) throw system_error("read", file, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw FormatError(fmt::format("{} is no regular file; give the path of a safetensors file", quoted_path(file)));
  }
  return status.st_size;
}

// The header's length, checked against the file before anything of that size is allocated.
std::int64_t header_length(int descriptor, std::int64_t size, const std::filesystem::path& file) {
  if (size < kHeaderLengthBytes) {
    throw FormatError(
        fmt::format("{} has {} bytes, but a safetensors file begins with 8 that state its header's length; "
                    "it is cut off, or no safetensors file",
                    quoted_path(file), size));
  }
  std::uint64_t length = 0;
  read_exactly(descriptor, 0, std::as_writable_bytes(std::span(&length, 1)), file);
  const std::int64_t most = std::min(kLongestHeader, size - kHeaderLengthBytes);
  if (length > static_cast<std::uint64_t>(most)) {
    throw FormatError(
        fmt::format("{}: the safetensors header should take {} bytes, but at most {} are possible in this "
                    "file; it is cut off, or no safetensors file",
                    quoted_path(file), length, most));
  }
  return static_cast<std::int64_t>(length);
}

template <class Stored>
struct Converted {
  int descriptor;
  const std::filesystem::path& file;
  const TensorEntry& entry;

  // By chunks, so that a tensor takes no more memory than its result.
  template <class Convert>
  void into(std::span<float> values, Convert convert) const {
    std::array<Stored, kChunkBytes / sizeof(Stored)> chunk;
    std::int64_t offset = entry.begin;
    while (!values.empty()) {
      const std::size_t count = std::min(values.size(), chunk.size());
      const std::span<Stored> stored(chunk.data(), count);
      read_exactly(descriptor, offset, std::as_writable_bytes(stored), file);
      std::transform(stored.begin(), stored.end(), values.begin(), convert);
      offset += static_cast<std::int64_t>(stored.size_bytes());
      values = values.subspan(count);
    }
  }
};

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& file) : file_(file) {
  // O_NONBLOCK has no effect on a regular file; opening a pipe would wait for a writer.
  Descriptor descriptor = open_descriptor(file, O_RDONLY | O_NONBLOCK);
  if (!descriptor.valid()) throw system_error("open", file, errno);
  const std::int64_t size = regular_size(descriptor.get(), file);
  const std::int64_t length = header_length(descriptor.get(), size, file);
  std::string text(static_cast<std::size_t>(length), '\0');
  read_exactly(descriptor.get(), kHeaderLengthBytes, std::as_writable_bytes(std::span(text)), file);
  const std::int64_t data_begin = kHeaderLengthBytes + length;
  SafetensorsHeader header = parse_safetensors_header(text, file, data_begin, size - data_begin);
  metadata_ = std::move(header.metadata);
  entries_ = std::move(header.entries);
  descriptor_ = descriptor.release();
}

SafetensorsReader::SafetensorsReader(SafetensorsReader&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      metadata_(std::move(other.metadata_)),
      entries_(std::move(other.entries_)) {}

SafetensorsReader& SafetensorsReader::operator=(SafetensorsReader&& other) noexcept {
  if (this != &other) {
    const Descriptor old(descriptor_);
    file_ = std::move(other.file_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    metadata_ = std::move(other.metadata_);
    entries_ = std::move(other.entries_);
  }
  return *this;
}

SafetensorsReader::~SafetensorsReader() {
  const Descriptor closed(descriptor_);
}

const TensorEntry* SafetensorsReader::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

std::vector<float> SafetensorsReader::read(const TensorEntry& entry) const {
  std::vector<float> values;
  const auto resize = [&] { values.resize(static_cast<std::size_t>(entry.bytes / type_bytes(entry.type))); };
  switch (entry.type) {
    case TensorType::f32:
      resize();
      read_exactly(descriptor_, entry.begin, std::as_writable_bytes(std::span(values)), file_);
      return values;
    case TensorType::f64:
      resize();
      Converted<std::uint64_t>{descriptor_, file_, entry}.into(values, f64_to_float);
      return values;
    case TensorType::f16:
      resize();
      Converted<std::uint16_t>{descriptor_, file_, entry}.into(values, f16_to_float);
      return values;
    case TensorType::bf16:
      resize();
      Converted<std::uint16_t>{descriptor_, file_, entry}.into(values, bf16_to_float);
      return values;
    default:
      throw FormatError(
          fmt::format("{}: tensor {} has the type {}, but F32, F64, F16 or BF16 was expected; convert it to "
                      "float32 before saving it",
                      quoted_path(file_), quoted_name(entry.name), type_name(entry.type)));
  }
}

}  // namespace rushlight
