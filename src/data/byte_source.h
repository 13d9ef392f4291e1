// The bytes of a file, inflated on the way if the file is gzip, which its content tells.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "src/data/gzip_inflater.h"

namespace rushlight {

class ByteSource {
 public:
  /// @throws FormatError if the file cannot be opened or is no regular file.
  explicit ByteSource(const std::filesystem::path& file);

  const std::filesystem::path& file() const { return file_; }

  /// What the file can hold at most: its length, or the most that gzip inflates from it.
  std::int64_t most_bytes() const { return most_bytes_; }

  /// Fills `bytes`. @throws FormatError that names the offset where the file ends early or is damaged.
  void read(std::span<std::uint8_t> bytes, const char* what);

  /// The next `count` bytes, as `read`; memory is taken as they come. REQUIRES: count <= most_bytes().
  std::vector<std::uint8_t> read_vector(std::int64_t count, const char* what);

  /// @throws FormatError if there are bytes left, or the file's checksum is wrong.
  void expect_end();

 private:
  std::size_t read_some(std::span<std::uint8_t> bytes);
  std::size_t inflate_some(std::span<std::uint8_t> bytes);
  bool refill();
  [[noreturn]] void fail_damaged(const char* reason) const;
  [[noreturn]] void fail_short(const char* what, std::size_t missing) const;

  std::filesystem::path file_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream_;
  std::int64_t most_bytes_ = 0;
  std::int64_t plausible_bytes_ = 0;
  std::int64_t offset_ = 0;               // In the content.
  std::optional<GzipInflater> inflater_;  // Of a gzip file.
  std::vector<std::uint8_t> packed_bytes_;
};

}  // namespace rushlight
