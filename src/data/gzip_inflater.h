// Inflates gzip as it comes: one member after another, each with its checksum.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace rushlight {

/// What is wrong with the bytes, in a few words.
struct GzipError {
  const char* reason;
};

class GzipInflater {
 public:
  GzipInflater();
  ~GzipInflater();

  /// What there is to inflate next. REQUIRES: all that was given before is consumed.
  void give(std::span<std::uint8_t> packed);

  /// Whether all that was given is consumed.
  bool hungry() const;

  /// Whether the last member is whole, with its checksum, and no other has begun.
  bool between_members() const { return member_ended_; }

  /// Goes on until `bytes` are full or all that was given is consumed; how many were written. What is consumed may wait
  /// for more bytes to be written to.
  /// @throws GzipError where a member is not what gzip allows, or its checksum is wrong.
  std::size_t inflate(std::span<std::uint8_t> bytes);

 private:
  struct Stream;

  void begin_member();
  bool read_header();

  std::unique_ptr<Stream> stream_;
  bool in_header_ = true;
  bool member_ended_ = false;
};

}  // namespace rushlight
