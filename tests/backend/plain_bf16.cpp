#include "tests/backend/plain_bf16.h"

#include <algorithm>
#include <cstring>

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

  static void load(const float* from, std::int64_t count, Vector& vector) {
    vector = Vector{};
    for (std::int64_t i = 0; i < std::min(count, kLanes); ++i) vector[i] = from[i];
  }
  static void store(const Bits& bits, float* to, std::int64_t count) {
    if (count > 0) std::memcpy(to, &bits, static_cast<std::size_t>(std::min(count, kLanes)) * sizeof(float));
  }

  static void pair(const Vector& low, const Vector& high, Bits& words) {
    auto below = reinterpret_cast<Bits>(low), above = reinterpret_cast<Bits>(high);
    round_to_bf16(below);
    round_to_bf16(above);
    words = below >> 16 | above;
  }
  static void pair_neighbours(const Vector& first, const Vector& second, Bits& words) {
    Vector low{}, high{};
    for (std::int64_t i = 0; i < kLanes; ++i) {
      const Vector& from = i < kLanes / 2 ? first : second;
      low[i] = from[2 * i % kLanes];
      high[i] = from[2 * i % kLanes + 1];
    }
    pair(low, high, words);
  }

 private:
  static constexpr std::int64_t kLanes = 16;
};

}  // namespace

const ProductKernel& plain_bf16_product_kernel() {
  static const ProductKernel kernel = ProductLoops<PlainBf16Lanes, 2, 14, Bf16Operands>::kernel();
  return kernel;
}

}  // namespace rushlight
