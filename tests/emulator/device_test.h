// What the tests of the emulated device share.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/emulator/internal.h"

namespace rushlight::emulator {

inline void succeed(cudaError_t status) {
  ASSERT_EQ(status, cudaSuccess) << cudaGetErrorString(status);
}

class Stream {
 public:
  Stream() { succeed(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }  // NOLINT(google-explicit-constructor)

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  explicit Event(unsigned flags = cudaEventDisableTiming) { succeed(cudaEventCreateWithFlags(&event_, flags)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }  // NOLINT(google-explicit-constructor)

 private:
  cudaEvent_t event_ = nullptr;
};

enum class Memory { device, pinned };

/// Floats of device or pinned memory, not initialized.
template <Memory kMemory>
class Floats {
 public:
  explicit Floats(std::size_t count) : count_(count) {
    void* data = nullptr;
    succeed(kMemory == Memory::device ? cudaMalloc(&data, bytes()) : cudaMallocHost(&data, bytes()));
    data_ = static_cast<float*>(data);
  }
  ~Floats() { kMemory == Memory::device ? cudaFree(data_) : cudaFreeHost(data_); }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  float* data() const { return data_; }
  std::size_t bytes() const { return count_ * sizeof(float); }

 private:
  std::size_t count_;
  float* data_ = nullptr;
};
using DeviceFloats = Floats<Memory::device>;
using PinnedFloats = Floats<Memory::pinned>;

inline void some_kernel() {}

/// Launches a kernel whose only thread does `thread`.
inline cudaError_t launch(cudaStream_t stream, std::function<void()> thread, dim3 grid = 1, dim3 block = 1,
                          std::size_t shared_bytes = 0) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  Launch one;
  one.kernel = reinterpret_cast<const void*>(&some_kernel);
  one.name = "some_kernel";
  one.thread = std::move(thread);
  return enqueue_launch(config, std::move(one));
}

inline void upload(const DeviceFloats& to, const std::vector<float>& from, cudaStream_t stream) {
  succeed(cudaMemcpyAsync(to.data(), from.data(), from.size() * sizeof(float), cudaMemcpyHostToDevice, stream));
}

inline std::vector<float> download(const DeviceFloats& from, cudaStream_t stream) {
  std::vector<float> to(from.bytes() / sizeof(float));
  succeed(cudaMemcpyAsync(to.data(), from.data(), from.bytes(), cudaMemcpyDeviceToHost, stream));
  return to;
}

/// In which order things ran, for streams that are in none.
class Log {
 public:
  void add(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_ += name;
  }
  std::string names() const {
    const std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  mutable std::mutex mutex_;
  std::string names_;
};

/// Each test starts with a fresh device and leaves nothing alive.
class EmulatedDeviceTest : public testing::Test {
 protected:
  void SetUp() override { configure({}); }
  void TearDown() override {
    EXPECT_EQ(live_objects(), 0);
    configure({});
    cudaGetLastError();
  }

  /// Runs the body with many orders of queued work.
  static void with_seeds(const std::function<void()>& body) {
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
      Settings settings;
      settings.seed = seed;
      configure(settings);
      body();
    }
  }
};

/// What ThreadSanitizer reports, in processes of their own: other builds skip it.
class TsanDeathTest : public EmulatedDeviceTest {
 protected:
  void SetUp() override {
#ifndef __SANITIZE_THREAD__
    GTEST_SKIP() << "not built for ThreadSanitizer";
#endif
    EmulatedDeviceTest::SetUp();
    // ThreadSanitizer sees next to nothing in a forked copy of a process that has fibers.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
  void TearDown() override {
    GTEST_FLAG_SET(death_test_style, "fast");
    EmulatedDeviceTest::TearDown();
  }
};

}  // namespace rushlight::emulator
