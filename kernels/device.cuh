// What only a GPU's instructions can do, one each. The emulated device has a file of this name of its own.
#pragma once

#include <cstdint>
#include <type_traits>

namespace rushlight {

inline constexpr unsigned kWarpThreads = 32;
inline constexpr unsigned kFullWarp = 0xFFFFFFFFu;

/// The block's shared memory, whose size the launch gives: at least sizeof(Layout). Not initialized.
template <class Layout>
__device__ inline Layout& shared_memory() {
  extern __shared__ __align__(16) unsigned char rushlight_shared_memory[];
  return *reinterpret_cast<Layout*>(rushlight_shared_memory);
}

/// Waits for all threads of the block, and orders their accesses to memory.
__device__ inline void sync_block() {
  __syncthreads();
}

/// Waits for the lanes in `mask`, and orders their accesses to memory.
__device__ inline void sync_warp(unsigned mask) {
  __syncwarp(mask);
}

/// A word of lane `lane + delta`; its own where there is none.
__device__ inline std::uint32_t shuffle_down_word(unsigned mask, std::uint32_t word, unsigned delta) {
  return __shfl_down_sync(mask, word, delta);
}

/// A word of lane `source`.
__device__ inline std::uint32_t shuffle_word(unsigned mask, std::uint32_t word, unsigned source) {
  return __shfl_sync(mask, word, static_cast<int>(source));
}

}  // namespace rushlight
