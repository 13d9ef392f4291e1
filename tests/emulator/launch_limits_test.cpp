#include <atomic>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedLaunchLimitsTest = EmulatedDeviceTest;
using EmulatedLaunchLimitsDeathTest = EmulatedDeviceTest;

void other_kernel() {}

Settings faulty(FaultKind kind, std::int64_t at) {
  Settings settings;
  settings.fault = kind;
  settings.fault_at = at;
  return settings;
}

TEST_F(EmulatedLaunchLimitsTest, EveryThreadOfEveryBlockRuns) {
  const Stream stream;
  std::atomic<int> runs = 0;
  succeed(launch(
      stream, [&] { ++runs; }, dim3(2, 3), dim3(4, 2)));
  succeed(cudaStreamSynchronize(stream));
  EXPECT_EQ(runs, 48);
  EXPECT_EQ(counts().launches, 1);
}

TEST_F(EmulatedLaunchLimitsTest, SizesBeyondTheLimitsAreRefused) {
  const Stream stream;
  const auto status = [&](dim3 grid, dim3 block) {
    const cudaError_t error = launch(
        stream, [] {}, grid, block);
    EXPECT_EQ(cudaGetLastError(), error);
    return error;
  };
  EXPECT_EQ(status(1, 1024), cudaSuccess);
  EXPECT_EQ(status(1, dim3(16, 1, 64)), cudaSuccess);
  EXPECT_EQ(status(1, 1025), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(1, dim3(32, 33)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(1, dim3(1, 1, 65)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(1, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(0, 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(dim3(1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(dim3(1, 1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(status(2147483648U, 1), cudaErrorInvalidConfiguration);
  succeed(cudaStreamSynchronize(stream));
  EXPECT_EQ(counts().launches, 2);
}

TEST_F(EmulatedLaunchLimitsTest, SharedMemoryBeyond48KilobytesIsAskedForByKernel) {
  constexpr int kOptin = 227 << 10;
  const Stream stream;
  const auto status = [&](int bytes) {
    return launch(
        stream, [] {}, 1, 1, static_cast<std::size_t>(bytes));
  };
  EXPECT_EQ(status(48 << 10), cudaSuccess);
  EXPECT_EQ(status((48 << 10) + 1), cudaErrorInvalidValue);
  const auto set = [](void (*kernel)(), int bytes) {
    return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                bytes);
  };
  succeed(set(&other_kernel, kOptin));
  EXPECT_EQ(status((48 << 10) + 1), cudaErrorInvalidValue);
  EXPECT_EQ(set(&some_kernel, kOptin + 1), cudaErrorInvalidValue);
  succeed(set(&some_kernel, kOptin));
  EXPECT_EQ(status(kOptin), cudaSuccess);
  EXPECT_EQ(status(kOptin + 1), cudaErrorInvalidValue);
  cudaFuncAttributes attributes{};
  succeed(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&some_kernel)));
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, kOptin);
  succeed(set(&some_kernel, 48 << 10));
  succeed(cudaStreamSynchronize(stream));
}

TEST_F(EmulatedLaunchLimitsTest, OccupancyIsBoundedByThreadsBlocksAndSharedMemory) {
  const auto* kernel = reinterpret_cast<const void*>(&some_kernel);
  const auto blocks = [kernel](int threads, std::size_t shared) {
    int result = -1;
    succeed(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&result, kernel, threads, shared));
    return result;
  };
  EXPECT_EQ(blocks(1024, 0), 2);
  EXPECT_EQ(blocks(33, 0), 32);
  EXPECT_EQ(blocks(1, 0), 32);
  EXPECT_EQ(blocks(256, 100 << 10), 2);
  EXPECT_EQ(blocks(256, 227 << 10), 1);
  int result = -1;
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&result, kernel, 1025, 0), cudaErrorInvalidValue);
}

TEST_F(EmulatedLaunchLimitsTest, AStreamOfAnotherDeviceIsRefused) {
  Settings settings;
  settings.devices = 2;
  configure(settings);
  const Stream stream;
  succeed(cudaSetDevice(1));
  EXPECT_EQ(launch(stream, [] {}), cudaErrorInvalidResourceHandle);
  succeed(cudaSetDevice(0));
  EXPECT_EQ(launch(stream, [] {}), cudaSuccess);
  succeed(cudaStreamSynchronize(stream));
}

TEST_F(EmulatedLaunchLimitsDeathTest, LaunchAttributesAreNotEmulated) {
  const Stream stream;
  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config{};
  config.gridDim = 1;
  config.blockDim = 1;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  EXPECT_DEATH(enqueue_launch(config, Launch{}), "launch attributes");
}

TEST_F(EmulatedLaunchLimitsTest, AFaultHitsTheCallThatItIsSetFor) {
  configure(faulty(FaultKind::launch, 2));
  const Stream stream;
  std::atomic<int> runs = 0;
  EXPECT_EQ(launch(stream, [&] { ++runs; }), cudaSuccess);
  EXPECT_EQ(launch(stream, [&] { ++runs; }), cudaSuccess);
  EXPECT_EQ(launch(stream, [&] { ++runs; }), cudaErrorLaunchFailure);
  EXPECT_EQ(launch(stream, [&] { ++runs; }), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  succeed(cudaStreamSynchronize(stream));
  EXPECT_EQ(runs, 3);
}

TEST_F(EmulatedLaunchLimitsTest, AllocationsAndCopiesCanFailToo) {
  configure(faulty(FaultKind::allocation, 1));
  const Stream stream;
  const DeviceFloats floats(1);
  void* data = nullptr;
  EXPECT_EQ(cudaMallocHost(&data, 1), cudaErrorMemoryAllocation);
  succeed(cudaMalloc(&data, 1));
  succeed(cudaFree(data));

  configure(faulty(FaultKind::copy, 0));
  const float one = 1;
  EXPECT_EQ(cudaMemcpyAsync(floats.data(), &one, 4, cudaMemcpyHostToDevice, stream), cudaErrorUnknown);
  EXPECT_EQ(cudaMemcpyAsync(floats.data(), &one, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  EXPECT_EQ(download(floats, stream), std::vector<float>{1});
}

TEST_F(EmulatedLaunchLimitsTest, ALostDeviceStaysLostAndStillTakesBackWhatItGave) {
  int behind_the_call = 0;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Settings settings = faulty(FaultKind::lost, 1);
    settings.seed = seed;
    configure(settings);
    {
      const Stream stream;
      const Event event;
      const DeviceFloats floats(1);
      const PinnedFloats pinned(1);
      std::atomic<int> runs = 0;
      succeed(launch(stream, [&] { ++runs; }));
      const cudaError_t status = launch(stream, [&] { runs += 10; });
      behind_the_call += status == cudaSuccess ? 1 : 0;
      launch(stream, [&] { runs += 100; });
      cudaMemcpyAsync(pinned.data(), floats.data(), 4, cudaMemcpyDeviceToHost, stream);
      EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
      EXPECT_EQ(runs, 1);
      void* data = nullptr;
      EXPECT_EQ(cudaMalloc(&data, 1), cudaErrorLaunchFailure);
      EXPECT_EQ(launch(stream, [&] { ++runs; }), cudaErrorLaunchFailure);
      EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
      EXPECT_EQ(cudaEventRecord(event, stream), cudaErrorLaunchFailure);
      EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
      EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
    }
    EXPECT_EQ(live_objects(), 0);
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  }
  EXPECT_GT(behind_the_call, 8);
  configure({});
  const Stream stream;
  EXPECT_EQ(launch(stream, [] {}), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

}  // namespace
}  // namespace rushlight::emulator
