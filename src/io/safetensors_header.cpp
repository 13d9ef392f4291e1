#include "src/io/safetensors_header.h"

#include <rushlight/error.h>

#include "src/io/safetensors_events.h"
#include "src/io/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_set>

namespace rushlight {
namespace {

constexpr std::size_t kDataAlignment = 8;

// Bytes of a dense tensor; nothing when they do not fit in 63 bits.
std::optional<std::int64_t> dense_bytes(std::span<const std::int64_t> shape, TensorType type) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t extent) { return extent < 0; })) return std::nullopt;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t bytes = type_bytes(type);
  for (const std::int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes;
}

void check_size(const TensorEntry& entry, const std::filesystem::path& file) {
  const std::optional<std::int64_t> expected = dense_bytes(entry.shape, entry.type);
  if (expected == entry.bytes) return;
  throw FormatError(
      fmt::format("{}: tensor {} of type {} and shape {} takes {} bytes, but its offsets span {}; the file "
                  "is damaged, write it anew",
                  quoted_path(file), quoted_name(entry.name), type_name(entry.type), shape_text(entry.shape),
                  expected ? std::to_string(*expected) : "2^63 or more", entry.bytes));
}

// The format demands that tensors lie back to back and fill the file: no byte unread, none read twice.
void check_cover(std::span<const TensorEntry> entries, const std::filesystem::path& file, std::int64_t data_bytes) {
  std::int64_t position = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != position) {
      throw FormatError(
          fmt::format("{}: tensor {} begins at data offset {}, but {} was expected, where the tensor before "
                      "it ends; the file is damaged, write it anew",
                      quoted_path(file), quoted_name(entry.name), entry.begin, position));
    }
    if (entry.bytes > data_bytes - position) {
      throw FormatError(
          fmt::format("{}: tensor {} ends at data offset {}, but the file ends at {}; it is cut off, copy or "
                      "write it anew",
                      quoted_path(file), quoted_name(entry.name), entry.begin + entry.bytes, data_bytes));
    }
    position += entry.bytes;
  }
  if (position != data_bytes) {
    throw FormatError(
        fmt::format("{}: the tensors end at data offset {}, but the file at {}; it is damaged, write it anew",
                    quoted_path(file), position, data_bytes));
  }
}

void append_entry(std::string& header, std::string_view name, const std::string& value) {
  if (header.size() > 1) header += ',';
  header += nlohmann::json(name).dump() + ':' + value;
}

std::string entry_text(const TensorView& tensor, std::int64_t begin) {
  const std::optional<std::int64_t> bytes = dense_bytes(tensor.shape, TensorType::f32);
  if (bytes != static_cast<std::int64_t>(tensor.values.size_bytes())) {
    throw InvalidArgument(fmt::format("tensor {} has the shape {}, which does not hold its {} values",
                                      quoted_name(tensor.name), shape_text(tensor.shape), tensor.values.size()));
  }
  return fmt::format(R"({{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})", fmt::join(tensor.shape, ","), begin,
                     begin + *bytes);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::filesystem::path& file,
                                           std::int64_t data_begin, std::int64_t data_bytes) {
  // The parser would take a NUL for the end, and skip a byte order mark.
  const std::size_t nul = text.find('\0');
  if (text.empty() || text.front() != '{' || nul != std::string_view::npos) {
    throw FormatError(
        fmt::format("{}: the safetensors header is not a JSON object at byte {} of the file; it is damaged, "
                    "or no safetensors file",
                    quoted_path(file),
                    kHeaderLengthBytes + static_cast<std::int64_t>(!text.empty() && text.front() == '{' ? nul : 0)));
  }
  SafetensorsEvents events(quoted_path(file));
  nlohmann::json::sax_parse(text.begin(), text.end(), &events);
  SafetensorsHeader header = events.take();
  std::sort(header.entries.begin(), header.entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.bytes, a.name) < std::tie(b.begin, b.bytes, b.name);
  });
  for (const TensorEntry& entry : header.entries) check_size(entry, file);
  check_cover(header.entries, file, data_bytes);
  for (TensorEntry& entry : header.entries) entry.begin += data_begin;
  return header;
}

std::string make_safetensors_header(std::span<const TensorView> tensors,
                                    const std::map<std::string, std::string>& metadata) try {
  std::string header = "{";
  if (!metadata.empty()) append_entry(header, "__metadata__", nlohmann::json(metadata).dump());
  std::unordered_set<std::string_view> names{"__metadata__"};
  std::int64_t position = 0;
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw InvalidArgument(
          fmt::format("the name {} is taken; give each tensor a name of its own", quoted_name(tensor.name)));
    }
    append_entry(header, tensor.name, entry_text(tensor, position));
    position += static_cast<std::int64_t>(tensor.values.size_bytes());
  }
  header += '}';
  while (header.size() % kDataAlignment != 0) header += ' ';
  if (static_cast<std::int64_t>(header.size()) > kLongestHeader) {
    throw InvalidArgument(
        fmt::format("{} tensors and their metadata need a header of {} bytes, but safetensors allows {}",
                    tensors.size(), header.size(), kLongestHeader));
  }
  return header;
} catch (const nlohmann::json::exception&) {
  throw InvalidArgument("a tensor's name or a value of the metadata is not valid UTF-8; give it another name");
}

std::string_view type_name(TensorType type) {
  switch (type) {
    case TensorType::f64:
      return "F64";
    case TensorType::f32:
      return "F32";
    case TensorType::f16:
      return "F16";
    case TensorType::bf16:
      return "BF16";
    case TensorType::i64:
      return "I64";
    case TensorType::i32:
      return "I32";
    case TensorType::i16:
      return "I16";
    case TensorType::i8:
      return "I8";
    case TensorType::u8:
      return "U8";
    case TensorType::boolean:
      return "BOOL";
  }
  return "unknown";
}

std::int64_t type_bytes(TensorType type) {
  switch (type) {
    case TensorType::f64:
    case TensorType::i64:
      return 8;
    case TensorType::f32:
    case TensorType::i32:
      return 4;
    case TensorType::f16:
    case TensorType::bf16:
    case TensorType::i16:
      return 2;
    default:
      return 1;
  }
}

}  // namespace rushlight
