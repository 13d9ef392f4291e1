#include "src/backend/cpu/product_bf16.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace rushlight {

#if defined(__AVX512BF16__)
namespace {

struct Avx512Bf16Lanes {
  using Vector = float __attribute__((vector_size(64)));
  using Unaligned = float __attribute__((vector_size(64), aligned(4)));
  using Bits = std::uint32_t __attribute__((vector_size(64)));

  // The higher elements first, then the lower ones, each product added with one rounding. Denormals, of operands and
  // of sums, count as 0. Source: Intel, "64 and IA-32 Architectures Software Developer's Manual", VDPBF16PS.
  static void multiply_add(const Vector& a, const Vector& b, Vector& sum) {
    sum = reinterpret_cast<Vector>(
        _mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b)));
  }

  static void load(const float* from, std::int64_t count, Vector& vector) {
    vector = reinterpret_cast<Vector>(_mm512_maskz_loadu_ps(mask(count), from));
  }
  static void store(const Bits& bits, float* to, std::int64_t count) {
    _mm512_mask_storeu_ps(to, mask(count), reinterpret_cast<__m512>(bits));
  }

  static void pair_neighbours(const Vector& first, const Vector& second, Bits& words) {
    words =
        reinterpret_cast<Bits>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(second), reinterpret_cast<__m512>(first)));
  }
  static void pair(const Vector& low, const Vector& high, Bits& words) {
    alignas(64) static constexpr std::uint16_t kOrder[] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                           21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                           11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    pair_neighbours(low, high, words);
    words =
        reinterpret_cast<Bits>(_mm512_permutexvar_epi16(_mm512_load_si512(kOrder), reinterpret_cast<__m512i>(words)));
  }

 private:
  static __mmask16 mask(std::int64_t count) {
    constexpr std::int64_t kAll = 16;
    return static_cast<__mmask16>(count <= 0 ? 0 : count < kAll ? (1 << count) - 1 : 0xffff);
  }
};

}  // namespace

const ProductKernel* avx512bf16_product_kernel() {
  static const ProductKernel kernel = ProductLoops<Avx512Bf16Lanes, 2, 14, Bf16Operands>::kernel();
  return &kernel;
}
#else
const ProductKernel* avx512bf16_product_kernel() {
  return nullptr;
}
#endif

}  // namespace rushlight
