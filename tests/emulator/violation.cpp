#include <cstdio>
#include <cstdlib>

#include "tests/emulator/internal.h"

namespace rushlight::emulator {

void violation(const std::string& what) {
  std::fprintf(stderr, "emulated device: %s\n", what.c_str());
  std::abort();
}

}  // namespace rushlight::emulator
