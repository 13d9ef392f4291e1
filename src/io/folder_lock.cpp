#include <rushlight/error.h>
#include <rushlight/io.h>

#include "src/io/descriptor.h"
#include "src/io/text.h"

#include <fcntl.h>
#include <sys/file.h>

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace rushlight {

// The file stays when the lock goes: removing it would let two processes lock two files of one name.
FolderLock::FolderLock(const std::filesystem::path& folder) : descriptor_(-1) {
  Descriptor descriptor = open_descriptor(folder / ".lock", O_RDWR | O_CREAT, 0666);
  if (!descriptor.valid()) throw system_error("lock", folder, errno);
  while (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      throw FormatError(fmt::format("another process uses the folder {}; wait until it ends, or choose another folder",
                                    quoted_path(folder)));
    }
    if (errno != EINTR) throw system_error("lock", folder, errno);
  }
  descriptor_ = descriptor.release();
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  if (this != &other) {
    const Descriptor old(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

FolderLock::~FolderLock() {
  const Descriptor closed(descriptor_);
}

}  // namespace rushlight
