// Matrix products on the CPU by oneDNN, versions 2 and 3.
#pragma once

#include <memory>
#include <string>

#include "src/backend/command.h"

namespace rushlight {

/// `oneDNN 2.6.3`.
std::string onednn_version();

/// The product will run on `threads` threads. @throws DeviceError if oneDNN refuses the shape.
std::unique_ptr<MatmulPlan> prepare_onednn_matmul(const MatmulShape& shape, int threads);

/// Allocates nothing of ours. @throws DeviceError with oneDNN's status.
void run_onednn_matmul(const Matmul& product);

}  // namespace rushlight
