// A CPU without our own ways to be fast: what a bench compares with.
#pragma once

#include "src/backend/cpu/cpu_backend.h"

namespace rushlight {

/// Rows lie one behind the other, and every product is oneDNN's.
class DenseBackend final : public CpuBackend {
 public:
  explicit DenseBackend(int threads) : CpuBackend(threads) {}

  std::int64_t row_stride(std::int64_t columns) const override { return columns; }
  GraphCapture* graph_capture() override { return nullptr; }
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) override;
  void run(const Node& node) override;
  using Backend::run;
};

}  // namespace rushlight
