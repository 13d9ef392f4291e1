#include <cmath>

#include "src/backend/cpu/lane_loops.h"

namespace rushlight {
namespace {

struct BaselineLanes {
  static void take_square_root(EightFloats& value) {
    for (int lane = 0; lane < kLanes; ++lane) value[lane] = std::sqrt(value[lane]);
  }

  static void store_past_caches(const EightFloats& value, float* to) { *reinterpret_cast<EightFloats*>(to) = value; }
  static void finish_stores() {}

  static void widen(const PhiloxBlock& drawn, EightWords& lanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = dropout_lane(drawn, lane);
  }

  template <int kCount>
  static void draw(const std::uint64_t (&c0)[kCount], const std::uint64_t (&c1)[kCount], std::uint32_t c2,
                   std::uint32_t c3, std::uint64_t key, PhiloxBlock (&blocks)[kCount]) {
    for (int i = 0; i < kCount; ++i) {
      blocks[i] = philox4x32_10({{static_cast<std::uint32_t>(c0[i]), static_cast<std::uint32_t>(c1[i]), c2, c3}}, key);
    }
  }
};

}  // namespace

const LaneKernels* baseline_lane_kernels() {
  static const LaneKernels kernels = LaneLoops<BaselineLanes>::kernels();
  return &kernels;
}

const LaneKernels& lane_kernels(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return *avx512_lane_kernels();
    case InstructionSet::avx2:
      return *avx2_lane_kernels();
    case InstructionSet::baseline:
      break;
  }
  return *baseline_lane_kernels();
}

}  // namespace rushlight
