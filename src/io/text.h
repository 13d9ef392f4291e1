// Words for error messages: untrusted names made printable, paths, shapes, and the system's reason for a failure.
#pragma once

#include <rushlight/error.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace rushlight {

/// In single quotes, control characters escaped, cut after 120 bytes: text that came out of a file.
std::string quoted_name(std::string_view text);

/// In single quotes, whole: a path that the caller gave.
std::string quoted_path(const std::filesystem::path& path);

/// `[512, 784]`; `[]` for a scalar. Cut after 8 extents.
std::string shape_text(std::span<const std::int64_t> shape);

/// `cannot write 'x': No space left on device; free some space ...`. `action` is a verb in the infinitive; `error` is
/// an errno.
FormatError system_error(std::string_view action, const std::filesystem::path& path, int error);

}  // namespace rushlight
