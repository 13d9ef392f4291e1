// kernels/device.cuh of the emulated device, found first.
#pragma once

#include <cstddef>

#include "tests/emulator/device_functions.h"

namespace rushlight {

/// The block's shared memory, whose size the launch gives: at least sizeof(Layout). Filled with NaNs.
template <class Layout>
Layout& shared_memory() {
  static_assert(alignof(Layout) <= 32, "kernels/device.cuh aligns it so");
  return *static_cast<Layout*>(emulator::block_shared_memory(sizeof(Layout)));
}

}  // namespace rushlight
