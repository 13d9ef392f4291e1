// Words of commands that a message shows.
#pragma once

#include <string>

namespace rushlight::app {

/// `text` as one word of a POSIX shell: in quotes where it needs them.
std::string shell_word(const std::string& text);

}  // namespace rushlight::app
