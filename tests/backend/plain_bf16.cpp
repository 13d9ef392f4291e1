#include "tests/backend/plain_bf16.h"

#include "src/backend/cpu/product_bf16.h"

namespace rushlight {
namespace {

struct PlainBf16Lanes {
  using Vector = float __attribute__((vector_size(64)));
  using Unaligned = float __attribute__((vector_size(64), aligned(4)));
  using Bits = std::uint32_t __attribute__((vector_size(64)));

  // In the order of the instruction. A product is exact but for under- and overflow, so that it need not be fused with
  // the sum.
  static void multiply_add(const Vector& a, const Vector& b, Vector& sum) {
    const auto left = reinterpret_cast<Bits>(a), right = reinterpret_cast<Bits>(b);
    sum += reinterpret_cast<Vector>(left & 0xffff0000U) * reinterpret_cast<Vector>(right & 0xffff0000U);
    sum += reinterpret_cast<Vector>(left << 16) * reinterpret_cast<Vector>(right << 16);
  }
};

}  // namespace

const ProductKernel& plain_bf16_product_kernel() {
  static const ProductKernel kernel = ProductLoops<PlainBf16Lanes, 2, 14, Bf16Operands>::kernel();
  return kernel;
}

}  // namespace rushlight
