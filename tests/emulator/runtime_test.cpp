#include <cstdlib>
#include <string>
#include <thread>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedRuntimeTest = EmulatedDeviceTest;
using EmulatedRuntimeDeathTest = EmulatedDeviceTest;

Settings with_driver(Driver driver) {
  Settings settings;
  settings.driver = driver;
  return settings;
}

int driver_version() {
  int version = -1;
  succeed(cudaDriverGetVersion(&version));
  return version;
}

cudaError_t count_devices(int expected) {
  int count = -1;
  const cudaError_t status = cudaGetDeviceCount(&count);
  EXPECT_EQ(count, expected);
  EXPECT_EQ(cudaGetLastError(), status);
  return status;
}

TEST_F(EmulatedRuntimeTest, TheDeviceIsDescribed) {
  int version = 0;
  succeed(cudaRuntimeGetVersion(&version));
  EXPECT_EQ(version, CUDART_VERSION);
  EXPECT_GE(driver_version(), version);
  EXPECT_EQ(count_devices(1), cudaSuccess);
  cudaDeviceProp it{};
  succeed(cudaGetDeviceProperties(&it, 0));
  EXPECT_STREQ(it.name, "emulated device");
  EXPECT_EQ(it.major, 8);
  EXPECT_EQ(it.minor, 0);
  EXPECT_EQ(it.multiProcessorCount, 4);
  EXPECT_EQ(it.maxThreadsPerMultiProcessor, 2048);
  EXPECT_EQ(it.sharedMemPerBlock, 48U << 10);
  EXPECT_EQ(it.sharedMemPerBlockOptin, 227U << 10);
  EXPECT_EQ(it.warpSize, 32);
  EXPECT_EQ(it.totalGlobalMem, std::size_t{2} << 30);
}

TEST_F(EmulatedRuntimeTest, AttributesSayWhatPropertiesSay) {
  cudaDeviceProp it{};
  succeed(cudaGetDeviceProperties(&it, 0));
  const auto attribute = [](cudaDeviceAttr which) {
    int value = -1;
    succeed(cudaDeviceGetAttribute(&value, which, 0));
    return value;
  };
  EXPECT_EQ(attribute(cudaDevAttrMultiProcessorCount), it.multiProcessorCount);
  EXPECT_EQ(attribute(cudaDevAttrComputeCapabilityMajor), it.major);
  EXPECT_EQ(attribute(cudaDevAttrComputeCapabilityMinor), it.minor);
  EXPECT_EQ(attribute(cudaDevAttrMaxThreadsPerBlock), it.maxThreadsPerBlock);
  EXPECT_EQ(attribute(cudaDevAttrMaxGridDimY), it.maxGridSize[1]);
  EXPECT_EQ(attribute(cudaDevAttrMaxBlockDimZ), it.maxThreadsDim[2]);
  EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin), 227 << 10);
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMax, 0), cudaErrorInvalidValue);
}

TEST_F(EmulatedRuntimeTest, EachThreadHasADeviceOfItsOwn) {
  Settings settings;
  settings.devices = 2;
  configure(settings);
  EXPECT_EQ(count_devices(2), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  succeed(cudaSetDevice(1));
  std::thread([] {
    int device = -1;
    succeed(cudaGetDevice(&device));
    EXPECT_EQ(device, 0);
  }).join();
  int device = -1;
  succeed(cudaGetDevice(&device));
  EXPECT_EQ(device, 1);
  succeed(cudaSetDevice(0));
}

TEST_F(EmulatedRuntimeTest, WithoutADriverNothingWorks) {
  configure(with_driver(Driver::none));
  EXPECT_EQ(driver_version(), 0);
  EXPECT_EQ(count_devices(0), cudaErrorInsufficientDriver);
  void* data = nullptr;
  EXPECT_EQ(cudaMalloc(&data, 1), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorInsufficientDriver);
}

TEST_F(EmulatedRuntimeTest, AnOldDriverSaysHowOld) {
  configure(with_driver(Driver::old));
  EXPECT_EQ(driver_version(), 11040);
  EXPECT_EQ(count_devices(0), cudaErrorInsufficientDriver);
}

TEST_F(EmulatedRuntimeTest, WithoutADeviceTheDriverIsThere) {
  Settings settings;
  settings.devices = 0;
  configure(settings);
  EXPECT_EQ(driver_version(), CUDART_VERSION);
  EXPECT_EQ(count_devices(0), cudaErrorNoDevice);
}

TEST_F(EmulatedRuntimeTest, AnEmptyListOfVisibleDevicesHidesThem) {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  EXPECT_EQ(count_devices(0), cudaErrorNoDevice);
  setenv("CUDA_VISIBLE_DEVICES", "0", 1);
  EXPECT_EQ(count_devices(1), cudaSuccess);
  unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST_F(EmulatedRuntimeTest, ABusyDeviceIsSeenButNotUsed) {
  configure(with_driver(Driver::busy));
  EXPECT_EQ(count_devices(1), cudaSuccess);
  cudaDeviceProp properties{};
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  void* data = nullptr;
  cudaStream_t stream = nullptr;
  std::size_t free = 0;
  std::size_t total = 0;
  EXPECT_EQ(cudaMalloc(&data, 1), cudaErrorDevicesUnavailable);
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaErrorDevicesUnavailable);
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaErrorDevicesUnavailable);
}

