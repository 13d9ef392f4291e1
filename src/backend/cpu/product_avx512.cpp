#include "src/backend/cpu/product_kernel.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace rushlight {

#if defined(__AVX512F__)
namespace {

struct Avx512Lanes {
  using Vector = float __attribute__((vector_size(64)));
  using Unaligned = float __attribute__((vector_size(64), aligned(4)));

  static void multiply_add(const Vector& a, const Vector& b, Vector& sum) {
    sum = reinterpret_cast<Vector>(
        _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(sum)));
  }
  static void multiply_add(float a, float b, float& sum) { sum = __builtin_fmaf(a, b, sum); }
};

}  // namespace

const ProductKernel* avx512_product_kernel() {
  static const ProductKernel kernel = ProductLoops<Avx512Lanes, 2, 14>::kernel();
  return &kernel;
}
#else
const ProductKernel* avx512_product_kernel() {
  return nullptr;
}
#endif

}  // namespace rushlight
