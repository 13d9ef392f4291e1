#include <cublas_v2.h>
#include <dlfcn.h>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedCublasHandleTest = EmulatedDeviceTest;
using EmulatedCublasHandleDeathTest = EmulatedDeviceTest;

cublasHandle_t make_handle() {
  cublasHandle_t handle = nullptr;
  EXPECT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_SUCCESS);
  return handle;
}

// [0] * [1] = [2]
cublasStatus_t multiply(cublasHandle_t handle, const DeviceFloats& floats) {
  const float one = 1;
  const float zero = 0;
  float* data = floats.data();
  return cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, data, CUDA_R_32F, 1, data + 1, CUDA_R_32F, 1,
                      &zero, data + 2, CUDA_R_32F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

TEST_F(EmulatedCublasHandleTest, TheLibraryIsFoundByTheNameOfTheRealOne) {
  void* library = dlopen("libcublas.so.13", RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  for (const char* name : {"cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2",
                           "cublasSetMathMode", "cublasGemmStridedBatchedEx", "cublasGemmEx", "cublasGetVersion_v2",
                           "cublasGetStatusString", "cublasGetStatusName", "cublasGetProperty"}) {
    EXPECT_NE(dlsym(library, name), nullptr) << name;
  }
  // The same library as the one that plays the runtime, not a second copy of its state.
  EXPECT_EQ(dlsym(library, "cublasCreate_v2"), reinterpret_cast<void*>(&cublasCreate_v2));
  dlclose(library);
}

TEST_F(EmulatedCublasHandleTest, VersionsAndTextsAreThoseOfTheHeaders) {
  cublasHandle_t handle = make_handle();
  EXPECT_EQ(live_objects(), 1);
  int version = 0;
  EXPECT_EQ(cublasGetVersion_v2(handle, &version), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(version, CUBLAS_VERSION);
  EXPECT_EQ(cublasGetProperty(MAJOR_VERSION, &version), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(version, CUBLAS_VER_MAJOR);
  EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_NOT_SUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED");
  EXPECT_STREQ(cublasGetStatusString(CUBLAS_STATUS_ALLOC_FAILED), "the resource allocation failed");
  EXPECT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_SUCCESS);
}

TEST_F(EmulatedCublasHandleTest, HandlesNeedADeviceThatWorks) {
  cublasHandle_t handle = nullptr;
  Settings settings;
  for (const Driver driver : {Driver::none, Driver::old, Driver::busy}) {
    settings.driver = driver;
    configure(settings);
    EXPECT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_NOT_INITIALIZED);
  }
  settings.driver = Driver::unknown_architecture;
  configure(settings);
  EXPECT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_ARCH_MISMATCH);
}

TEST_F(EmulatedCublasHandleTest, LaunchFaultsHitProductsToo) {
  Settings settings;
  settings.fault = FaultKind::launch;
  configure(settings);
  cublasHandle_t handle = make_handle();
  {
    const Stream stream;
    const DeviceFloats floats(3);
    EXPECT_EQ(cublasSetStream_v2(handle, stream), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiply(handle, floats), CUBLAS_STATUS_EXECUTION_FAILED);
    EXPECT_EQ(multiply(handle, floats), CUBLAS_STATUS_SUCCESS);
    succeed(cudaStreamSynchronize(stream));

    settings.fault = FaultKind::lost;
    configure(settings);
    multiply(handle, floats);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
    EXPECT_EQ(multiply(handle, floats), CUBLAS_STATUS_EXECUTION_FAILED);
  }
  EXPECT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(live_objects(), 0);
}

TEST_F(EmulatedCublasHandleDeathTest, ACaptureNeedsAWorkspaceWhichSettingTheStreamTakesAway) {
  cublasHandle_t handle = make_handle();
  {
    const Stream stream;
    const DeviceFloats floats(3);
    const DeviceFloats workspace(1024);
    succeed(cudaMemsetAsync(floats.data(), 0, floats.bytes(), stream));
    EXPECT_EQ(cublasSetStream_v2(handle, stream), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasSetWorkspace_v2(handle, workspace.data(), workspace.bytes()), CUBLAS_STATUS_SUCCESS);
    succeed(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    EXPECT_EQ(multiply(handle, floats), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasSetStream_v2(handle, stream), CUBLAS_STATUS_SUCCESS);
    EXPECT_DEATH(multiply(handle, floats), "without a workspace");
    cudaGraph_t graph = nullptr;
    succeed(cudaStreamEndCapture(stream, &graph));
    EXPECT_EQ(multiply(handle, floats), CUBLAS_STATUS_SUCCESS);

    std::size_t nodes = 0;
    succeed(cudaGraphGetNodes(graph, nullptr, &nodes));
    EXPECT_EQ(nodes, 1U);
    cudaGraphExec_t executable = nullptr;
    succeed(cudaGraphInstantiateWithFlags(&executable, graph, 0));
    for (const float left : {2.0F, 3.0F}) {
      upload(floats, {left, 5}, stream);
      succeed(cudaGraphLaunch(executable, stream));
      EXPECT_EQ(download(floats, stream)[2], 5 * left);
    }
    succeed(cudaGraphExecDestroy(executable));
    succeed(cudaGraphDestroy(graph));
  }
  EXPECT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_SUCCESS);
}

TEST_F(EmulatedCublasHandleTest, TheWorkspaceDoesNotKeepWhatWasInIt) {
  cublasHandle_t handle = make_handle();
  {
    const Stream stream;
    const DeviceFloats floats(3);
    const DeviceFloats workspace(4);
    upload(workspace, {1, 2, 3, 4}, stream);
    EXPECT_EQ(cublasSetStream_v2(handle, stream), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasSetWorkspace_v2(handle, workspace.data(), workspace.bytes()), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiply(handle, floats), CUBLAS_STATUS_SUCCESS);
    for (const float value : download(workspace, stream)) EXPECT_NE(value, value);
  }
  EXPECT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_SUCCESS);
}

TEST_F(EmulatedCublasHandleDeathTest, MisuseIsFound) {
  cublasHandle_t handle = make_handle();
  {
    const Stream stream;
    const DeviceFloats floats(3);
    const DeviceFloats workspace(256);
    std::vector<float> host(256);
    EXPECT_DEATH(multiply(handle, floats), "no default stream");
    EXPECT_DEATH(cublasSetStream_v2(handle, nullptr), "no default stream");
    EXPECT_DEATH(cublasSetWorkspace_v2(handle, workspace.data(), 1025), "no device memory");
    EXPECT_DEATH(cublasSetWorkspace_v2(handle, host.data(), 1024), "no device memory");
    EXPECT_DEATH(cublasSetWorkspace_v2(handle, workspace.data() + 1, 512), "not aligned");
    EXPECT_EQ(cublasSetStream_v2(handle, stream), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasSetWorkspace_v2(handle, workspace.data(), 1024), CUBLAS_STATUS_SUCCESS);
    EXPECT_DEATH((cudaFree(workspace.data()), multiply(handle, floats)), "workspace is no device memory");
  }
  EXPECT_DEATH((cublasDestroy_v2(handle), cublasDestroy_v2(handle)), "no handle, or no longer");
  EXPECT_DEATH(multiply(handle, DeviceFloats(3)), "no stream, or no longer");
  EXPECT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_SUCCESS);
}

}  // namespace
}  // namespace rushlight::emulator
