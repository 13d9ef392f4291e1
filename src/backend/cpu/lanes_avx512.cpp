#include "src/backend/cpu/lane_kernels.h"

#if defined(__AVX512F__)
#include "src/backend/cpu/x86_lanes.h"
#endif

namespace rushlight {

#if defined(__AVX512F__)
namespace {

struct Avx512Lanes : X86Lanes<Avx512Lanes> {
  using Words = std::uint64_t __attribute__((vector_size(64)));
  static constexpr int kPhiloxVectors = 4;

  static void multiply_low_halves(std::uint32_t factor, Words& words) {
    constexpr __mmask8 kAll = 0xff;  // Without a mask GCC 12 warns of its own header (its bug 105593).
    words = reinterpret_cast<Words>(
        _mm512_maskz_mul_epu32(kAll, reinterpret_cast<__m512i>(words), _mm512_set1_epi64(factor)));
  }

  static void store_pairs(const Words& low, const Words& high, PhiloxBlock* blocks) {
    using WordsAnywhere = std::uint64_t __attribute__((vector_size(64), aligned(4), may_alias));
    auto* const pairs = reinterpret_cast<WordsAnywhere*>(blocks);
    pairs[0] = __builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
    pairs[1] = __builtin_shufflevector(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
  }
};

}  // namespace

const LaneKernels* avx512_lane_kernels() {
  static const LaneKernels kernels = LaneLoops<Avx512Lanes>::kernels();
  return &kernels;
}
#else
const LaneKernels* avx512_lane_kernels() {
  return nullptr;
}
#endif

}  // namespace rushlight
