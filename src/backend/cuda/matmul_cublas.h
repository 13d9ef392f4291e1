// Matrix products on a GPU by cuBLAS.
#pragma once

#include <rushlight/device.h>

#include <memory>
#include <type_traits>

#include "src/backend/command.h"
#include "src/backend/cuda/cublas_library.h"

namespace rushlight {

/// A cuBLAS handle on one stream. Products of one precision; the same bits run after run, as each is given its
/// workspace.
class Cublas {
 public:
  Cublas(cudaStream_t stream, Precision precision, std::int64_t workspace_bytes);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  /// @throws DeviceError if an extent is beyond cuBLAS's 32 bits.
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) const;

  /// @throws DeviceError with the shape and cuBLAS's words.
  void run(const Matmul& product);

 private:
  CublasLibrary library_;
  cublasHandle_t handle_ = nullptr;
  cublasComputeType_t compute_;
  std::int64_t workspace_bytes_;
  void* workspace_ = nullptr;  // The one that the handle knows.
};

}  // namespace rushlight
