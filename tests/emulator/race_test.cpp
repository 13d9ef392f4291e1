// What ThreadSanitizer reports of kernels on the emulated device, and what it does not. Other builds skip it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels/device.cuh"
#include "tests/emulator/run_kernel.h"
#include "tests/emulator/sanitizers.h"

// A report of a race ends the process with this status, at once.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:exitcode=66";
}

namespace rushlight::emulator {
namespace {

constexpr unsigned kAll = 0xffffffffu;

struct Shared {
  float value[64];
};

__global__ void add_one(int* y) {
  if (threadIdx.x == 0) y[0] += 1;
}

__global__ void add_one_between_barriers(int* y) {
  for (unsigned i = 0; i < 8 * blockIdx.x; ++i) __syncthreads();
  if (threadIdx.x == 0) y[0] += 1;
  __syncthreads();
}

__global__ void one_each(int* y) {
  y[blockIdx.x * blockDim.x + threadIdx.x] += 1;
}

/// Turns shared memory around `barriers` times; without the last barrier of a turn its reads race with the next writes.
__global__ void turn(float* y, bool second_barrier) {
  Shared& shared = shared_memory<Shared>();
  for (int i = 0; i < 3; ++i) {
    shared.value[threadIdx.x] = static_cast<float>(i);
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] += shared.value[blockDim.x - 1 - threadIdx.x];
    if (second_barrier) __syncthreads();
  }
}

enum class Between { syncwarp, shuffle, vote, other_warps_barrier };

/// Lane 0 writes, lane 1 of the same warp reads.
__global__ void hand_over(float* y, Between between) {
  Shared& shared = shared_memory<Shared>();
  const unsigned warp = threadIdx.x / 32;
  if (threadIdx.x % 32 == 0) shared.value[warp] = 1;
  if (between == Between::syncwarp) __syncwarp();
  if (between == Between::shuffle) __shfl_sync(kAll, 1, 0);
  if (between == Between::vote) __any_sync(kAll, 1);
  if (between == Between::other_warps_barrier && warp == 1) __syncwarp();
  if (threadIdx.x % 32 == 1) y[warp] = shared.value[warp];
}

/// Two halves of a warp, each with a barrier of its own; the one reads what the other wrote.
__global__ void halves(float* y) {
  Shared& shared = shared_memory<Shared>();
  const bool low = threadIdx.x < 16;
  if (threadIdx.x == 0) shared.value[0] = 1;
  __syncwarp(low ? 0xffffu : 0xffff0000u);
  if (threadIdx.x == 16) y[0] = shared.value[0];
}

struct LastBlock {
  bool release = true;
  bool acquire = true;
  bool write_after_fence = false;
  bool of_block_scope = false;
};

__device__ void fence(bool of_block_scope) {
  if (of_block_scope) {
    __threadfence_block();
  } else {
    __threadfence();
  }
}

/// Each block writes its partial sum; the last one adds them, and sets the counter back for the next launch.
__global__ void sum_by_last_block(float* partial, unsigned* finished, float* sum, LastBlock how) {
  if (threadIdx.x != 0) return;
  if (!how.write_after_fence) partial[blockIdx.x] = 1;
  if (how.release) fence(how.of_block_scope);
  if (how.write_after_fence) partial[blockIdx.x] = 1;
  if (atomicAdd(finished, 1u) != gridDim.x - 1) return;
  if (how.acquire) fence(how.of_block_scope);
  for (unsigned i = 0; i < gridDim.x; ++i) *sum += partial[i];
  *finished = 0;
}

/// Within a block: one thread hands over to another by a flag, and fences of block scope are enough.
__global__ void hand_over_by_flag(float* value, unsigned* flag, float* y, bool fences) {
  if (threadIdx.x == 0) {
    *value = 3;
    if (fences) __threadfence_block();
    atomicExch(flag, 1u);
  } else if (threadIdx.x == 40) {
    while (atomicAdd(flag, 0u) == 0) continue;
    if (fences) __threadfence_block();
    *y = *value;
  }
}

float last_block_sum(const LastBlock& how) {
  std::vector<float> partial(20);
  unsigned finished = 0;
  float sum = 0;
  run_kernel(20, 32, 0, sum_by_last_block, partial.data(), &finished, &sum, how);
  return finished == 0 ? sum : -1;
}

class EmulatedRaceTest : public KernelTest {
 protected:
  void SetUp() override {
    if (!kTsan) GTEST_SKIP() << "needs ThreadSanitizer";
    KernelTest::SetUp();
  }

