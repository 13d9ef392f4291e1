// CUDA's own names for what a thread of a kernel can do, for kernels compiled as C++. There are no floating-point
// atomics: their sums depend on the order.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "tests/emulator/device_functions.h"

/// Those of the thread that runs.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
inline constexpr int warpSize = 32;

namespace rushlight::emulator {

template <class T>
concept Shuffled = std::is_trivially_copyable_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

template <class T>
concept Atomic = std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, unsigned long long>;

template <Shuffled T>
T shuffle(Call call, unsigned mask, T value, unsigned operand, int width) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const std::uint64_t bits = std::bit_cast<Bits>(value);
  return std::bit_cast<T>(static_cast<Bits>(warp_shuffle(call, mask, bits, operand, width)));
}

}  // namespace rushlight::emulator

inline void __syncthreads() {
  rushlight::emulator::block_barrier(rushlight::emulator::Call::syncthreads, false);
}
inline int __syncthreads_count(int predicate) {
  return rushlight::emulator::block_barrier(rushlight::emulator::Call::syncthreads_count, predicate != 0);
}
inline int __syncthreads_and(int predicate) {
  const int count = rushlight::emulator::block_barrier(rushlight::emulator::Call::syncthreads_and, predicate != 0);
  return count == static_cast<int>(rushlight::emulator::block_threads()) ? 1 : 0;
}
inline int __syncthreads_or(int predicate) {
  return rushlight::emulator::block_barrier(rushlight::emulator::Call::syncthreads_or, predicate != 0) != 0 ? 1 : 0;
}

inline void __syncwarp(unsigned mask = 0xffffffffu) {
  rushlight::emulator::warp_barrier(mask);
}

template <rushlight::emulator::Shuffled T>
T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize) {
  return rushlight::emulator::shuffle(rushlight::emulator::Call::shfl, mask, value, static_cast<unsigned>(lane), width);
}
template <rushlight::emulator::Shuffled T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  return rushlight::emulator::shuffle(rushlight::emulator::Call::shfl_up, mask, value, delta, width);
}
template <rushlight::emulator::Shuffled T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  return rushlight::emulator::shuffle(rushlight::emulator::Call::shfl_down, mask, value, delta, width);
}
template <rushlight::emulator::Shuffled T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = warpSize) {
  return rushlight::emulator::shuffle(rushlight::emulator::Call::shfl_xor, mask, value, static_cast<unsigned>(lanes),
                                      width);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return rushlight::emulator::warp_vote(rushlight::emulator::Call::ballot, mask, predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate) {
  return rushlight::emulator::warp_vote(rushlight::emulator::Call::any, mask, predicate != 0) != 0 ? 1 : 0;
}
/// Of the lanes that exist: in a block's last warp a mask may name more.
inline int __all_sync(unsigned mask, int predicate) {
  return rushlight::emulator::warp_vote(rushlight::emulator::Call::all, mask, predicate == 0) == 0 ? 1 : 0;
}
inline unsigned __activemask() {
  return rushlight::emulator::active_lanes();
}

void __threadfence();
void __threadfence_block();

template <rushlight::emulator::Atomic T>
T atomicAdd(T* address, std::type_identity_t<T> value);
template <rushlight::emulator::Atomic T>
T atomicMin(T* address, std::type_identity_t<T> value);
template <rushlight::emulator::Atomic T>
T atomicMax(T* address, std::type_identity_t<T> value);
template <rushlight::emulator::Atomic T>
T atomicExch(T* address, std::type_identity_t<T> value);
template <rushlight::emulator::Atomic T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value);
