#include "src/io/durable_file.h"

#include "src/io/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace rushlight {
namespace {

constexpr std::string_view kMark = ".tmp-";

std::filesystem::path target_of(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_symlink(file, error)) return file;
  std::filesystem::path target = std::filesystem::weakly_canonical(file, error);
  if (error) throw system_error("write", file, error.value());
  return target;
}

// A rename would put a plain file in the place of a device such as /dev/null.
void check_replaceable(const std::filesystem::path& file, const std::filesystem::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw system_error("write", file, errno);
  }
  if (S_ISDIR(status.st_mode)) throw system_error("write", file, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw FormatError(fmt::format("cannot write {}: it is no regular file; choose another path", quoted_path(file)));
  }
}

std::filesystem::path temporary_of(const std::filesystem::path& target) {
  return folder_of(target) / fmt::format(".{}{}{}", target.filename().string(), kMark, ::getpid());
}

}  // namespace

DurableFile::DurableFile(const std::filesystem::path& file)
    : file_(file), target_(target_of(file)), temporary_(temporary_of(target_)) {
  if (target_.filename().empty()) throw system_error("write", file_, EISDIR);
  check_replaceable(file_, target_);
  // Of a crashed process that had the same number, which in containers is common. O_EXCL follows no link.
  ::unlink(temporary_.c_str());
  descriptor_ = open_descriptor(temporary_, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!descriptor_.valid()) throw system_error("write", file_, errno);
  // Who may read the old file may read the new one.
  struct stat status {};
  if (::stat(target_.c_str(), &status) == 0) static_cast<void>(::fchmod(descriptor_.get(), status.st_mode & 0777U));
}

DurableFile::~DurableFile() {
  if (descriptor_.valid()) ::unlink(temporary_.c_str());
}

void DurableFile::write(std::span<const std::byte> bytes) {
  if (const int error = write_all(descriptor_.get(), bytes)) throw system_error("write", file_, error);
}

void DurableFile::commit() {
  if (const int error = sync_file(descriptor_.get())) throw system_error("write", file_, error);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw system_error("write", file_, errno);
  descriptor_.reset();
  if (const int error = sync_folder(folder_of(target_))) throw system_error("make durable", file_, error);
}

bool is_temporary_name(std::string_view name) {
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string_view::npos || mark < 2 || name.front() != '.') return false;
  const std::string_view number = name.substr(mark + kMark.size());
  return !number.empty() && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace rushlight