TEST_F(EmulatedRuntimeTest, AnUnknownArchitectureHasNoKernels) {
  configure(with_driver(Driver::unknown_architecture));
  cudaDeviceProp properties{};
  succeed(cudaGetDeviceProperties(&properties, 0));
  EXPECT_EQ(properties.major, 7);
  EXPECT_EQ(properties.minor, 0);
  cudaFuncAttributes attributes{};
  EXPECT_EQ(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&some_kernel)),
            cudaErrorNoKernelImageForDevice);
  const Stream stream;
  EXPECT_EQ(launch(stream, [] {}), cudaErrorNoKernelImageForDevice);
}

TEST_F(EmulatedRuntimeTest, ErrorsHaveCudasNamesAndTexts) {
  EXPECT_STREQ(cudaGetErrorName(cudaSuccess), "cudaSuccess");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorName(cudaErrorLaunchFailure), "cudaErrorLaunchFailure");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorLaunchFailure), "unspecified launch failure");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorInsufficientDriver),
               "CUDA driver version is insufficient for CUDA runtime version");
  EXPECT_STREQ(cudaGetErrorString(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

TEST_F(EmulatedRuntimeTest, TheLastErrorIsKeptUntilItIsFetchedByItsThread) {
  EXPECT_EQ(cudaSetDevice(7), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  std::thread([] { EXPECT_EQ(cudaGetLastError(), cudaSuccess); }).join();
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(EmulatedRuntimeDeathTest, ResettingADeviceInUseIsRefused) {
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  const DeviceFloats floats(1);
  EXPECT_DEATH(cudaDeviceReset(), "still in use");
}

// A process that starts anew reads its environment before anything is configured.
class EmulatedSettingsDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override {
    GTEST_FLAG_SET(death_test_style, "fast");
    for (const char* name : {"SEED", "MEMORY", "DEVICES", "FAULT", "DRIVER"}) unsetenv(variable(name).c_str());
  }
  static std::string variable(const char* name) { return std::string("RUSHLIGHT_EMULATOR_") + name; }
  static void set(const char* name, const char* value) { setenv(variable(name).c_str(), value, 1); }
};

TEST_F(EmulatedSettingsDeathTest, ComeFromTheEnvironment) {
  set("SEED", "7");
  set("MEMORY", "4096");
  set("DEVICES", "3");
  set("FAULT", "copy:5");
  set("DRIVER", "busy");
  EXPECT_EXIT(
      {
        const Settings& it = settings();
        const bool right = it.seed == 7 && it.memory == 4096 && it.devices == 3 && it.fault == FaultKind::copy &&
                           it.fault_at == 5 && it.driver == Driver::busy;
        std::exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(EmulatedSettingsDeathTest, NonsenseInTheEnvironmentIsRefused) {
  const auto refuses = [](const char* name, const char* value) {
    set(name, value);
    EXPECT_DEATH(settings(), variable(name) + " is no .*\"" + value + "\"");
    unsetenv(variable(name).c_str());
  };
  refuses("SEED", "x");
  refuses("MEMORY", "1G");
  refuses("DEVICES", "-1");
  refuses("FAULT", "copy");
  refuses("FAULT", "crash:1");
  refuses("DRIVER", "new");
  set("FAULT", "copy:x");
  EXPECT_DEATH(settings(), "FAULT is no number: \"x\"");
}

}  // namespace
}  // namespace rushlight::emulator
