// A GPU that is not there: memory is laid out for it and products are planned, but nothing is taken and nothing runs.
#pragma once

#include "src/backend/backend.h"

namespace rushlight {

class PlannedGpu final : public Backend {
 public:
  /// `compute_capability`: the major number.
  explicit PlannedGpu(int compute_capability) : compute_capability_(compute_capability) {}

  Device device() const override { return Device::cuda(); }
  std::string describe() const override { return "a planned GPU"; }
  std::int64_t row_stride(std::int64_t columns) const override;
  bool reads_host_memory() const override { return false; }
  void upload(const Rows&, const void*) override {}
  void download(void*, const Rows&) override {}
  void fill_zero(void*, std::int64_t) override {}
  void synchronize() override {}
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) override;
  void run(const Node&) override {}
  using Backend::run;

 private:
  /// Addresses alone, which nothing lies at.
  std::byte* allocate(std::int64_t bytes) override;
  void deallocate(std::byte*) noexcept override {}

  int compute_capability_;
  std::int64_t next_address_ = kAlignment;
};

}  // namespace rushlight
