#include "src/backend/cpu/product_kernel.h"

namespace rushlight {
namespace {

struct BaselineLanes {
  using Vector = float __attribute__((vector_size(16)));
  using Unaligned = float __attribute__((vector_size(16), aligned(4)));

#if defined(__aarch64__)
  static void multiply_add(const Vector& a, const Vector& b, Vector& sum) {
    for (int lane = 0; lane < 4; ++lane) sum[lane] = __builtin_fmaf(a[lane], b[lane], sum[lane]);
  }
  static void multiply_add(float a, float b, float& sum) {
    sum = __builtin_fmaf(a, b, sum);
  }
#else
  static void multiply_add(const Vector& a, const Vector& b, Vector& sum) {
    sum += a * b;
  }
  static void multiply_add(float a, float b, float& sum) {
    sum += a * b;
  }
#endif
};

}  // namespace

const ProductKernel* baseline_product_kernel() {
  static const ProductKernel kernel = ProductLoops<BaselineLanes, 2, 6>::kernel();
  return &kernel;
}

}  // namespace rushlight
