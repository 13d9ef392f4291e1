// How the emulated device runs grids and blocks: results, orders, shared memory, divergence.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <vector>

#include "kernels/device.cuh"
#include "tests/emulator/run_kernel.h"

namespace rushlight::emulator {
namespace {

struct Numbers {
  float value[64];
};

__global__ void write_index(std::uint64_t* y) {
  const unsigned x = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned row = blockIdx.y * blockDim.y + threadIdx.y;
  const unsigned plane = blockIdx.z * blockDim.z + threadIdx.z;
  y[(std::uint64_t{plane} * gridDim.y * blockDim.y + row) * gridDim.x * blockDim.x + x] +=
      x + 1000 * row + 1000000 * plane;
}

__global__ void reverse(float* x, bool with_barrier) {
  Numbers& shared = shared_memory<Numbers>();
  shared.value[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  x[threadIdx.x] = shared.value[blockDim.x - 1 - threadIdx.x];
}

__global__ void read_uninitialized(float* y) {
  y[threadIdx.x] = shared_memory<Numbers>().value[threadIdx.x];
}

__global__ void write_shared(std::size_t place) {
  // The compiler must not know that the place is outside.
  static_cast<float*>(shared_memory<Numbers>().value)[place] = 1;
}

__global__ void skip_barrier(unsigned who) {
  if (threadIdx.x != who) __syncthreads();
}

__global__ void mix_barriers() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads_count(1);
  }
}

__global__ void note_order(unsigned* ticket, unsigned* order) {
  order[atomicAdd(ticket, 1u)] = blockIdx.x * blockDim.x + threadIdx.x;
}

__global__ void count_predicates(int* y) {
  const int odd = threadIdx.x % 2;
  const int ones = __syncthreads_count(odd);
  const int all = __syncthreads_and(1) + 10 * __syncthreads_and(threadIdx.x != 7);
  const int any = __syncthreads_or(0) + 10 * __syncthreads_or(threadIdx.x == 7);
  y[threadIdx.x] = ones + 1000 * all + 100000 * any;
}

bool reverses(bool with_barrier) {
  std::vector<float> x(64);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  run_kernel(1, 64, sizeof(Numbers), reverse, x.data(), with_barrier);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] != static_cast<float>(63 - i)) return false;
  }
  return true;
}

std::vector<unsigned> order_of(std::uint64_t seed, unsigned blocks, unsigned threads) {
  reseed(seed);
  unsigned ticket = 0;
  std::vector<unsigned> order(std::size_t{blocks} * threads);
  run_kernel(blocks, threads, 0, note_order, &ticket, order.data());
  return order;
}

class EmulatedGridTest : public KernelTest {};

TEST_F(EmulatedGridTest, RunsEachThreadOfEachBlockOnceWithItsIndices) {
  EXPECT_EQ(wrong_seeds([] {
              std::vector<std::uint64_t> y(6 * 15 * 8);
              run_kernel(dim3(3, 5, 2), dim3(2, 3, 4), 0, write_index, y.data());
              for (std::size_t i = 0; i < y.size(); ++i) {
                if (y[i] != i % 6 + 1000 * (i / 6 % 15) + 1000000 * (i / 90)) return false;
              }
              return true;
            }),
            0);
}

TEST_F(EmulatedGridTest, RunsBlocksOfAnySize) {
  for (const unsigned threads : {1u, 31u, 32u, 33u, 1023u, 1024u}) {
    std::vector<unsigned> order = order_of(threads, 5, threads);
    std::sort(order.begin(), order.end());
    for (unsigned i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
  }
}

TEST_F(EmulatedGridTest, RefusesBlocksThatNoDeviceRuns) {
  EXPECT_DEATH(run_kernel(1, 1025, 0, skip_barrier, 0u), "emulated device: kernel test: a block of that size");
  EXPECT_DEATH(run_kernel(0, 32, 0, skip_barrier, 0u), "a grid of that size");
}

TEST_F(EmulatedGridTest, BarrierOrdersSharedMemory) {
  EXPECT_EQ(wrong_seeds([] { return reverses(true); }), 0);
}

TEST_F(EmulatedGridTest, MissingBarrierGivesWrongResults) {
  if (kTsan) GTEST_SKIP() << "a race";
  EXPECT_GE(wrong_seeds([] { return reverses(false); }), 15);
}

TEST_F(EmulatedGridTest, BarriersCountPredicates) {
  std::vector<int> y(64);
  EXPECT_EQ(wrong_seeds([&] {
              run_kernel(1, 64, 0, count_predicates, y.data());
              return std::count(y.begin(), y.end(), 32 + 1000 * 1 + 100000 * 10) == 64;
            }),
            0);
}

TEST_F(EmulatedGridTest, SharedMemoryStartsAsNaNsInEachBlock) {
  std::vector<float> y(64);
  run_kernel(1, 64, sizeof(Numbers), read_uninitialized, y.data());
  EXPECT_TRUE(std::all_of(y.begin(), y.end(), [](float value) { return std::isnan(value); }));
}

TEST_F(EmulatedGridTest, WritesBeyondSharedMemoryAreFound) {
  const char* const message = kAsan ? "use-after-poison" : "kernel test, block \\(0, 0, 0\\): a thread wrote beyond";
  EXPECT_DEATH(run_kernel(1, 1, sizeof(Numbers), write_shared, 64u), message);
  EXPECT_DEATH(run_kernel(1, 1, sizeof(Numbers), write_shared, ~std::size_t{0}), message);
}

TEST_F(EmulatedGridTest, LayoutMustFitTheLaunch) {
  EXPECT_DEATH(run_kernel(1, 1, sizeof(Numbers) - 4, write_shared, 0u),
               "asks for 256 bytes of shared memory of a launch that gives 252");
}

TEST_F(EmulatedGridTest, ThreadThatEndsBeforeABarrierIsFound) {
  EXPECT_DEATH(run_kernel(dim3(1, 1), 64, 0, skip_barrier, 5u),
               "kernel test, block \\(0, 0, 0\\): its threads diverge: threads 5 have ended; "
               "threads 0-4, 6-63 wait at __syncthreads");
}

TEST_F(EmulatedGridTest, DifferentBarriersAreFound) {
  EXPECT_DEATH(run_kernel(1, 64, 0, mix_barriers), "its threads diverge: .*wait at __syncthreads_count");
}

TEST_F(EmulatedGridTest, DeviceFunctionsBelongToKernels) {
  EXPECT_DEATH(__syncthreads(), "emulated device: __syncthreads is called outside of a kernel");
}

TEST_F(EmulatedGridTest, SeedGivesTheOrder) {
  std::set<std::vector<unsigned>> orders;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::vector<unsigned> order = order_of(seed, 3, 64);
    EXPECT_EQ(order_of(seed, 3, 64), order) << "seed " << seed;
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), kSeeds);
}

TEST_F(EmulatedGridTest, BlocksStartInAnyOrderAndRunAtTheSameTime) {
  std::set<unsigned> first;
  std::uint64_t mixed = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::vector<unsigned> order = order_of(seed, 40, 32);
    first.insert(order[0] / 32);
    std::uint64_t changes = 0;
    for (std::size_t i = 1; i < order.size(); ++i) changes += order[i] / 32 != order[i - 1] / 32 ? 1 : 0;
    mixed += changes > 39 ? 1 : 0;
  }
  EXPECT_GT(first.size(), 8);
  EXPECT_GE(mixed, kSeeds / 2);
  EXPECT_TRUE(kTsan || mixed < kSeeds);
}

}  // namespace
}  // namespace rushlight::emulator
