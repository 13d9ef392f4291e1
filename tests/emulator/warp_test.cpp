// How the emulated device runs warps: shuffles, votes, masks, atomics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/device.cuh"
#include "tests/emulator/run_kernel.h"

namespace rushlight::emulator {
namespace {

constexpr unsigned kAll = 0xffffffffu;

struct Partials {
  float of_warp[8];
};

/// Each warp adds its lanes, and then takes its neighbour's sum: a shuffle stands where only a barrier is right.
__global__ void neighbour_sums(float* y, bool with_barrier) {
  Partials& shared = shared_memory<Partials>();
  const unsigned warp = threadIdx.x / 32;
  float sum = static_cast<float>(threadIdx.x);
  for (unsigned delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(kAll, sum, delta);
  if (threadIdx.x % 32 == 0) shared.of_warp[warp] = sum;
  if (with_barrier) __syncthreads();
  __shfl_sync(kAll, sum, 0);
  y[threadIdx.x] = shared.of_warp[(warp + 1) % (blockDim.x / 32)];
}

__global__ void shuffle_all_ways(int* y, int operand, int width) {
  const int lane = static_cast<int>(threadIdx.x);
  const double wide = lane + 0.5;
  y[lane] = __shfl_sync(kAll, lane, operand, width);
  y[32 + lane] = __shfl_up_sync(kAll, lane, static_cast<unsigned>(operand), width);
  y[64 + lane] = __shfl_down_sync(kAll, lane, static_cast<unsigned>(operand), width);
  y[96 + lane] = __shfl_xor_sync(kAll, lane, operand, width);
  y[128 + lane] = static_cast<int>(__shfl_xor_sync(kAll, wide, operand, width) - 0.5);
}

__global__ void vote(unsigned* y) {
  const unsigned lane = threadIdx.x % 32;
  const unsigned mine = lane < 10 ? 0x3ffu : 0xfffffc00u;
  y[threadIdx.x] = __ballot_sync(mine, lane % 2 == 0);
  y[threadIdx.x + 64] = static_cast<unsigned>(__any_sync(mine, lane == 3) + 10 * __all_sync(mine, lane < 10) +
                                              100 * __all_sync(kAll, 1) + 1000 * __any_sync(kAll, 0));
}

/// Two halves of a warp, one of which makes more calls than the other.
__global__ void halves(int* y) {
  const bool low = threadIdx.x < 16;
  const unsigned mask = low ? 0xffffu : 0xffff0000u;
  int sum = 0;
  for (int i = 0; i < (low ? 3 : 7); ++i) {
    sum += __shfl_xor_sync(mask, i, 1);
    __syncwarp(mask);
  }
  y[threadIdx.x] = sum;
}

__global__ void read_beside_mask(unsigned* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(0xffffu, threadIdx.x, 20);
}

__global__ void begin_and_end(unsigned* ticket, unsigned* begin, unsigned* end) {
  const unsigned warp = threadIdx.x / 32;
  if (threadIdx.x % 32 == 0) begin[warp] = atomicAdd(ticket, 1u);
  for (int i = 0; i < 10; ++i) __shfl_sync(kAll, i, 0);
  if (threadIdx.x % 32 == 0) end[warp] = atomicAdd(ticket, 1u);
}

__global__ void end_before_shuffle() {
  if (threadIdx.x != 3) __shfl_sync(kAll, 1, 0);
}
__global__ void not_in_own_mask() {
  __syncwarp(0xfffffffeu);
}
__global__ void different_masks() {
  __syncwarp(threadIdx.x == 4 ? 0xffu : kAll);
}
__global__ void different_calls() {
  if (threadIdx.x == 4) {
    __syncwarp();
  } else {
    __any_sync(kAll, 1);
  }
}
__global__ void odd_width() {
  __shfl_sync(kAll, 1, 0, 12);
}

struct Results {
  int sum;
  unsigned low, high, exchanged;
  unsigned long long by_cas;
};

__global__ void use_atomics(Results* results) {
  const unsigned me = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&results->sum, -static_cast<int>(me));
  atomicMin(&results->low, me + 5);
  atomicMax(&results->high, me);
  if (atomicExch(&results->exchanged, 1u) == 0) atomicAdd(&results->sum, 1000000);
  unsigned long long old = atomicAdd(&results->by_cas, 0ull);
  for (;;) {
    const unsigned long long seen = atomicCAS(&results->by_cas, old, old + me);
    if (seen == old) break;
    old = seen;
  }
}

__global__ void wait_for_last_thread(unsigned* flag) {
  if (threadIdx.x == blockDim.x - 1) {
    atomicExch(flag, 1u);
  } else {
    while (atomicAdd(flag, 0u) == 0) continue;
  }
}

bool adds_neighbours(bool with_barrier) {
  std::vector<float> y(256);
  run_kernel(1, 256, sizeof(Partials), neighbour_sums, y.data(), with_barrier);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto first = static_cast<float>((i / 32 + 1) % 8 * 32);
    if (y[i] != 32 * first + 31 * 16) return false;
  }
  return true;
}

class EmulatedWarpTest : public KernelTest {};

TEST_F(EmulatedWarpTest, BarrierOrdersWarps) {
  EXPECT_EQ(wrong_seeds([] { return adds_neighbours(true); }), 0);
}

TEST_F(EmulatedWarpTest, ShufflesHideNoMissingBarrier) {
  if (kTsan) GTEST_SKIP() << "a race";
  EXPECT_GE(wrong_seeds([] { return adds_neighbours(false); }), 15);
}

TEST_F(EmulatedWarpTest, ShufflesSelectLanesAsCudaDoes) {
  for (const int width : {2, 8, 32}) {
    for (int operand = 0; operand < 32; ++operand) {
      std::vector<int> y(5 * 32);
      run_kernel(1, 32, 0, shuffle_all_ways, y.data(), operand, width);
      for (int lane = 0; lane < 32; ++lane) {
        const int group = lane / width;
        const auto at = [&](int row) { return y[static_cast<std::size_t>(row * 32 + lane)]; };
        EXPECT_EQ(at(0), group * width + operand % width);
        EXPECT_EQ(at(1), lane % width >= operand ? lane - operand : lane);
        EXPECT_EQ(at(2), lane % width + operand < width ? lane + operand : lane);
        const int other = lane ^ operand;
        EXPECT_EQ(at(3), other / width <= group ? other : lane);
        EXPECT_EQ(at(4), at(3));
      }
    }
  }
}

TEST_F(EmulatedWarpTest, VotesCountTheLanesOfTheirMask) {
  std::vector<unsigned> y(128);
  EXPECT_EQ(wrong_seeds([&] {
              run_kernel(1, 40, 0, vote, y.data());
              bool right = true;
              for (unsigned i = 0; i < 40; ++i) {
                const bool low = i % 32 < 10;
                const unsigned odd = i < 32 ? 0x55555400u : 0u;
                right = right && y[i] == (low ? (i < 32 ? 0x155u : 0x55u) : odd);
                right = right && y[i + 64] == (low ? 111u : 100u);
              }
              return right;
            }),
            0);
}

TEST_F(EmulatedWarpTest, CallsWaitForTheLanesOfTheirMaskOnly) {
  std::vector<int> y(32);
  EXPECT_EQ(wrong_seeds([&] {
              run_kernel(1, 32, 0, halves, y.data());
              return std::count(y.begin(), y.begin() + 16, 3) == 16 && std::count(y.begin() + 16, y.end(), 21) == 16;
            }),
            0);
}

TEST_F(EmulatedWarpTest, LanesOutsideTheMaskGiveNoValue) {
  std::vector<unsigned> y(16);
  run_kernel(1, 32, 0, read_beside_mask, y.data());
  EXPECT_EQ(std::count(y.begin(), y.end(), ~0u), 16);
}

TEST_F(EmulatedWarpTest, WarpsRunAheadOfOthersAndBesideThem) {
  std::uint64_t ahead = 0;
  std::uint64_t beside = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    reseed(seed);
    unsigned ticket = 0;
    std::vector<unsigned> begin(4);
    std::vector<unsigned> end(4);
    run_kernel(1, 128, 0, begin_and_end, &ticket, begin.data(), end.data());
    if (*std::min_element(end.begin(), end.end()) < *std::max_element(begin.begin(), begin.end())) {
      ++ahead;
    } else {
      ++beside;
    }
  }
  EXPECT_GE(ahead, 5);
  EXPECT_GE(beside, 2);
}

