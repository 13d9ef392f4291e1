// The plainest way to compute: what a device is checked against.
#pragma once

#include <memory>

#include "src/backend/cpu/cpu_backend.h"

namespace rushlight {

/// One thread; products as three loops that sum in fp64, of operands that are rounded where `like` is a CPU that rounds
/// them (a GPU may round less than its precision allows). Memory is laid out as `like` lays it out, so that both can be
/// compared byte for byte.
class ReferenceBackend final : public CpuBackend {
 public:
  explicit ReferenceBackend(std::shared_ptr<Backend> like);

  std::string describe() const override { return "the reference: one thread, sums in fp64"; }
  std::int64_t row_stride(std::int64_t columns) const override { return like_->row_stride(columns); }
  bool updates_by_layer() const override { return like_->updates_by_layer(); }
  GraphCapture* graph_capture() override { return nullptr; }
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) override;
  void run(const Node& node) override;
  using Backend::run;

 private:
  std::shared_ptr<Backend> like_;
  Precision operands_;
};

}  // namespace rushlight
