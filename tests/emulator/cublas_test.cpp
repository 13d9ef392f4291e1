#include <cublas_v2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedCublasTest = EmulatedDeviceTest;
using EmulatedCublasDeathTest = EmulatedDeviceTest;

using emulator::succeed;
void succeed(cublasStatus_t status) {
  ASSERT_EQ(status, CUBLAS_STATUS_SUCCESS) << cublasGetStatusString(status);
}

class Handle {
 public:
  explicit Handle(cudaStream_t stream) {
    succeed(cublasCreate_v2(&handle_));
    succeed(cublasSetStream_v2(handle_, stream));
  }
  ~Handle() { cublasDestroy_v2(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator cublasHandle_t() const { return handle_; }  // NOLINT(google-explicit-constructor)

 private:
  cublasHandle_t handle_ = nullptr;
};

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> values(-1, 1);
  std::vector<float> result(count);
  for (float& value : result) value = values(generator);
  return result;
}

struct Product {
  cublasOperation_t transa = CUBLAS_OP_N;
  cublasOperation_t transb = CUBLAS_OP_N;
  int m = 1;
  int n = 1;
  int k = 1;
  float alpha = 1;
  float beta = 0;
  int pad = 0;  // How much longer than needed columns are apart.
  int batch = 1;
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;

  bool ta() const { return transa != CUBLAS_OP_N; }
  bool tb() const { return transb != CUBLAS_OP_N; }
  int lda() const { return std::max(1, (ta() ? k : m) + pad); }
  int ldb() const { return std::max(1, (tb() ? n : k) + pad); }
  int ldc() const { return m + pad; }
  // A gap of three floats between the matrices of a batch.
  int stride_a() const { return lda() * (ta() ? m : k) + 3; }
  int stride_b() const { return ldb() * (tb() ? k : n) + 3; }
  int stride_c() const { return ldc() * n + 3; }
};

cublasStatus_t call(cublasHandle_t handle, const Product& p, const float* a, const float* b, float* c) {
  return cublasGemmStridedBatchedEx(handle, p.transa, p.transb, p.m, p.n, p.k, &p.alpha, a, CUDA_R_32F, p.lda(),
                                    p.stride_a(), b, CUDA_R_32F, p.ldb(), p.stride_b(), &p.beta, c, CUDA_R_32F, p.ldc(),
                                    p.stride_c(), p.batch, p.compute, CUBLAS_GEMM_DEFAULT);
}

/// The definition, index by index; nothing but the elements of the result is changed.
std::vector<float> expected(const Product& p, const std::vector<float>& a, const std::vector<float>& b,
                            std::vector<float> c) {
  const auto at = [](int stride, int member, int row, int column, int leading) {
    return static_cast<std::size_t>(member * stride + column * leading + row);
  };
  for (int member = 0; member < p.batch; ++member) {
    for (int i = 0; i < p.m; ++i) {
      for (int j = 0; j < p.n; ++j) {
        double sum = 0;
        for (int l = 0; l < p.k; ++l) {
          const double left = a[at(p.stride_a(), member, p.ta() ? l : i, p.ta() ? i : l, p.lda())];
          const double right = b[at(p.stride_b(), member, p.tb() ? j : l, p.tb() ? l : j, p.ldb())];
          sum += left * right;
        }
        float& to = c[at(p.stride_c(), member, i, j, p.ldc())];
        to = static_cast<float>(double{p.alpha} * sum + (p.beta == 0 ? 0 : double{p.beta} * double{to}));
      }
    }
  }
  return c;
}

void expect_as_defined(const Product& p) {
  SCOPED_TRACE(testing::Message() << p.m << "x" << p.n << "x" << p.k << (p.ta() ? " T" : " N") << (p.tb() ? "T" : "N"));
  const auto count = [&](int stride) { return static_cast<std::size_t>(stride * p.batch); };
  const std::vector<float> a = random_values(count(p.stride_a()), 1);
  const std::vector<float> b = random_values(count(p.stride_b()), 2);
  const std::vector<float> c = random_values(count(p.stride_c()), 3);
  const Stream stream;
  const Handle handle(stream);
  const DeviceFloats da(a.size());
  const DeviceFloats db(b.size());
  const DeviceFloats dc(c.size());
  upload(da, a, stream);
  upload(db, b, stream);
  upload(dc, c, stream);
  succeed(call(handle, p, da.data(), db.data(), dc.data()));
  EXPECT_EQ(download(dc, stream), expected(p, a, b, c));
}

TEST_F(EmulatedCublasTest, ProductsAreAsDefined) {
  for (const cublasOperation_t transa : {CUBLAS_OP_N, CUBLAS_OP_T}) {
    for (const cublasOperation_t transb : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      for (const int pad : {0, 2}) {
        expect_as_defined({transa, transb, 1, 1, 1, 1, 0, pad});
        expect_as_defined({transa, transb, 4, 8, 5, 1, 0, pad});
        expect_as_defined({transa, transb, 7, 5, 13, -1.5F, 0.5F, pad, 3});
        expect_as_defined({transa, transb, 3, 9, 0, 1, 2, pad});
        expect_as_defined({transa, transb, 6, 2, 3, 0, 1, pad, 2});
      }
    }
  }
  expect_as_defined({CUBLAS_OP_N, CUBLAS_OP_N, 100, 64, 784});
}

TEST_F(EmulatedCublasTest, PlainProductsAreBatchesOfOne) {
  const Stream stream;
  const Handle handle(stream);
  const DeviceFloats floats(3);
  upload(floats, {3, 5, 7}, stream);
  const float alpha = 2;
  const float beta = 1;
  succeed(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, floats.data(), CUDA_R_32F, 1,
                       floats.data() + 1, CUDA_R_32F, 1, &beta, floats.data() + 2, CUDA_R_32F, 1, CUBLAS_COMPUTE_32F,
                       CUBLAS_GEMM_DEFAULT));
  EXPECT_EQ(download(floats, stream), (std::vector<float>{3, 5, 37}));
}

