// What this build is.
#pragma once

#include <string>

namespace rushlight {

/// `0.1.0`.
std::string version();

/// The sources' commit, with `-dirty` where they were changed; `unknown` without git.
std::string commit();

/// Several lines for a person: version, commit, compilers and flags, backends and their libraries.
std::string version_details();

}  // namespace rushlight
