// How memory is laid out for a GPU: known without one, so that it can be planned anywhere.
#pragma once

#include <cstdint>

namespace rushlight {

// Rows of 128 bytes and their multiples begin at a line of the L2 cache, and suit the loads of tensor cores.
inline std::int64_t gpu_row_stride(std::int64_t columns) {
  return (columns + 31) / 32 * 32;
}

/// What NVIDIA's documentation of cublasSetWorkspace recommends, in bytes. `major`: of the compute capability.
inline std::int64_t gpu_workspace_bytes(int major) {
  return std::int64_t{major >= 9 ? 32 : 4} << 20;
}

}  // namespace rushlight
