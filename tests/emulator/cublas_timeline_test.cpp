// What ThreadSanitizer makes of products: runs in its build alone.
#include <cublas_v2.h>

#include <cstdlib>
#include <functional>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

class EmulatedCublasTimelineDeathTest : public TsanDeathTest {};

// 2x2 matrices A, B, C of `data`, their columns three apart; `touched` is written by another stream at the same time.
void product_beside_a_write(int touched, float beta) {
  const DeviceFloats data(18);
  const DeviceFloats workspace(64);
  const Stream stream;
  const Stream other;
  succeed(cudaMemsetAsync(data.data(), 0, data.bytes(), stream));
  succeed(cudaStreamSynchronize(stream));
  cublasHandle_t handle = nullptr;
  cublasCreate_v2(&handle);
  cublasSetStream_v2(handle, stream);
  cublasSetWorkspace_v2(handle, workspace.data(), workspace.bytes());
  const float one = 1;
  float* a = data.data();
  const cublasStatus_t status =
      cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 2, &one, a, CUDA_R_32F, 3, a + 6, CUDA_R_32F, 3, &beta,
                   a + 12, CUDA_R_32F, 3, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  EXPECT_EQ(status, CUBLAS_STATUS_SUCCESS);
  float* written = touched < 18 ? a + touched : workspace.data();
  succeed(launch(other, [written] { *written = 1; }));
  succeed(cudaDeviceSynchronize());
  cublasDestroy_v2(handle);
}

TEST_F(EmulatedCublasTimelineDeathTest, ProductsRaceWithWritesOfTheirElementsAndNotBetweenThem) {
  constexpr int kWorkspace = 18;
  for (const int touched : {0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, kWorkspace}) {
    EXPECT_EXIT((product_beside_a_write(touched, 0), std::_Exit(0)), testing::ExitedWithCode(66), "data race")
        << touched;
  }
  for (const int between : {2, 5, 8, 11, 14, 17}) {
    EXPECT_EXIT((product_beside_a_write(between, 1), std::_Exit(0)), testing::ExitedWithCode(0), "") << between;
  }
}

}  // namespace
}  // namespace rushlight::emulator
