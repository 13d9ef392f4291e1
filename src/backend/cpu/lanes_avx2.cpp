#include "src/backend/cpu/lane_loops.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace rushlight {

#if defined(__AVX2__)
namespace {

/// Four words, each in the low half of a 64-bit lane, so that a product needs no shuffle; the high halves do not count.
using FourWords = std::uint64_t __attribute__((vector_size(32)));
using FourWordsAnywhere = std::uint64_t __attribute__((vector_size(32), aligned(4), may_alias));

/// Of two groups, so that one's sums go on while the other's wait for a product.
struct EightWide {
  FourWords first, second;
};

FourWords multiply_wide(std::uint32_t factor, const FourWords& words) {
  return reinterpret_cast<FourWords>(_mm256_mul_epu32(reinterpret_cast<__m256i>(words), _mm256_set1_epi64x(factor)));
}
EightWide multiply_wide(std::uint32_t factor, const EightWide& words) {
  return {multiply_wide(factor, words.first), multiply_wide(factor, words.second)};
}
EightWide high_word(const EightWide& product) {
  return {product.first >> 32, product.second >> 32};
}
EightWide low_word(const EightWide& product) {
  return product;
}
EightWide operator^(const EightWide& a, const EightWide& b) {
  return {a.first ^ b.first, a.second ^ b.second};
}
EightWide operator^(const EightWide& a, std::uint32_t key) {
  return {a.first ^ key, a.second ^ key};
}

EightWide eight(const std::uint64_t* words) {
  const auto* const groups = reinterpret_cast<const FourWordsAnywhere*>(words);
  return {groups[0], groups[1]};
}
EightWide eight(std::uint32_t word) {
  return {FourWords{} + word, FourWords{} + word};
}

void store(const FourWords& word0, const FourWords& word1, const FourWords& word2, const FourWords& word3,
           PhiloxBlock* blocks) {
  const FourWords low = (word0 & 0xFFFFFFFFu) | (word1 << 32), high = (word2 & 0xFFFFFFFFu) | (word3 << 32);
  auto* const pairs = reinterpret_cast<FourWordsAnywhere*>(blocks);
  pairs[0] = __builtin_shufflevector(low, high, 0, 4, 1, 5);
  pairs[1] = __builtin_shufflevector(low, high, 2, 6, 3, 7);
}

struct Avx2Lanes {
  static void take_square_root(EightFloats& value) {
    value = reinterpret_cast<EightFloats>(_mm256_sqrt_ps(reinterpret_cast<__m256>(value)));
  }

  template <int kCount>
  static void draw(const std::uint64_t (&c0)[kCount], const std::uint64_t (&c1)[kCount], std::uint32_t c2,
                   std::uint32_t c3, std::uint64_t key, PhiloxBlock (&blocks)[kCount]) {
    for (int i = 0; i < kCount; i += 8) {
      const auto [w] = philox_rounds(PhiloxWords<EightWide>{{eight(c0 + i), eight(c1 + i), eight(c2), eight(c3)}}, key);
      store(w[0].first, w[1].first, w[2].first, w[3].first, blocks + i);
      store(w[0].second, w[1].second, w[2].second, w[3].second, blocks + i + 4);
    }
  }
};

}  // namespace

const LaneKernels* avx2_lane_kernels() {
  static const LaneKernels kernels = LaneLoops<Avx2Lanes>::kernels();
  return &kernels;
}
#else
const LaneKernels* avx2_lane_kernels() {
  return nullptr;
}
#endif

}  // namespace rushlight