  std::vector<int> integers_ = std::vector<int>(4 * 64);
  std::vector<float> floats_ = std::vector<float>(4 * 64);
};

#define EXPECT_RACE(statement) \
  EXPECT_EXIT(                 \
      {                        \
        statement;             \
        std::_Exit(0);         \
      },                       \
      testing::ExitedWithCode(66), "ThreadSanitizer: data race")

TEST_F(EmulatedRaceTest, BlocksOfALaunchAreUnordered) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    reseed(seed);
    EXPECT_RACE(run_kernel(4, 1, 0, add_one, integers_.data()));
  }
  EXPECT_RACE(run_kernel(4, 64, 0, add_one, integers_.data()));
}

TEST_F(EmulatedRaceTest, BarriersOrderNoOtherBlock) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    reseed(seed);
    EXPECT_RACE(run_kernel(2, 32, 0, add_one_between_barriers, integers_.data()));
  }
}

TEST_F(EmulatedRaceTest, StreamsAreUnorderedWithoutAnEvent) {
  const auto on_two_streams = [this](bool event) {
    const Launch launch = make_launch(1, 64, sizeof(Shared), turn, floats_.data(), true);
    const std::shared_ptr<Order> order = make_order();
    void* const host = __tsan_get_current_fiber();
    void* const first = __tsan_create_fiber(0);
    void* const second = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(first, 1);
    run_grid(launch);
    if (event) order->release();
    __tsan_switch_to_fiber(second, 1);
    if (event) order->acquire();
    run_grid(launch);
    __tsan_switch_to_fiber(host, 0);
  };
  EXPECT_RACE(on_two_streams(false));
  EXPECT_EXIT(
      {
        on_two_streams(true);
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(EmulatedRaceTest, LaunchesComeAfterWhatCameBefore) {
  EXPECT_EQ(wrong_seeds([this] {
              std::fill(integers_.begin(), integers_.end(), 5);
              run_kernel(4, 64, 0, one_each, integers_.data());
              integers_[7] += 1;
              run_kernel(4, 64, 0, one_each, integers_.data());
              return integers_[7] == 8 && integers_[8] == 7;
            }),
            0);
}

TEST_F(EmulatedRaceTest, BarriersOrderTheirBlock) {
  EXPECT_EQ(wrong_seeds([this] {
              run_kernel(4, 64, sizeof(Shared), turn, floats_.data(), true);
              return true;
            }),
            0);
}

TEST_F(EmulatedRaceTest, SecondBarrierMissing) {
  EXPECT_RACE(run_kernel(1, 64, sizeof(Shared), turn, floats_.data(), false));
}

TEST_F(EmulatedRaceTest, SyncwarpOrdersItsLanes) {
  EXPECT_EQ(wrong_seeds([this] {
              run_kernel(1, 64, sizeof(Shared), hand_over, floats_.data(), Between::syncwarp);
              return floats_[0] == 1 && floats_[1] == 1;
            }),
            0);
}

TEST_F(EmulatedRaceTest, ShufflesAndVotesOrderNoMemory) {
  EXPECT_RACE(run_kernel(1, 64, sizeof(Shared), hand_over, floats_.data(), Between::shuffle));
  EXPECT_RACE(run_kernel(1, 64, sizeof(Shared), hand_over, floats_.data(), Between::vote));
}

TEST_F(EmulatedRaceTest, SyncwarpOrdersNoOtherWarpAndNoOtherHalf) {
  EXPECT_RACE(run_kernel(1, 64, sizeof(Shared), hand_over, floats_.data(), Between::other_warps_barrier));
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    reseed(seed);
    EXPECT_RACE(run_kernel(1, 32, sizeof(Shared), halves, floats_.data()));
  }
}

TEST_F(EmulatedRaceTest, LastBlockReadsWhatTheOthersWrote) {
  EXPECT_EQ(wrong_seeds([] { return last_block_sum({}) == 20; }), 0);
}

TEST_F(EmulatedRaceTest, LastBlockNeedsBothFences) {
  EXPECT_RACE(last_block_sum({.release = false}));
  EXPECT_RACE(last_block_sum({.acquire = false}));
  EXPECT_RACE(last_block_sum({.write_after_fence = true}));
  EXPECT_RACE(last_block_sum({.of_block_scope = true}));
}

TEST_F(EmulatedRaceTest, FencesOfBlockScopeOrderTheirBlock) {
  const auto hand_over = [](bool fences) {
    float value = 0;
    float y = 0;
    unsigned flag = 0;
    run_kernel(1, 64, 0, hand_over_by_flag, &value, &flag, &y, fences);
    return y == 3;
  };
  EXPECT_EQ(wrong_seeds([&] { return hand_over(true); }), 0);
  EXPECT_RACE(hand_over(false));
}

}  // namespace
}  // namespace rushlight::emulator
