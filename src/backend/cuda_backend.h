// The door to the CUDA backend: src/backend/cuda where it is built, src/backend/stub where it is not.
#pragma once

#include <rushlight/doctor.h>

#include <memory>
#include <string>

#include "src/backend/backend.h"

namespace rushlight {

/// How many GPUs this process sees; 0 where there is no driver or no CUDA backend.
int count_gpus();

/// Why a GPU cannot be used, as a clause for a person; empty if it can.
std::string why_no_cuda(int index = 0);

/// @throws DeviceError if that GPU cannot be used.
std::shared_ptr<Backend> make_cuda_backend(const Device& device);

/// The CUDA part of `version_details()`: `CUDA 13.0`, or `no CUDA`.
std::string describe_cuda_build();

}  // namespace rushlight
