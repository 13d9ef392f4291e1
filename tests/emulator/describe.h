// Words for messages.
#pragma once

#include <string>
#include <vector>

#include "tests/emulator/block.h"

namespace rushlight::emulator {

/// "kernel NAME, block (x, y, z)".
std::string where(const Launch& launch, const uint3& block);

/// "threads 0-30 wait at __syncthreads; threads 31, 40 have ended; ...".
std::string whereabouts(const std::vector<Thread>& threads);

}  // namespace rushlight::emulator