/// The product of two scalars, as `compute` and `mode` give it.
float product(float a, float b, cublasComputeType_t compute, cublasMath_t mode = CUBLAS_DEFAULT_MATH) {
  const Stream stream;
  const Handle handle(stream);
  succeed(cublasSetMathMode(handle, mode));
  const DeviceFloats floats(3);
  upload(floats, {a, b, 0}, stream);
  Product p;
  p.compute = compute;
  succeed(call(handle, p, floats.data(), floats.data() + 1, floats.data() + 2));
  return download(floats, stream)[2];
}

TEST_F(EmulatedCublasTest, InputsAreRoundedToNearestEvenAsTheComputeTypeSays) {
  // Half a unit of the last place of the short mantissa, which goes to the even neighbour.
  const float tf32_tie_down = 1 + std::ldexp(1.0F, -11);
  const float tf32_tie_up = 1 + 3 * std::ldexp(1.0F, -11);
  const float bf16_tie_down = 1 + std::ldexp(1.0F, -8);
  const float bf16_tie_up = 1 + 3 * std::ldexp(1.0F, -8);
  const float ulp = std::ldexp(1.0F, -23);
  EXPECT_EQ(product(tf32_tie_down, 1, CUBLAS_COMPUTE_32F), tf32_tie_down);
  EXPECT_EQ(product(tf32_tie_down, 1, CUBLAS_COMPUTE_32F_PEDANTIC, CUBLAS_TF32_TENSOR_OP_MATH), tf32_tie_down);
  for (const bool by_mode : {false, true}) {
    const auto tf32 = [&](float a, float b) {
      return by_mode ? product(a, b, CUBLAS_COMPUTE_32F, CUBLAS_TF32_TENSOR_OP_MATH)
                     : product(a, b, CUBLAS_COMPUTE_32F_FAST_TF32);
    };
    EXPECT_EQ(tf32(tf32_tie_down, 1), 1);
    EXPECT_EQ(tf32(1, -tf32_tie_down), -1);
    EXPECT_EQ(tf32(tf32_tie_up, 1), 1 + std::ldexp(1.0F, -9));
    EXPECT_EQ(tf32(tf32_tie_down + ulp, 1), 1 + std::ldexp(1.0F, -10));
    EXPECT_TRUE(std::isnan(tf32(std::numeric_limits<float>::quiet_NaN(), 1)));
  }
  const auto bf16 = [](float a, float b) { return product(a, b, CUBLAS_COMPUTE_32F_FAST_16BF); };
  EXPECT_EQ(bf16(bf16_tie_down, 1), 1);
  EXPECT_EQ(bf16(1, bf16_tie_up), 1 + std::ldexp(1.0F, -6));
  EXPECT_EQ(bf16(bf16_tie_down + ulp, 1), 1 + std::ldexp(1.0F, -7));
}

TEST_F(EmulatedCublasTest, WhatAFactorOfZeroLeavesOutMayBeNaN) {
  const Stream stream;
  const Handle handle(stream);
  const DeviceFloats fresh(3);
  const DeviceFloats floats(3);
  upload(floats, {3, 5, 7}, stream);
  Product p;
  succeed(call(handle, p, floats.data(), floats.data() + 1, fresh.data()));
  p.alpha = 0;
  p.beta = 2;
  succeed(call(handle, p, fresh.data() + 1, fresh.data() + 2, floats.data() + 2));
  EXPECT_EQ(download(fresh, stream)[0], 15);
  EXPECT_EQ(download(floats, stream)[2], 14);
}

