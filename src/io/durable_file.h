// Replaces a file so that a crash at any moment leaves the old one or the new one, whole.
#pragma once

#include "src/io/descriptor.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace rushlight {

/// Collects the new content in a temporary file of the same folder; `commit` puts it in the place of `file`. Without a
/// commit the temporary is removed and `file` stays as it was. Not thread-safe; one writer a file.
class DurableFile {
 public:
  /// A symbolic link is followed, and keeps pointing at the file. @throws FormatError if the folder is missing or
  /// unwritable, or `file` is there and is no regular file.
  explicit DurableFile(const std::filesystem::path& file);
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;
  ~DurableFile();

  /// Appends to the new content. @throws FormatError, for instance when the disk is full.
  void write(std::span<const std::byte> bytes);

  /// fsync, rename, fsync of the folder. Call it once, last. @throws FormatError.
  void commit();

 private:
  std::filesystem::path file_;    // As the caller named it: for messages.
  std::filesystem::path target_;  // Behind symbolic links.
  std::filesystem::path temporary_;
  Descriptor descriptor_;
};

/// Whether `name`, without its folder, is one that DurableFile gives its temporaries: `.<file>.tmp-<pid>`.
bool is_temporary_name(std::string_view name);

}  // namespace rushlight
