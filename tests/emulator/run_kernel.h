// Runs a kernel at once, on memory of the host: for the tests of the emulated device itself.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tests/emulator/internal.h"

namespace rushlight::emulator {

template <class... Parameters, class... Arguments>
Launch make_launch(dim3 grid, dim3 block, std::size_t shared_bytes, void (*kernel)(Parameters...),
                   Arguments&&... arguments) {
  return [&](Parameters... values) {
    Launch launch;
    launch.name = "test";
    launch.grid = grid;
    launch.block = block;
    launch.shared_bytes = shared_bytes;
    launch.thread = [kernel, values...] { kernel(values...); };
    return launch;
  }(std::forward<Arguments>(arguments)...);
}

template <class... Parameters, class... Arguments>
void run_kernel(dim3 grid, dim3 block, std::size_t shared_bytes, void (*kernel)(Parameters...),
                Arguments&&... arguments) {
  run_grid(make_launch(grid, block, shared_bytes, kernel, std::forward<Arguments>(arguments)...));
}

constexpr std::uint64_t kSeeds = 20;

/// How many of the seeds make `right` false.
template <class Right>
std::uint64_t wrong_seeds(const Right& right) {
  std::uint64_t wrong = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    reseed(seed);
    if (!right()) ++wrong;
  }
  return wrong;
}

#if defined(__SANITIZE_THREAD__)
constexpr bool kTsan = true;
#else
constexpr bool kTsan = false;
#endif

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAsan = true;
#else
constexpr bool kAsan = false;
#endif

class KernelTest : public testing::Test {
 protected:
  void SetUp() override {
    // In a forked child of a process with fibers ThreadSanitizer sees no order: the child must start anew.
    if (kTsan) GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

}  // namespace rushlight::emulator
