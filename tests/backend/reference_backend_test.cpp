#include "src/backend/reference_backend.h"

#include <gtest/gtest.h>

#include "tests/support/backends.h"

namespace rushlight {
namespace {

Matrix<float> matrix(float* data, std::int64_t rows, std::int64_t cols, std::int64_t stride) {
  return {data, 1, rows, cols, stride, 0};
}

// [1 2; 3 4] times [5 6; 7 8], whichever of them is stored transposed.
TEST(ReferenceBackendTest, MultipliesInEveryTransposition) {
  ReferenceBackend backend(open_backend(Device::cpu(1)));
  for (const Transpose transpose_a : {Transpose::no, Transpose::yes}) {
    for (const Transpose transpose_b : {Transpose::no, Transpose::yes}) {
      const bool at = transpose_a == Transpose::yes, bt = transpose_b == Transpose::yes;
      float a[] = {1, at ? 3.0f : 2.0f, -9, at ? 2.0f : 3.0f, 4, -9};
      float b[] = {5, bt ? 7.0f : 6.0f, -9, -9, bt ? 6.0f : 7.0f, 8, -9, -9};
      float c[] = {-9, -9, -9, -9};
      const auto plan = backend.prepare({.m = 2,
                                         .n = 2,
                                         .k = 2,
                                         .transpose_a = transpose_a,
                                         .transpose_b = transpose_b,
                                         .a_stride = 3,
                                         .b_stride = 4,
                                         .c_stride = 2});
      backend.run(Command{Matmul{plan.get(), matrix(a, 2, 2, 3).as_const(), matrix(b, 2, 2, 4).as_const(),
                                 matrix(c, 2, 2, 2), nullptr}});
      EXPECT_EQ((std::array<float, 4>{c[0], c[1], c[2], c[3]}), (std::array<float, 4>{19, 22, 43, 50}));
    }
  }
}

TEST(ReferenceBackendTest, SumsInDoublePrecision) {
  ReferenceBackend backend(open_backend(Device::cpu(1)));
  float a[] = {1e8f, 1.0f, -1e8f}, b[] = {1.0f, 1.0f, 1.0f}, c[] = {0.0f};
  const auto plan = backend.prepare({.m = 1, .n = 1, .k = 3, .a_stride = 3, .b_stride = 1, .c_stride = 1});
  backend.run(Command{
      Matmul{plan.get(), matrix(a, 1, 3, 3).as_const(), matrix(b, 3, 1, 1).as_const(), matrix(c, 1, 1, 1), nullptr}});
  EXPECT_EQ(c[0], 1.0f);
}

TEST(ReferenceBackendTest, LaysMemoryOutAsTheOtherDoes) {
  const std::shared_ptr<Backend> like = open_backend(Device::cpu(1));
  ReferenceBackend backend(like);
  for (const std::int64_t columns : {1, 17, 256, 512})
    EXPECT_EQ(backend.row_stride(columns), like->row_stride(columns));
  const MatmulShape shape{.m = 3, .n = 5, .k = 7, .a_stride = 7, .b_stride = 5, .c_stride = 5};
  EXPECT_EQ(backend.prepare(shape)->workspace_bytes(), like->prepare(shape)->workspace_bytes());
}

}  // namespace
}  // namespace rushlight
