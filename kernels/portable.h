// What lets one source compile for the CPU and, under nvcc, for the GPU.
#pragma once

// RL_UNROLL: before a loop of a known number of steps, 16 at most. nvcc unrolls such a loop by itself.
#if defined(__CUDACC__)
#define RL_HD __host__ __device__
#define RL_UNROLL
#else
#define RL_HD
#define RL_UNROLL _Pragma("GCC unroll 16")
#endif

namespace rushlight {

/// Whether this build is for the emulated device.
#if defined(RUSHLIGHT_EMULATED)
inline constexpr bool kEmulated = true;
#else
inline constexpr bool kEmulated = false;
#endif

/// Whether this compilation is for a GPU, or for the emulated one. Where the two want their loops written differently.
#if defined(__CUDA_ARCH__)
inline constexpr bool kOnGpu = true;
#else
inline constexpr bool kOnGpu = kEmulated;
#endif

/// One store of 128 bits on a GPU, where nvcc takes plain assignments apart. REQUIRES: `target` is aligned to 16 bytes.
RL_HD inline void store_four_floats(float* target, const float* values) {
#if defined(__CUDA_ARCH__)
  __stwb(reinterpret_cast<float4*>(target), make_float4(values[0], values[1], values[2], values[3]));
#else
  for (int i = 0; i < 4; ++i) target[i] = values[i];
#endif
}

}  // namespace rushlight
