#include "src/io/text.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace rushlight {
namespace {

constexpr std::size_t kLongestName = 120;
constexpr std::size_t kLongestShape = 8;

std::string_view advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another folder";
    case EFBIG:
      return "raise the limit on file sizes or choose another folder";
    case ENOENT:
    case ENOTDIR:
      return "check the path, and create the folder first if it is missing";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check the permissions or choose another folder";
    case EISDIR:
      return "give the path of a file, not of a folder";
    default:
      return "check the path and the disk";
  }
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

// A cut between the bytes of one UTF-8 character would make the whole message invalid.
std::size_t cut_position(std::string_view text, std::size_t longest) {
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return end;
}

}  // namespace

std::string quoted_name(std::string_view text) {
  if (text.size() <= kLongestName) return fmt::format("'{}'", escaped(text));
  return fmt::format("'{}...'", escaped(text.substr(0, cut_position(text, kLongestName))));
}

std::string quoted_path(const std::filesystem::path& path) {
  return fmt::format("'{}'", escaped(path.string()));
}

std::string shape_text(std::span<const std::int64_t> shape) {
  if (shape.size() <= kLongestShape) return fmt::format("[{}]", fmt::join(shape, ", "));
  return fmt::format("[{}, ...]", fmt::join(shape.first(kLongestShape), ", "));
}

FormatError system_error(std::string_view action, const std::filesystem::path& path, int error) {
  return FormatError(fmt::format("cannot {} {}: {}; {}", action, quoted_path(path),
                                 std::generic_category().message(error), advice(error)));
}

}  // namespace rushlight
