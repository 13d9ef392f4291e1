// What commands cost and which kernel runs them on a GPU, known without running them.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/cost.h"
#include "src/backend/command.h"

namespace rushlight {

Cost cost_of(const Command& command);

/// `elementwise_kernel<AdamUpdate>`, as a profiler of the GPU shows it; of a product `cuBLAS`.
std::string kernel_of(const Command& command);

}  // namespace rushlight
