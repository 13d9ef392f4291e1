// The JSON header of a safetensors file: parsed event by event, without a tree in memory, and checked as a whole.
#pragma once

#include "src/io/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rushlight {

/// The length in front of the header, and the longest header that the format allows.
inline constexpr std::int64_t kHeaderLengthBytes = 8;
inline constexpr std::int64_t kLongestHeader = 100'000'000;

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry> entries;  ///< In file order; `begin` counts from the file's start.
};

/// `data_begin` is the offset in the file of the first tensor's first byte; `data_bytes` what follows it.
/// @throws FormatError if the text is not a header, or its tensors do not cover those bytes exactly once.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::filesystem::path& file,
                                           std::int64_t data_begin, std::int64_t data_bytes);

/// The header for tensors in this order, padded with spaces so that the data begins at a multiple of 8 bytes.
/// @throws InvalidArgument as `write_safetensors`.
std::string make_safetensors_header(std::span<const TensorView> tensors,
                                    const std::map<std::string, std::string>& metadata);

/// As the format writes it: `F32`.
std::string_view type_name(TensorType type);
std::int64_t type_bytes(TensorType type);

}  // namespace rushlight
