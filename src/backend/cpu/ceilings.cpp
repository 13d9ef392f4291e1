#include "src/backend/cpu/ceilings.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "src/backend/cpu/parallel_for.h"

namespace rushlight {
namespace {

// A sum a += a * kFactor changes its sign alone: no subnormal or infinite number slows it down.
constexpr float kFactor = -2.0f, kStart = 0.7310586f;

#if defined(__x86_64__)

// Twice as many sums as a multiply-add's latency of four cycles and two units need; what is left of the registers.
__attribute__((target("avx512f"))) float run_avx512(std::int64_t rounds) {
  constexpr int kSums = 24;
  const __m512 factor = _mm512_set1_ps(kFactor);
  __m512 sums[kSums];
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_ps(kStart + static_cast<float>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, sums[i]);
  }
  float total = 0;
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) total += _mm512_cvtss_f32(sums[i]);
  return total;
}

__attribute__((target("avx2,fma"))) float run_avx2(std::int64_t rounds) {
  constexpr int kSums = 12;
  const __m256 factor = _mm256_set1_ps(kFactor);
  __m256 sums[kSums];
#pragma GCC unroll 12
  for (int i = 0; i < kSums; ++i) sums[i] = _mm256_set1_ps(kStart + static_cast<float>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm256_fmadd_ps(sums[i], factor, sums[i]);
  }
  float total = 0;
#pragma GCC unroll 12
  for (int i = 0; i < kSums; ++i) total += _mm256_cvtss_f32(sums[i]);
  return total;
}

#elif defined(__aarch64__)

float run_neon(std::int64_t rounds) {
  constexpr int kSums = 24;
  const float32x4_t factor = vdupq_n_f32(kFactor);
  float32x4_t sums[kSums];
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) sums[i] = vdupq_n_f32(kStart + static_cast<float>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) sums[i] = vfmaq_f32(sums[i], sums[i], factor);
  }
  float total = 0;
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) total += vgetq_lane_f32(sums[i], 0);
  return total;
}

#endif

constexpr std::int64_t kLine = 64;

// Not memcpy, which streams or not by a size of the cache that is wrong on some processors.
void copy_lines(std::byte* to, const std::byte* from, std::int64_t lines) {
#if defined(__x86_64__)
  constexpr int kVectors = kLine / sizeof(__m128i);
  const auto* source = static_cast<const __m128i*>(static_cast<const void*>(from));
  auto* target = static_cast<__m128i*>(static_cast<void*>(to));
  for (; lines > 0; --lines, source += kVectors, target += kVectors) {
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) _mm_stream_si128(target + i, _mm_load_si128(source + i));
  }
  _mm_sfence();
#else
  std::memcpy(to, from, static_cast<std::size_t>(lines * kLine));
#endif
}

/// Whatever the compiler makes of it.
[[maybe_unused]] float run_plain(std::int64_t rounds) {
  constexpr int kSums = 16;
  float sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = kStart + static_cast<float>(i);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (float& sum : sums) sum += sum * kFactor;
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

}  // namespace

FmaLoop widest_fma_loop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", 24 * 16 * 2, run_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"AVX2", 12 * 8 * 2, run_avx2};
#elif defined(__aarch64__)
  return {"NEON", 24 * 4 * 2, run_neon};
#endif
  return {"none", 16 * 2, run_plain};
}

void run_fma(const FmaLoop& loop, int threads, std::int64_t rounds) {
  parallel_for(threads, threads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) [[maybe_unused]] volatile const float kept = loop.run(rounds);
  });
}

void copy_block(int threads, std::byte* to, const std::byte* from, std::int64_t bytes) {
  constexpr std::int64_t kGrain = 1024;
  parallel_for(threads, bytes / kLine, kGrain, [&](std::int64_t begin, std::int64_t end) {
    copy_lines(to + begin * kLine, from + begin * kLine, end - begin);
  });
}

}  // namespace rushlight
