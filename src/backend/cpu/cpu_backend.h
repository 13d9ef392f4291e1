// The CPU as a device: commands run at once, on OpenMP threads; products by oneDNN.
#pragma once

#include "src/backend/backend.h"

namespace rushlight {

class CpuBackend : public Backend {
 public:
  /// `threads` 0: one for each core that the process may use.
  explicit CpuBackend(int threads);

  Device device() const override;
  std::string describe() const override;
  std::int64_t row_stride(std::int64_t columns) const override;
  bool reads_host_memory() const override { return true; }
  void upload(const Rows& to, const void* from) override;
  void download(void* to, const Rows& from) override;
  void fill_zero(void* data, std::int64_t bytes) override;
  void synchronize() override {}
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) override;
  void run(const Node& node) override;
  using Backend::run;

 private:
  std::byte* allocate(std::int64_t bytes) override;
  void deallocate(std::byte* data) noexcept override;
  void execute(const Elementwise& operation);
  void execute(const RowReduction& operation);
  void execute(const ColumnReduction& operation);
  void execute(const Matmul& product);

  int requested_threads_;
  int threads_;
};

}  // namespace rushlight
