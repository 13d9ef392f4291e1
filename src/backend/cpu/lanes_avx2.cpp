#include "src/backend/cpu/lane_kernels.h"

#if defined(__AVX2__)
#include "src/backend/cpu/x86_lanes.h"
#endif

namespace rushlight {

#if defined(__AVX2__)
namespace {

struct Avx2Lanes : X86Lanes<Avx2Lanes> {
  using Words = std::uint64_t __attribute__((vector_size(32)));
  static constexpr int kPhiloxVectors = 2;

  static void multiply_low_halves(std::uint32_t factor, Words& words) {
    words = reinterpret_cast<Words>(_mm256_mul_epu32(reinterpret_cast<__m256i>(words), _mm256_set1_epi64x(factor)));
  }

  static void store_pairs(const Words& low, const Words& high, PhiloxBlock* blocks) {
    using WordsAnywhere = std::uint64_t __attribute__((vector_size(32), aligned(4), may_alias));
    auto* const pairs = reinterpret_cast<WordsAnywhere*>(blocks);
    pairs[0] = __builtin_shufflevector(low, high, 0, 4, 1, 5);
    pairs[1] = __builtin_shufflevector(low, high, 2, 6, 3, 7);
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
