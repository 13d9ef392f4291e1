#include <atomic>
#include <cstdlib>
#include <cstring>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedMemoryTest = EmulatedDeviceTest;
using EmulatedMemoryDeathTest = EmulatedDeviceTest;

// AddressSanitizer sees some misuse before the emulated device does.
constexpr const char* kOverwritten = "are overwritten|AddressSanitizer: use-after-poison";

TEST_F(EmulatedMemoryTest, FreshMemoryHoldsNaNsAndIsAlignedTo256BytesAlone) {
  const Stream stream;
  const DeviceFloats floats(5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(floats.data()) % 512, 256U);
  std::vector<std::uint8_t> bytes(floats.bytes());
  succeed(cudaMemcpyAsync(bytes.data(), floats.data(), bytes.size(), cudaMemcpyDeviceToHost, stream));
  EXPECT_EQ(bytes, std::vector<std::uint8_t>(bytes.size(), 0xFF));
}

TEST_F(EmulatedMemoryTest, FreshPinnedMemoryHoldsNaNs) {
  const PinnedFloats floats(5);
  EXPECT_NE(floats.data()[0], floats.data()[0]);
  EXPECT_NE(floats.data()[4], floats.data()[4]);
}

TEST_F(EmulatedMemoryTest, NoBytesAreANullPointer) {
  void* data = &data;
  EXPECT_EQ(cudaMalloc(&data, 0), cudaSuccess);
  EXPECT_EQ(data, nullptr);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(nullptr), cudaSuccess);
}

TEST_F(EmulatedMemoryTest, TheLimitHoldsAndIsTold) {
  Settings settings;
  settings.memory = 4096;
  configure(settings);
  std::size_t free = 0;
  std::size_t total = 0;
  succeed(cudaMemGetInfo(&free, &total));
  EXPECT_EQ(total, 4096U);
  EXPECT_EQ(free, 4096U);
  {
    const DeviceFloats floats(1);
    succeed(cudaMemGetInfo(&free, &total));
    EXPECT_EQ(free, 4096U - 256U);
    void* data = nullptr;
    EXPECT_EQ(cudaMalloc(&data, 3841), cudaErrorMemoryAllocation);
    EXPECT_EQ(data, nullptr);
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaMalloc(&data, SIZE_MAX), cudaErrorMemoryAllocation);
    succeed(cudaMalloc(&data, 3840));
    succeed(cudaFree(data));
  }
  succeed(cudaMemGetInfo(&free, &total));
  EXPECT_EQ(free, 4096U);
}

TEST_F(EmulatedMemoryTest, EachDeviceHasMemoryOfItsOwn) {
  Settings settings;
  settings.memory = 4096;
  settings.devices = 2;
  configure(settings);
  const DeviceFloats first(1024);
  succeed(cudaSetDevice(1));
  { const DeviceFloats second(1024); }
  succeed(cudaSetDevice(0));
}

TEST_F(EmulatedMemoryTest, KernelsMayTouchAllOfIt) {
  const Stream stream;
  const DeviceFloats floats(7);
  succeed(launch(stream, [data = floats.data()] {
    for (int i = 0; i < 7; ++i) data[i] = static_cast<float>(i);
  }));
  EXPECT_EQ(download(floats, stream), (std::vector<float>{0, 1, 2, 3, 4, 5, 6}));
}

TEST_F(EmulatedMemoryDeathTest, TheHostMayNotTouchDeviceMemory) {
  const Stream stream;
  const DeviceFloats floats(5);
  EXPECT_DEATH(floats.data()[0] = 1, "");
  succeed(cudaMemsetAsync(floats.data(), 0, floats.bytes(), stream));
  succeed(cudaStreamSynchronize(stream));
  EXPECT_DEATH(floats.data()[0] = 1, "");
}

TEST_F(EmulatedMemoryDeathTest, NobodyMayTouchFreedMemory) {
  const Stream stream;
  float* data = nullptr;
  {
    const DeviceFloats floats(5);
    data = floats.data();
  }
  EXPECT_DEATH(data[0] = 1, "");
  EXPECT_DEATH(
      {
        launch(stream, [data] { data[0] = 1; });
        cudaStreamSynchronize(stream);
      },
      "");
  EXPECT_DEATH(cudaMemsetAsync(data, 0, 4, stream), "device memory that is freed");
}

TEST_F(EmulatedMemoryDeathTest, WritesBehindAndBeforeAnAllocationAreFound) {
  const Stream stream;
  const DeviceFloats floats(5);
  for (const int index : {-1, 5, 80}) {
    EXPECT_DEATH(
        {
          launch(stream, [data = floats.data(), index] { data[index] = 1; });
          cudaStreamSynchronize(stream);
        },
        kOverwritten);
  }
}

