// What this build is.
#pragma once

#include <string>

namespace rushlight {

/// `0.1.0`.
std::string version();

/// Several lines for a person: version, commit, compilers and flags, backends and their libraries.
std::string version_details();

}  // namespace rushlight
