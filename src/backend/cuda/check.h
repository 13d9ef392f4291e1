// CUDA's answers, as errors that a person can act on.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace rushlight {

/// What CUDA says of a status and what to do about it, as a clause.
std::string explain(cudaError_t status);

/// @throws DeviceError: `what` failed, why, and what to do.
void check(cudaError_t status, const std::string& what);

/// As above, for calls that come often: the text is made only when it is needed.
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) check(status, std::string(what));
}

/// The architectures that this build holds code for: `sm_80, sm_90 and PTX for later ones`.
std::string built_architectures();

}  // namespace rushlight
