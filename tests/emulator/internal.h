// What the files of the emulated device say to each other.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/emulator/emulator.h"

namespace rushlight::emulator {

/// A misuse that a real device would punish at random, or not at all: prints it and ends the process by abort().
[[noreturn]] void violation(const std::string& what);

/// A number in [0, bound) of the sequence that the seed gives.
std::uint64_t draw(std::uint64_t bound);
void reseed(std::uint64_t seed);

// --- grid.cpp, block.cpp, fiber.cpp: running kernels ----------------------------------------------------------------

/// A launch with its arguments held by value.
struct Launch {
  const void* kernel = nullptr;
  std::string name;
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
  std::function<void()> thread;  // What one thread does.
};

/// Runs all threads of all blocks to their end, on the calling host thread. For ThreadSanitizer everything that the
/// current fiber did comes before it, and it comes before everything that the current fiber does next.
void run_grid(const Launch& launch);

// --- stream.cpp: queues ---------------------------------------------------------------------------------------------

/// cudaLaunchKernelEx of the emulated device, typed: cuda_as_cpp.h sends every launch here.
cudaError_t enqueue_launch(const cudaLaunchConfig_t& config, Launch launch);

// --- memory.cpp -----------------------------------------------------------------------------------------------------

/// Whether [data, data + bytes) lies in one live device allocation.
bool is_device_memory(const void* data, std::size_t bytes);

}  // namespace rushlight::emulator
