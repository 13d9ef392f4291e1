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
