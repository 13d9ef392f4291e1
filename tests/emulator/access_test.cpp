// What AddressSanitizer reports of kernels on the emulated device. Other builds skip it.
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "kernels/device.cuh"
#include "tests/emulator/run_kernel.h"

namespace rushlight::emulator {
namespace {

struct SharedRow {
  float value[3];
};

__global__ void write_one_too_many(float* y, std::size_t count) {
  for (std::size_t i = threadIdx.x; i <= count; i += blockDim.x) y[i] = 1;
}

__global__ void add_one_too_far(int* y, std::size_t count) {
  atomicAdd(y + count, 1);
}

__global__ void write_beside_local(float* y, std::size_t place) {
  float local[4] = {};
  float* volatile start = local;  // The compiler must not know.
  __syncthreads();
  start[place] = 1;
  __syncthreads();
  y[threadIdx.x] = local[0] + local[3];
}

__global__ void read_beside_shared(float* y, std::size_t place) {
  const float* const start = shared_memory<SharedRow>().value;
  y[threadIdx.x] = start[place];
}

class EmulatedAccessTest : public KernelTest {
 protected:
  void SetUp() override {
    if (!kAsan) GTEST_SKIP() << "needs AddressSanitizer";
  }

  std::vector<float> y_ = std::vector<float>(64);
};

TEST_F(EmulatedAccessTest, WritesBeyondAllocationsAreReported) {
  run_kernel(1, 32, 0, write_one_too_many, y_.data(), y_.size() - 1);
  EXPECT_DEATH(run_kernel(1, 32, 0, write_one_too_many, y_.data(), y_.size()), "heap-buffer-overflow");
}

TEST_F(EmulatedAccessTest, AtomicsBeyondAllocationsAreReported) {
  std::vector<int> counters(10);
  run_kernel(1, 32, 0, add_one_too_far, counters.data(), 9u);
  EXPECT_EQ(counters[9], 32);
  EXPECT_DEATH(run_kernel(1, 32, 0, add_one_too_far, counters.data(), 10u), "heap-buffer-overflow");
}

TEST_F(EmulatedAccessTest, WritesBesideLocalVariablesAreReported) {
  run_kernel(4, 64, 0, write_beside_local, y_.data(), 3u);
  EXPECT_DEATH(run_kernel(4, 64, 0, write_beside_local, y_.data(), 4u), "stack-buffer-overflow");
}

TEST_F(EmulatedAccessTest, ReadsBesideSharedMemoryAreReported) {
  run_kernel(1, 64, sizeof(SharedRow), read_beside_shared, y_.data(), 2u);
  EXPECT_DEATH(run_kernel(1, 64, sizeof(SharedRow), read_beside_shared, y_.data(), 3u), "use-after-poison");
  EXPECT_DEATH(run_kernel(1, 64, sizeof(SharedRow), read_beside_shared, y_.data(), ~std::size_t{0}),
               "use-after-poison");
}

}  // namespace
}  // namespace rushlight::emulator
