#include "src/data/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <rushlight/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rushlight {
namespace {

// Deflate's best: 258 bytes from two bits.
constexpr std::int64_t kMostInflation = 1032;
constexpr std::int64_t kUsualInflation = 6;  // MNIST's images take 4.8.
constexpr std::size_t kBuffer = std::size_t{1} << 18;
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
constexpr std::size_t kFirstShare = std::size_t{1} << 20;

struct OpenFile {
  std::FILE* stream;
  std::int64_t length;
};

OpenFile open_regular(const std::filesystem::path& file) {
  // O_NONBLOCK has no effect on a regular file; opening a pipe would wait for a writer.
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) throw FormatError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)));
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    throw FormatError(fmt::format("{}: an IDX file was expected, but this is no regular file", file.string()));
  }
  std::FILE* const stream = fdopen(descriptor, "rb");
  if (stream == nullptr) {
    close(descriptor);
    throw std::bad_alloc();
  }
  return {stream, status.st_size};
}

bool starts_as_gzip(std::FILE* stream) {
  std::uint8_t magic[2] = {};
  const std::size_t got = std::fread(magic, 1, sizeof(magic), stream);
  std::rewind(stream);
  return got == sizeof(magic) && magic[0] == 0x1f && magic[1] == 0x8b;
}

}  // namespace

ByteSource::ByteSource(const std::filesystem::path& file) : file_(file), stream_(nullptr, &std::fclose) {
  const OpenFile opened = open_regular(file);
  stream_.reset(opened.stream);
  const bool packed = starts_as_gzip(opened.stream);
  most_bytes_ = packed ? opened.length * kMostInflation : opened.length;
  plausible_bytes_ = packed ? opened.length * kUsualInflation : opened.length;
  if (!packed) return;
  packed_bytes_.resize(kBuffer);
  inflater_.emplace();
}

void ByteSource::fail_damaged(const char* reason) const {
  throw FormatError(
      fmt::format("{}: damaged after {} bytes of content ({}): fetch the file again", file_.string(), offset_, reason));
}

void ByteSource::fail_short(const char* what, std::size_t missing) const {
  throw FormatError(
      fmt::format("{}: ends after {} bytes, in the middle of {}, which needs {} more: fetch the file again",
                  file_.string(), offset_, what, missing));
}

bool ByteSource::refill() {
  const std::size_t got = std::fread(packed_bytes_.data(), 1, packed_bytes_.size(), stream_.get());
  if (std::ferror(stream_.get()) != 0) fail_damaged(std::strerror(errno));
  inflater_->give(std::span(packed_bytes_).first(got));
  return got > 0;
}

// Bytes that follow the last member are damage. What is consumed may still wait to be written.
std::size_t ByteSource::inflate_some(std::span<std::uint8_t> bytes) {
  std::size_t done = 0;
  try {
    while (done < bytes.size()) {
      const bool all_given = inflater_->hungry() && !refill();
      const std::size_t got = inflater_->inflate(bytes.subspan(done));
      done += got;
      if (got > 0 || !all_given) continue;
      if (inflater_->between_members()) break;
      fail_damaged("the gzip stream is cut off");
    }
  } catch (const GzipError& error) {
    fail_damaged(error.reason);
  }
  return done;
}

/// 0 at the end.
std::size_t ByteSource::read_some(std::span<std::uint8_t> bytes) {
  bytes = bytes.first(std::min(bytes.size(), kMostAtOnce));
  const std::size_t got = inflater_ ? inflate_some(bytes) : std::fread(bytes.data(), 1, bytes.size(), stream_.get());
  if (std::ferror(stream_.get()) != 0) fail_damaged(std::strerror(errno));
  offset_ += static_cast<std::int64_t>(got);
  return got;
}

void ByteSource::read(std::span<std::uint8_t> bytes, const char* what) {
  while (!bytes.empty()) {
    const std::size_t got = read_some(bytes);
    if (got == 0) fail_short(what, bytes.size());
    bytes = bytes.subspan(got);
  }
}

std::vector<std::uint8_t> ByteSource::read_vector(std::int64_t count, const char* what) {
  const auto wanted = static_cast<std::size_t>(count);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(static_cast<std::size_t>(std::min(count, plausible_bytes_)));
  while (bytes.size() < wanted) {
    const std::size_t done = bytes.size();
    const std::size_t share = inflater_ ? std::min(wanted - done, std::max(done, kFirstShare)) : wanted;
    bytes.resize(done + share);
    const std::size_t got = read_some(std::span(bytes).subspan(done));
    bytes.resize(done + got);
    if (got == 0) fail_short(what, wanted - done);
  }
  return bytes;
}

void ByteSource::expect_end() {
  std::uint8_t extra = 0;
  const std::int64_t promised = offset_;
  if (read_some({&extra, 1}) > 0) {
    throw FormatError(fmt::format("{}: its header promises {} bytes in all, but there are more: fetch the file again",
                                  file_.string(), promised));
  }
}

}  // namespace rushlight
