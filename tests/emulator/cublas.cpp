#include <cublas_v2.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string>

#include "tests/emulator/gemm.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"
#include "tests/emulator/timeline.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  bool has_workspace = false;  // Of the caller; without, it is the library's own.
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is cuBLAS's own names.

namespace {

constexpr std::uintptr_t kWorkspaceAlignment = 256;
constexpr std::size_t kScribbled = 1024;

std::set<cublasContext*>& handles() {
  static auto& it = *new std::set<cublasContext*>;
  return it;
}

// A call on a handle, which may not be null.
template <class Body>
cublasStatus_t call_of(cublasHandle_t handle, const char* call, const Body& body) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!handles().contains(handle)) violation(std::string(call) + " of what is no handle, or no longer");
  return body(*handle);
}

void check_workspace(const void* workspace, std::size_t bytes) {
  if (bytes == 0) return;
  if (!is_device_memory(workspace, bytes)) violation("the cuBLAS workspace is no device memory");
  if (reinterpret_cast<std::uintptr_t>(workspace) % kWorkspaceAlignment != 0) {
    violation("the cuBLAS workspace is not aligned to 256 bytes");
  }
}

std::optional<Inputs> inputs_of(cublasComputeType_t compute, cublasMath_t math) {
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32) return Inputs::tf32;
  if (compute == CUBLAS_COMPUTE_32F_FAST_16BF) return Inputs::bf16;
  if (compute == CUBLAS_COMPUTE_32F_PEDANTIC) return Inputs::fp32;
  if (compute != CUBLAS_COMPUTE_32F) return std::nullopt;
  return math == CUBLAS_TF32_TENSOR_OP_MATH ? Inputs::tf32 : Inputs::fp32;
}

