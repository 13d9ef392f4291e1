// What a CPU can do at most: multiply-adds in registers, and copies from memory to memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rushlight {

/// A loop of independent multiply-adds on fp32 vectors that touches no memory.
struct FmaLoop {
  const char* vectors;  ///< `AVX-512`, `AVX2`, `NEON`, or `none`.
  int flops;            ///< A round and thread.
  float (*run)(std::int64_t rounds);
};

/// The widest that this processor has.
FmaLoop widest_fma_loop();

/// `rounds` rounds on each of `threads` threads.
void run_fma(const FmaLoop& loop, int threads, std::int64_t rounds);

/// A part of the block for each thread, past the caches where the processor can: what is written is not read before.
/// REQUIRES: addresses and size are multiples of 64.
void copy_block(int threads, std::byte* to, const std::byte* from, std::int64_t bytes);

}  // namespace rushlight
