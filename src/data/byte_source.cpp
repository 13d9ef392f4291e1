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
constexpr unsigned kBuffer = 1u << 18;
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;

struct OpenFile {
  int descriptor;
  std::int64_t length;
};

OpenFile open_regular(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw FormatError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)));
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    throw FormatError(fmt::format("{}: an IDX file was expected, but this is no regular file", file.string()));
  }
  return {descriptor, status.st_size};
}

}  // namespace

ByteSource::ByteSource(const std::filesystem::path& file) : file_(file), stream_(nullptr, &gzclose) {
  const OpenFile opened = open_regular(file);
  stream_.reset(gzdopen(opened.descriptor, "rb"));
  if (!stream_) {
    close(opened.descriptor);
    throw FormatError(fmt::format("{}: zlib found no memory to read it", file.string()));
  }
  gzbuffer(stream_.get(), kBuffer);
  const bool plain = gzdirect(stream_.get()) != 0;
  most_bytes_ = plain ? opened.length : opened.length * kMostInflation;
}

void ByteSource::fail_damaged() {
  int code = 0;
  const char* const message = gzerror(stream_.get(), &code);
  throw FormatError(fmt::format("{}: damaged after {} bytes of content ({}): fetch the file again", file_.string(),
                                offset_, code == Z_ERRNO ? std::strerror(errno) : message));
}

void ByteSource::read(std::span<std::uint8_t> bytes, const char* what) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto wanted = static_cast<unsigned>(std::min(bytes.size() - done, kMostAtOnce));
    const int got = gzread(stream_.get(), bytes.data() + done, wanted);
    int code = 0;
    gzerror(stream_.get(), &code);
    if (got < 0 || (got == 0 && code != Z_OK && code != Z_STREAM_END)) fail_damaged();
    if (got == 0) {
      throw FormatError(
          fmt::format("{}: ends after {} bytes, in the middle of {}, which needs {} more: fetch the file "
                      "again",
                      file_.string(), offset_, what, bytes.size() - done));
    }
    done += static_cast<std::size_t>(got);
    offset_ += got;
  }
}

void ByteSource::expect_end() {
  std::uint8_t extra = 0;
  const int got = gzread(stream_.get(), &extra, 1);
  int code = 0;
  gzerror(stream_.get(), &code);
  if (got > 0) {
    throw FormatError(fmt::format("{}: its header promises {} bytes in all, but there are more: fetch the file again",
                                  file_.string(), offset_));
  }
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) fail_damaged();
}

}  // namespace rushlight
