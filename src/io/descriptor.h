// An owned file descriptor, and system calls that go on after a signal or a short transfer.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

namespace rushlight {

/// Closes its descriptor. Move-only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  bool valid() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  void reset();

 private:
  int descriptor_ = -1;
};

/// `open` with O_CLOEXEC. On failure the result is not valid and errno says why.
Descriptor open_descriptor(const std::filesystem::path& path, int flags, mode_t mode = 0);

/// Each returns 0, or the errno of the failure.
int write_all(int descriptor, std::span<const std::byte> bytes);
int sync_file(int descriptor);

/// Makes the names in `folder` durable. File systems that cannot sync a folder are taken as they are.
int sync_folder(const std::filesystem::path& folder);

/// The folder that holds `file`: `.` for a bare name.
std::filesystem::path folder_of(const std::filesystem::path& file);

}  // namespace rushlight