TEST_F(EmulatedCublasTest, ProductsRunInTheirStreamWithTheScalarsOfTheCall) {
  with_seeds([] {
    const Stream stream;
    const Handle handle(stream);
    const DeviceFloats floats(3);
    const PinnedFloats result(1);
    upload(floats, {3, 5, 0}, stream);
    Product p;
    succeed(call(handle, p, floats.data(), floats.data() + 1, floats.data() + 2));
    p.alpha = 100;
    succeed(cudaMemcpyAsync(result.data(), floats.data() + 2, 4, cudaMemcpyDeviceToHost, stream));
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(*result.data(), 15);
  });
  EXPECT_EQ(counts().launches, 1);
}

TEST_F(EmulatedCublasTest, WhatIsNotEmulatedOrNotLegalIsRefused) {
  const Stream stream;
  const Handle handle(stream);
  const DeviceFloats floats(3);
  const float one = 1;
  const auto status = [&](cublasHandle_t h, int m, int k, int lda, int ldc, cudaDataType type,
                          cublasComputeType_t compute, const float* alpha) {
    return cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, m, 1, k, alpha, floats.data(), type, lda, floats.data() + 1,
                        CUDA_R_32F, 1, &one, floats.data() + 2, CUDA_R_32F, ldc, compute, CUBLAS_GEMM_DEFAULT);
  };
  constexpr auto kCompute = CUBLAS_COMPUTE_32F;
  EXPECT_EQ(status(nullptr, 1, 1, 1, 1, CUDA_R_32F, kCompute, &one), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(status(handle, 1, 1, 1, 1, CUDA_R_16F, kCompute, &one), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(status(handle, 1, 1, 1, 1, CUDA_R_32F, CUBLAS_COMPUTE_64F, &one), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(status(handle, -1, 1, 1, 1, CUDA_R_32F, kCompute, &one), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status(handle, 2, 1, 1, 2, CUDA_R_32F, kCompute, &one), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status(handle, 2, 1, 2, 1, CUDA_R_32F, kCompute, &one), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status(handle, 1, 1, 1, 1, CUDA_R_32F, kCompute, nullptr), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status(handle, 0, 1, 1, 1, CUDA_R_32F, kCompute, &one), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasSetMathMode(handle, CUBLAS_TENSOR_OP_MATH), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(EmulatedCublasTest, MatricesMayInterleave) {
  const Stream stream;
  const Handle handle(stream);
  const DeviceFloats floats(8);
  upload(floats, {2, 3, 5, 7, 0, 0, 0, 0}, stream);
  const float one = 1;
  const float zero = 0;
  // Two products of one row and two columns, whose results take turns.
  succeed(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 2, 1, &one, floats.data(), CUDA_R_32F, 1, 1,
                                     floats.data() + 2, CUDA_R_32F, 1, 0, &zero, floats.data() + 4, CUDA_R_32F, 2, 1, 2,
                                     CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  EXPECT_EQ(download(floats, stream), (std::vector<float>{2, 3, 5, 7, 10, 15, 14, 21}));
}

TEST_F(EmulatedCublasDeathTest, MatricesOutsideOfTheirMemoryAndOverlapsAreFound) {
  const Stream stream;
  const Handle handle(stream);
  const DeviceFloats a(6);
  const DeviceFloats b(6);
  const DeviceFloats c(4);
  std::vector<float> host(6);
  const auto gemm = [&](const float* left, const float* right, float* to, int stride_c = 0, int batch = 1) {
    const float one = 1;
    return cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, left, CUDA_R_32F, 2, 0, right,
                                      CUDA_R_32F, 3, 0, &one, to, CUDA_R_32F, 2, stride_c, batch, CUBLAS_COMPUTE_32F,
                                      CUBLAS_GEMM_DEFAULT);
  };
  EXPECT_EQ(gemm(a.data(), b.data(), c.data()), CUBLAS_STATUS_SUCCESS);
  EXPECT_DEATH(gemm(a.data() + 1, b.data(), c.data()), "A is not inside");
  EXPECT_DEATH(gemm(a.data(), b.data() + 1, c.data()), "B is not inside");
  EXPECT_DEATH(gemm(a.data(), b.data(), c.data() + 1), "C is not inside");
  EXPECT_DEATH(gemm(host.data(), b.data(), c.data()), "A is not inside");
  EXPECT_DEATH(gemm(a.data(), b.data(), c.data(), 4, 2), "C is not inside");
  EXPECT_DEATH(gemm(a.data(), b.data(), b.data()), "C overlaps an input");
  EXPECT_DEATH(gemm(a.data(), b.data(), a.data() + 2), "C overlaps an input");
  EXPECT_DEATH(gemm(a.data(), b.data(), c.data(), 0, 2), "C of the batch overlap");
  EXPECT_DEATH(gemm(a.data(), b.data(), c.data(), -1, 2), "negative stride");
  succeed(cudaStreamSynchronize(stream));
}

}  // namespace
}  // namespace rushlight::emulator