bool is_operation(cublasOperation_t operation) {
  return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

bool is_legal(const Matrix& matrix) {
  return matrix.rows >= 0 && matrix.columns >= 0 && matrix.batch >= 0 && matrix.leading >= std::max(1, matrix.rows);
}

void check_matrix(const Matrix& matrix, const char* name) {
  if (matrix.batch > 1 && matrix.stride < 0) violation(std::string("gemm: a negative stride of ") + name);
  if (!is_device_memory(matrix.data, matrix.extent())) {
    violation(std::string("gemm: ") + name + " is not inside of a device allocation");
  }
}

void check_memory(const Gemm& gemm) {
  check_matrix(gemm.c, "C");
  if (overlaps_itself(gemm.c)) violation("gemm: the matrices C of the batch overlap");
  if (gemm.a.rows == 0 || gemm.a.columns == 0) return;
  check_matrix(gemm.a, "A");
  check_matrix(gemm.b, "B");
  if (overlap(gemm.c, gemm.a) || overlap(gemm.c, gemm.b)) violation("gemm: C overlaps an input");
}

// The real one leaves intermediate results there, in order of its stream and in no other.
void scribble(void* workspace, std::size_t bytes) {
  if (bytes == 0) return;
  // Told by hand, as the compiler may fill so few bytes without the function that ThreadSanitizer sees.
  timeline::write(workspace, std::min(bytes, kScribbled));
  std::memset(workspace, 0xFF, std::min(bytes, kScribbled));
}

cublasStatus_t enqueue_gemm(const cublasContext& handle, const Gemm& gemm) {
  CUstream_st& stream = stream_of(handle.stream, "gemm");
  if (stream.capture != nullptr && !handle.has_workspace) {
    violation("gemm in a capture without a workspace of the caller's: cublasSetStream has reset it");
  }
  check_workspace(handle.workspace, handle.workspace_bytes);
  ++counters().launches;
  if (fault_now(FaultKind::launch)) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (gemm.c.rows == 0 || gemm.c.columns == 0 || gemm.c.batch == 0) return CUBLAS_STATUS_SUCCESS;
  check_memory(gemm);
  Work work{"gemm", {}, {}};
  work.body = [gemm, workspace = handle.workspace, bytes = handle.workspace_bytes] {
    scribble(workspace, bytes);
    run_gemm(gemm);
  };
  if (fault_now(FaultKind::lost)) work.body = lose_device;
  if (fault_now(FaultKind::wrong)) work.body = [] {};
  const cudaError_t error = enqueue(stream, std::move(work));
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* result) {
  if (device_status() != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (settings().driver == Driver::unknown_architecture) return CUBLAS_STATUS_ARCH_MISMATCH;
  *result = new cublasContext;
  handles().insert(*result);
  add_live(Object::cublas_handle, 1);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  return call_of(handle, "cublasDestroy", [](cublasContext& it) {
    run_everything();  // The real one waits for the device, too.
    handles().erase(&it);
    delete &it;
    add_live(Object::cublas_handle, -1);
    return device_is_lost() ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  return call_of(handle, "cublasSetStream", [&](cublasContext& it) {
    it.stream = &stream_of(stream, "cublasSetStream");
    // As the real one: "unconditionally resets the cuBLAS library workspace back to the default workspace pool".
    it.has_workspace = false;
    it.workspace = nullptr;
    it.workspace_bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  return call_of(handle, "cublasSetWorkspace", [&](cublasContext& it) {
    check_workspace(workspace, bytes);
    it.has_workspace = true;
    it.workspace = workspace;
    it.workspace_bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return call_of(handle, "cublasSetMathMode", [&](cublasContext& it) {
    if (mode != CUBLAS_DEFAULT_MATH && mode != CUBLAS_PEDANTIC_MATH && mode != CUBLAS_TF32_TENSOR_OP_MATH) {
      return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    it.math = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                          int m, int n, int k, const void* alpha, const void* A, cudaDataType Atype,
                                          int lda, long long strideA, const void* B, cudaDataType Btype, int ldb,
                                          long long strideB, const void* beta, void* C, cudaDataType Ctype, int ldc,
                                          long long strideC, int batch, cublasComputeType_t compute,
                                          cublasGemmAlgo_t /*algo*/) {
  return call_of(handle, "gemm", [&](const cublasContext& it) {
    if (device_status() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
    const std::optional<Inputs> inputs = inputs_of(compute, it.math);
    if (Atype != CUDA_R_32F || Btype != CUDA_R_32F || Ctype != CUDA_R_32F || !inputs) {
      return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (!is_operation(transa) || !is_operation(transb) || alpha == nullptr || beta == nullptr) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
    const auto matrix = [&](const void* data, int rows, int columns, int leading, long long stride) {
      return Matrix{static_cast<float*>(const_cast<void*>(data)), rows, columns, leading, stride, batch};
    };
    Gemm gemm;
    gemm.transpose_a = transa != CUBLAS_OP_N;
    gemm.transpose_b = transb != CUBLAS_OP_N;
    gemm.a = gemm.transpose_a ? matrix(A, k, m, lda, strideA) : matrix(A, m, k, lda, strideA);
    gemm.b = gemm.transpose_b ? matrix(B, n, k, ldb, strideB) : matrix(B, k, n, ldb, strideB);
    gemm.c = matrix(C, m, n, ldc, strideC);
    gemm.inputs = *inputs;
    if (!is_legal(gemm.a) || !is_legal(gemm.b) || !is_legal(gemm.c)) return CUBLAS_STATUS_INVALID_VALUE;
    gemm.alpha = *static_cast<const float*>(alpha);
    gemm.beta = *static_cast<const float*>(beta);
    return enqueue_gemm(it, gemm);
  });
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void* alpha, const void* A, cudaDataType Atype, int lda, const void* B,
                            cudaDataType Btype, int ldb, const void* beta, void* C, cudaDataType Ctype, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B, Btype, ldb, 0, beta, C,
                                    Ctype, ldc, 0, 1, compute, algo);
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version) {
  return call_of(handle, "cublasGetVersion", [&](const cublasContext&) {
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value) {
  constexpr int kVersion[] = {CUBLAS_VER_MAJOR, CUBLAS_VER_MINOR, CUBLAS_VER_PATCH};
  if (type != MAJOR_VERSION && type != MINOR_VERSION && type != PATCH_LEVEL) return CUBLAS_STATUS_INVALID_VALUE;
  *value = kVersion[type];
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
  }
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "an architectural mismatch was detected";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the function failed to launch on the GPU";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality is not supported";
    default:
      return "an internal operation failed";
  }
}
}
