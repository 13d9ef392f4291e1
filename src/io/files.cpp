// Text files of a run's folder: replaced, appended to, read, and cleaned up after a crash.
#include <rushlight/error.h>
#include <rushlight/io.h>

#include "src/io/durable_file.h"
#include "src/io/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <vector>

namespace rushlight {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> text_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

struct OpenedForAppend {
  Descriptor descriptor;
  bool created;
};

OpenedForAppend open_for_append(const fs::path& file) {
  Descriptor descriptor = open_descriptor(file, O_WRONLY | O_APPEND);
  if (descriptor.valid() || errno != ENOENT) return {std::move(descriptor), false};
  return {open_descriptor(file, O_WRONLY | O_APPEND | O_CREAT, 0666), true};
}

// Half a line would be worse than none: what was there before the failed append is all that stays.
void undo_append(int descriptor, off_t size) {
  if (::ftruncate(descriptor, size) == 0) static_cast<void>(sync_file(descriptor));
}

}  // namespace

void write_file(const fs::path& file, std::string_view text) {
  DurableFile durable(file);
  durable.write(text_bytes(text));
  durable.commit();
}

void append_file(const fs::path& file, std::string_view text) {
  const OpenedForAppend opened = open_for_append(file);
  const int descriptor = opened.descriptor.get();
  struct stat status {};
  if (!opened.descriptor.valid() || ::fstat(descriptor, &status) != 0) throw system_error("append to", file, errno);
  int error = write_all(descriptor, text_bytes(text));
  if (error == 0) error = sync_file(descriptor);
  if (error != 0) {
    undo_append(descriptor, status.st_size);
    throw system_error("append to", file, error);
  }
  if (!opened.created) return;
  error = sync_folder(folder_of(file));
  if (error != 0) throw system_error("make durable", file, error);
}

std::string read_file(const fs::path& file, std::int64_t limit) {
  const Descriptor descriptor = open_descriptor(file, O_RDONLY);
  if (!descriptor.valid()) throw system_error("open", file, errno);
  std::string text;
  std::array<char, 1U << 16> chunk;
  while (true) {
    const ssize_t count = ::read(descriptor.get(), chunk.data(), chunk.size());
    if (count == 0) return text;
    if (count > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      throw system_error("read", file, errno);
    }
    if (static_cast<std::int64_t>(text.size()) > limit) {
      throw FormatError(
          fmt::format("{} is larger than {} bytes, the most that is read here; check that it is the file "
                      "that was meant",
                      quoted_path(file), limit));
    }
  }
}

void remove_stale_temporaries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> stale;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    const bool regular = fs::is_regular_file(entry->symlink_status(unknown));
    if (regular && is_temporary_name(entry->path().filename().string())) stale.push_back(entry->path());
  }
  if (error) throw system_error("list", folder, error.value());
  for (const fs::path& path : stale) {
    if (!fs::remove(path, error) && error) throw system_error("remove", path, error.value());
  }
}

}  // namespace rushlight