TEST_F(EmulatedWarpTest, DivergenceIsFound) {
  EXPECT_DEATH(run_kernel(1, 32, 0, end_before_shuffle), "block \\(0, 0, 0\\): .*(thread 3, which has|s 3 have) ended");
  EXPECT_DEATH(run_kernel(1, 32, 0, not_in_own_mask), "thread 0 is not in the mask of its own call");
  EXPECT_DEATH(run_kernel(1, 32, 0, different_masks), "threads 4 wait at __syncwarp of mask 0xff");
  EXPECT_DEATH(run_kernel(1, 32, 0, different_calls), "threads 0-3, 5-31 wait at __any_sync of mask 0xffffffff");
  EXPECT_DEATH(run_kernel(1, 32, 0, odd_width), "a shuffle of width 12");
}

TEST_F(EmulatedWarpTest, AtomicsLoseNothing) {
  EXPECT_EQ(wrong_seeds([] {
              Results results{0, ~0u, 0, 0, 0};
              run_kernel(3, 50, 0, use_atomics, &results);
              constexpr int kSum = 149 * 150 / 2;
              return results.sum == 1000000 - kSum && results.low == 5 && results.high == 149 &&
                     results.exchanged == 1 && results.by_cas == kSum;
            }),
            0);
}

TEST_F(EmulatedWarpTest, ThreadsThatWaitByAtomicsLetOthersRun) {
  EXPECT_EQ(wrong_seeds([] {
              unsigned flag = 0;
              run_kernel(1, 64, 0, wait_for_last_thread, &flag);
              return flag == 1;
            }),
            0);
}

}  // namespace
}  // namespace rushlight::emulator