TEST_F(EmulatedMemoryDeathTest, TheOverwrittenAllocationAndTheKernelAreNamed) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer sees it first";
#endif
  const Stream stream;
  const DeviceFloats floats(5);
  EXPECT_DEATH(
      {
        launch(stream, [data = floats.data()] { data[5] = 1; });
        cudaStreamSynchronize(stream);
      },
      "bytes behind device allocation [0-9]+ of 20 bytes are overwritten, found after some_kernel");
}

TEST_F(EmulatedMemoryDeathTest, OnlyWhatIsAliveIsFreed) {
  const DeviceFloats floats(5);
  const PinnedFloats pinned(5);
  std::vector<float> pageable(5);
  EXPECT_DEATH((cudaFree(floats.data()), cudaFree(floats.data())), "freed already");
  EXPECT_DEATH(cudaFree(floats.data() + 1), "no device allocation");
  EXPECT_DEATH(cudaFree(pinned.data()), "no device allocation");
  EXPECT_DEATH(cudaFree(pageable.data()), "no device allocation");
  EXPECT_DEATH(cudaFreeHost(floats.data()), "no pinned allocation");
  EXPECT_DEATH((cudaFreeHost(pinned.data()), cudaFreeHost(pinned.data())), "no pinned allocation");
}

TEST_F(EmulatedMemoryTest, FreeingWaitsForQueuedWork) {
  with_seeds([] {
    const Stream stream;
    std::atomic<int> runs = 0;
    {
      const DeviceFloats floats(1);
      succeed(launch(stream, [&runs, data = floats.data()] {
        *data = 1;
        ++runs;
      }));
    }
    EXPECT_EQ(runs, 1);
  });
}

TEST_F(EmulatedMemoryDeathTest, PinnedMemoryOfAQueuedCopyIsNotFreed) {
  const DeviceFloats floats(5);
  for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 4U, 5U}) {
    Settings settings;
    settings.seed = seed;
    configure(settings);
    const Stream stream;
    const PinnedFloats pinned(5);
    succeed(cudaMemcpyAsync(floats.data(), pinned.data(), 4, cudaMemcpyHostToDevice, stream));
    EXPECT_DEATH(cudaFreeHost(pinned.data()), "nobody waited");
    EXPECT_DEATH(
        {
          cudaFree(floats.data());  // Runs the copy, but tells nobody.
          cudaFreeHost(pinned.data());
        },
        "nobody waited");
    succeed(cudaStreamSynchronize(stream));
  }
}

TEST_F(EmulatedMemoryTest, PinnedMemoryIsFreedAfterAnyWaitThatCoversItsCopies) {
  with_seeds([] {
    const Stream first;
    const Stream second;
    const Event event;
    const DeviceFloats floats(5);
    const PinnedFloats pinned(5);
    succeed(cudaMemcpyAsync(floats.data(), pinned.data(), 4, cudaMemcpyHostToDevice, first));
    succeed(cudaEventRecord(event, first));
    succeed(cudaStreamWaitEvent(second, event, 0));
    succeed(cudaStreamSynchronize(second));
  });
}

TEST_F(EmulatedMemoryDeathTest, WhatIsAliveAtTheEndFailsTheProcess) {
  EXPECT_EXIT(
      {
        void* data = nullptr;
        cudaMalloc(&data, 1);
        std::exit(0);
      },
      testing::ExitedWithCode(1), "alive when the process ends: device allocation, 1");
  EXPECT_EXIT(
      {
        void* data = nullptr;
        cudaMalloc(&data, 1);
        std::exit(3);
      },
      testing::ExitedWithCode(3), "");
  EXPECT_EXIT(std::exit(0), testing::ExitedWithCode(0), "");
}

TEST_F(EmulatedMemoryTest, LiveObjectsAndCallsAreCounted) {
  {
    const DeviceFloats floats(5);
    const PinnedFloats pinned(5);
    const Stream stream;
    const Event event;
    EXPECT_EQ(live_objects(), 4);
    succeed(cudaEventRecord(event, stream));
    succeed(cudaMemcpyAsync(floats.data(), pinned.data(), 4, cudaMemcpyHostToDevice, stream));
    succeed(cudaStreamSynchronize(stream));
    succeed(cudaEventSynchronize(event));
  }
  EXPECT_EQ(live_objects(), 0);
  EXPECT_EQ(counts().allocations, 2);
  EXPECT_EQ(counts().copies, 1);
  EXPECT_EQ(counts().synchronizations, 2);
  EXPECT_EQ(counts().launches, 0);
}

}  // namespace
}  // namespace rushlight::emulator
