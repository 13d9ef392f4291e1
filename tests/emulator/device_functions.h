// What cuda_as_cpp.h asks of the emulated device: the untyped side of CUDA's device functions and of a launch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rushlight::emulator {

/// What a thread is at.
enum class Call : std::uint8_t {
  none,
  exited,
  syncthreads,
  syncthreads_count,
  syncthreads_and,
  syncthreads_or,
  syncwarp,
  shfl,
  shfl_up,
  shfl_down,
  shfl_xor,
  ballot,
  any,
  all,
};

/// Returns how many threads gave a true predicate.
int block_barrier(Call call, bool predicate);
unsigned block_threads();

void warp_barrier(unsigned mask);
/// The bits of the lane that `call` selects; all ones, a NaN, where CUDA leaves the value undefined.
std::uint64_t warp_shuffle(Call call, unsigned mask, std::uint64_t bits, unsigned operand, int width);
/// The lanes of the mask whose predicate is true.
unsigned warp_vote(Call call, unsigned mask, bool predicate);
/// The mask of the calling lane alone: CUDA promises no more.
unsigned active_lanes();

void* block_shared_memory(std::size_t bytes);

/// `text` is what stands between the parentheses of cudaLaunchKernelEx.
std::string launch_name(const char* text, const std::string& parameter_types);
std::string readable_type(const char* mangled);
/// A violation if one of the argument's words points into the host's memory.
void check_argument(const std::string& kernel, std::size_t number, const void* argument, std::size_t bytes);

}  // namespace rushlight::emulator
