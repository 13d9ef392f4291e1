// Model files, and the durable writes that a training run rests on.
#pragma once

#include <rushlight/sequential.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace rushlight {

/// Writes the weights as safetensors, named as PyTorch's `state_dict` names them, with a description of the modules in
/// the metadata. Crash-safe: afterwards the old file or the new one is there, whole.
/// @throws FormatError if the file cannot be written; InvalidArgument if the model is not initialized.
void save(const Sequential& model, const std::filesystem::path& file);

struct LoadedModel {
  Sequential model;      ///< On the CPU, in eval mode.
  std::string inferred;  ///< What had to be guessed for a file without our metadata, as one line; else empty.
};

/// Reads a file of `save`, of `Trainer::save`, or any safetensors file of a PyTorch Sequential of Linears: there a 2-D
/// `N.weight` is a Linear and ReLU stands between Linears. float32, float16, bfloat16 and float64 become float32.
/// @throws FormatError that names the file, the tensor or offset, what was expected and what to do.
LoadedModel load(const std::filesystem::path& file);

/// The few facts of a checkpoint that a resumed run needs before it loads it.
struct CheckpointInfo {
  std::uint64_t step = 0;
  std::uint64_t epoch = 0;       ///< Whole epochs.
  std::uint64_t epoch_step = 0;  ///< Steps into the next one.
  std::uint64_t seed = 0;
  std::uint64_t data_hash = 0;
};

/// Reads the metadata of a file of `Trainer::save`. @throws FormatError if it is none or damaged.
CheckpointInfo read_checkpoint_info(const std::filesystem::path& file);

/// Replaces `file` by `text`, crash-safe: temporary file in the same folder, fsync, rename, fsync of the folder.
/// @throws FormatError if it cannot be written.
void write_file(const std::filesystem::path& file, std::string_view text);

/// Appends `text` and waits until it is on the disk; creates the file if it is not there. @throws FormatError.
void append_file(const std::filesystem::path& file, std::string_view text);

/// The whole file. @throws FormatError if it is missing, unreadable or larger than `limit` bytes.
std::string read_file(const std::filesystem::path& file, std::int64_t limit = std::int64_t{1} << 26);

/// Removes the temporaries that writes cut off by a crash left in `folder`. @throws FormatError.
void remove_stale_temporaries(const std::filesystem::path& folder);

/// One process a folder: holds `flock` on `<folder>/.lock` until destroyed. Move-only.
class FolderLock {
 public:
  /// @throws FormatError if another process holds it, or the folder is missing or unwritable.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  int descriptor_;
};

}  // namespace rushlight
