// The bytes of a file, inflated on the way if the file is gzip, which its content tells.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

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

  /// @throws FormatError if there are bytes left, or the file's checksum is wrong.
  void expect_end();

 private:
  [[noreturn]] void fail_damaged();

  std::filesystem::path file_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> stream_;
  std::int64_t most_bytes_ = 0;
  std::int64_t offset_ = 0;
};

}  // namespace rushlight
