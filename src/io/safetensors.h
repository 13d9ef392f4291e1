// The safetensors format: an 8-byte little-endian header length, a JSON header, tensors back to back.
// Source: the format's specification at huggingface/safetensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rushlight {

enum class TensorType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

/// A tensor inside a file, as its header describes it.
struct TensorEntry {
  std::string name;
  TensorType type;
  std::vector<std::int64_t> shape;
  std::int64_t begin;  ///< Offset of its first byte in the file.
  std::int64_t bytes;
};

/// A float32 tensor to write; looks at memory that the caller owns. Dense, row-major.
struct TensorView {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

/// Reads the header at once and checks it against the file's real length before anything of that size is allocated;
/// tensors are read when asked for. Holds the file open: a file that is replaced meanwhile does no harm.
class SafetensorsReader {
 public:
  /// @throws FormatError that names the file, the offset or tensor, what was expected and what to do.
  explicit SafetensorsReader(const std::filesystem::path& file);
  SafetensorsReader(SafetensorsReader&& other) noexcept;
  SafetensorsReader& operator=(SafetensorsReader&& other) noexcept;
  ~SafetensorsReader();

  const std::filesystem::path& file() const { return file_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::vector<TensorEntry>& entries() const { return entries_; }  ///< In file order.

  /// Null if there is no tensor of that name.
  const TensorEntry* find(std::string_view name) const;

  /// The tensor as float32, converted from f64, f16 or bf16 where needed. @throws FormatError for other types.
  std::vector<float> read(const TensorEntry& entry) const;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::map<std::string, std::string> metadata_;
  std::vector<TensorEntry> entries_;
};

/// Writes float32 tensors in the order given, crash-safe (see `write_file`). Offsets are aligned to 8 bytes by padding
/// the header.
/// @throws FormatError if the file cannot be written; InvalidArgument if two tensors share a name, or a shape and a
/// size disagree.
void write_safetensors(const std::filesystem::path& file, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace rushlight
