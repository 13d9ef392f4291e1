// Values of any plain type between the lanes of a whole warp.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rushlight {

inline constexpr unsigned kWarpThreads = 32;
inline constexpr unsigned kFullWarp = 0xFFFFFFFFu;

/// Lane `lane + delta`'s value; the lane's own where there is none. All lanes take part.
template <class T>
__device__ inline T shuffle_down(const T& value, unsigned delta) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint32_t) == 0);
  std::uint32_t words[sizeof(T) / sizeof(std::uint32_t)];
  std::memcpy(words, &value, sizeof(T));
  for (std::uint32_t& word : words) word = __shfl_down_sync(kFullWarp, word, delta);
  T result;
  std::memcpy(&result, words, sizeof(T));
  return result;
}

/// Lane 0's value. All lanes take part.
template <class T>
__device__ inline T broadcast(const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint32_t) == 0);
  std::uint32_t words[sizeof(T) / sizeof(std::uint32_t)];
  std::memcpy(words, &value, sizeof(T));
  for (std::uint32_t& word : words) word = __shfl_sync(kFullWarp, word, 0);
  T result;
  std::memcpy(&result, words, sizeof(T));
  return result;
}

}  // namespace rushlight
