// The command line as a function. Results go to `out`, talk to `err`.
#pragma once

#include <ostream>

namespace rushlight {

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

enum ExitCode { kDone = 0, kWrongUsage = 2, kBadData = 3, kNoDevice = 4, kDiverged = 5, kInterrupted = 130 };

/// Never throws: an error is one sentence on `err` and its exit code.
int run(int argc, const char* const* argv, Streams streams);

}  // namespace rushlight
