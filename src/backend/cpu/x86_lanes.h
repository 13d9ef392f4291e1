// What the `Lanes` of AVX2 and of AVX-512 share. Only for files that are compiled for these vectors.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "kernels/philox.h"
#include "src/backend/cpu/lane_loops.h"

namespace rushlight {

/// Words, each in the low half of a 64-bit lane, so that a product needs no shuffle; the high halves do not count. In
/// several vectors, so that the sums of one go on while another's wait for a product.
template <class Lanes>
struct WideWords {
  typename Lanes::Words vector[Lanes::kPhiloxVectors];
};

template <class Lanes>
[[gnu::always_inline]] inline WideWords<Lanes> multiply_wide(std::uint32_t factor, WideWords<Lanes> words) {
  RL_UNROLL
  for (auto& vector : words.vector) Lanes::multiply_low_halves(factor, vector);
  return words;
}
template <class Lanes>
[[gnu::always_inline]] inline WideWords<Lanes> high_word(WideWords<Lanes> product) {
  RL_UNROLL
  for (auto& vector : product.vector) vector >>= 32;
  return product;
}
template <class Lanes>
[[gnu::always_inline]] inline WideWords<Lanes> low_word(const WideWords<Lanes>& product) {
  return product;
}
template <class Lanes>
[[gnu::always_inline]] inline WideWords<Lanes> operator^(WideWords<Lanes> a, const WideWords<Lanes>& b) {
  RL_UNROLL
  for (int i = 0; i < Lanes::kPhiloxVectors; ++i) a.vector[i] ^= b.vector[i];
  return a;
}
template <class Lanes>
[[gnu::always_inline]] inline WideWords<Lanes> operator^(WideWords<Lanes> a, std::uint32_t key) {
  RL_UNROLL
  for (auto& vector : a.vector) vector ^= key;
  return a;
}

/// `Lanes` tells its vectors of 64-bit lanes, and how many of them Philox takes at a time; it multiplies the low halves
/// of such lanes, and stores blocks whose words 0 and 1 are the lanes of `low`, and 2 and 3 those of `high`.
template <class Lanes>
struct X86Lanes {
  static void take_square_root(EightFloats& value) {
    value = reinterpret_cast<EightFloats>(_mm256_sqrt_ps(reinterpret_cast<__m256>(value)));
  }

  static void store_past_caches(const EightFloats& value, float* to) {
    _mm256_stream_ps(to, reinterpret_cast<__m256>(value));
  }
  /// Stores past the caches come into no order with others by themselves.
  static void finish_stores() { _mm_sfence(); }

  static void widen(const PhiloxBlock& drawn, EightWords& lanes) {
    lanes =
        reinterpret_cast<EightWords>(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&drawn))));
  }

  template <int kCount>
  static void draw(const std::uint64_t (&c0)[kCount], const std::uint64_t (&c1)[kCount], std::uint32_t c2,
                   std::uint32_t c3, std::uint64_t key, PhiloxBlock (&blocks)[kCount]) {
    using Words = typename Lanes::Words;
    constexpr int kInVector = sizeof(Words) / sizeof(std::uint64_t);
    constexpr std::uint64_t kLow = 0xFFFFFFFF;
    static_assert(kCount % (Lanes::kPhiloxVectors * kInVector) == 0);
    for (int first = 0; first < kCount;) {
      PhiloxWords<WideWords<Lanes>> counters;
      RL_UNROLL
      for (int i = 0; i < Lanes::kPhiloxVectors; ++i) {
        std::memcpy(&counters.word[0].vector[i], c0 + first + i * kInVector, sizeof(Words));
        std::memcpy(&counters.word[1].vector[i], c1 + first + i * kInVector, sizeof(Words));
        counters.word[2].vector[i] = Words{} + c2;
        counters.word[3].vector[i] = Words{} + c3;
      }
      const auto [word] = philox_rounds(counters, key);
      RL_UNROLL
      for (int i = 0; i < Lanes::kPhiloxVectors; ++i, first += kInVector) {
        Lanes::store_pairs((word[0].vector[i] & kLow) | (word[1].vector[i] << 32),
                           (word[2].vector[i] & kLow) | (word[3].vector[i] << 32), blocks + first);
      }
    }
  }
};

}  // namespace rushlight
