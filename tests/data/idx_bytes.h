// IDX files as bytes, plain and gzip, written without the library.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace rushlight {

inline std::string idx_header(const std::vector<std::uint32_t>& sizes) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(size >> shift & 0xFFU));
  }
  return bytes;
}

/// All 256 values occur in a file that is long enough.
inline std::string idx_bytes(const std::vector<std::uint32_t>& sizes) {
  std::size_t count = 1;
  for (const std::uint32_t size : sizes) count *= size;
  std::string bytes = idx_header(sizes);
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>((i * 167 + 13) & 0xFFU));
  return bytes;
}

inline std::string idx_labels(const std::string& labels) {
  return idx_header({static_cast<std::uint32_t>(labels.size())}) + labels;
}

/// Content that gzip cannot pack.
inline std::string idx_noise(std::uint32_t count) {
  std::mt19937 random(count);
  std::string bytes = idx_header({count, 1});
  for (std::uint32_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(random() & 0xFFU));
  return bytes;
}

/// One gzip member, with a header's optional fields.
inline std::string gzip(const std::string& bytes, gz_header* header = nullptr) {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib");
  }
  if (header != nullptr && deflateSetHeader(&stream, header) != Z_OK) throw std::runtime_error("zlib");
  std::string in = bytes;
  std::string out(deflateBound(&stream, in.size()), '\0');
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) throw std::runtime_error("zlib");
  return out;
}

}  // namespace rushlight
