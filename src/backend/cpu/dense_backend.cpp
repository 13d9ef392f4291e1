#include "src/backend/cpu/dense_backend.h"

#include "src/backend/cpu/matmul_onednn.h"
#include "src/backend/cpu/processor.h"

namespace rushlight {

std::unique_ptr<MatmulPlan> DenseBackend::prepare(const MatmulShape& shape) {
  return prepare_onednn_matmul(shape, thread_count(device().threads));
}

void DenseBackend::run(const Node& node) {
  if (const Matmul* const product = std::get_if<Matmul>(&node.command)) {
    run_onednn_matmul(*product);
  } else {
    CpuBackend::run(node);
  }
}

}  // namespace rushlight
