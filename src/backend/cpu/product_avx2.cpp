#include "src/backend/cpu/product_kernel.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

namespace rushlight {

#if defined(__AVX2__) && defined(__FMA__)
namespace {

struct Avx2Lanes {
  using Vector = float __attribute__((vector_size(32)));
  using Unaligned = float __attribute__((vector_size(32), aligned(4)));

  static void multiply_add(const Vector& a, const Vector& b, Vector& sum) {
    sum = reinterpret_cast<Vector>(
        _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(sum)));
  }
  static void multiply_add(float a, float b, float& sum) { sum = __builtin_fmaf(a, b, sum); }
};

}  // namespace

const ProductKernel* avx2_product_kernel() {
  static const ProductKernel kernel = ProductLoops<Avx2Lanes, 2, 6>::kernel();
  return &kernel;
}
#else
const ProductKernel* avx2_product_kernel() {
  return nullptr;
}
#endif

}  // namespace rushlight
