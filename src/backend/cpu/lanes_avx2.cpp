#include "src/backend/cpu/lane_loops.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace rushlight {

#if defined(__AVX2__)
namespace {

/// Four words, each in the low half of a 64-bit lane, so that a product needs no shuffle; the high halves do not count.
struct FourWords {
  using Vector = std::uint64_t __attribute__((vector_size(32)));
  Vector value;
};

FourWords multiply_wide(std::uint32_t factor, FourWords words) {
  return {reinterpret_cast<FourWords::Vector>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(words.value), _mm256_set1_epi64x(factor)))};
}
FourWords high_word(FourWords product) {
  return {product.value >> 32};
}
FourWords low_word(FourWords product) {
  return product;
}
FourWords operator^(FourWords a, FourWords b) {
  return {a.value ^ b.value};
}
FourWords operator^(FourWords a, std::uint32_t key) {
  return {a.value ^ key};
}

FourWords four(const std::uint32_t* words) {
  using Narrow = std::uint32_t __attribute__((vector_size(16), aligned(4)));
  return {__builtin_convertvector(*reinterpret_cast<const Narrow*>(words), FourWords::Vector)};
}
FourWords four(std::uint32_t word) {
  return {FourWords::Vector{} + word};
}
FourWords::Vector join(FourWords low, FourWords high) {
  return (low.value & 0xFFFFFFFFu) | (high.value << 32);
}

struct Avx2Lanes {
  static void take_square_root(EightFloats& value) {
    value = reinterpret_cast<EightFloats>(_mm256_sqrt_ps(reinterpret_cast<__m256>(value)));
  }

  template <int kCount>
  static void draw(const std::uint32_t (&c0)[kCount], const std::uint32_t (&c1)[kCount], std::uint32_t c2,
                   std::uint32_t c3, std::uint64_t key, PhiloxBlock (&blocks)[kCount]) {
    for (int i = 0; i < kCount; i += 4) {
      const PhiloxWords<FourWords> words =
          philox_rounds(PhiloxWords<FourWords>{{four(c0 + i), four(c1 + i), four(c2), four(c3)}}, key);
      const FourWords::Vector low = join(words.word[0], words.word[1]), high = join(words.word[2], words.word[3]);
      const FourWords::Vector pairs[] = {__builtin_shufflevector(low, high, 0, 4, 1, 5),
                                         __builtin_shufflevector(low, high, 2, 6, 3, 7)};
      std::memcpy(blocks + i, pairs, sizeof(pairs));
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
