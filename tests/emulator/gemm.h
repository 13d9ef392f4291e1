// Matrix products of the emulated cuBLAS, column-major: C = alpha * op(A) * op(B) + beta * C, for each of a batch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rushlight::emulator {

/// To what inputs are rounded, to the nearest and to even. Products are summed in fp64, in order of k.
enum class Inputs { fp32, tf32, bf16 };

/// As stored, without regard to transposition; `stride` leads to the next one of the batch.
struct Matrix {
  float* data = nullptr;
  int rows = 0;
  int columns = 0;
  int leading = 0;
  std::int64_t stride = 0;
  int batch = 1;

  float* column(int member, int index) const { return data + member * stride + std::int64_t{index} * leading; }
  /// Bytes from the first element of the first matrix to the last of the last. REQUIRES: no empty matrix.
  std::size_t extent() const;
};

struct Gemm {
  bool transpose_a = false;
  bool transpose_b = false;
  float alpha = 1;
  float beta = 0;
  Matrix a;
  Matrix b;
  Matrix c;
  Inputs inputs = Inputs::fp32;
};

/// Whether two columns of the batch share an element.
bool overlaps_itself(const Matrix& matrix);
bool overlap(const Matrix& one, const Matrix& other);

/// REQUIRES: device memory is open. What it reads and writes is told to ThreadSanitizer.
void run_gemm(const Gemm& gemm);

}  // namespace rushlight::emulator
