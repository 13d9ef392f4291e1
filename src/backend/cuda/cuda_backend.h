// A GPU: one stream, on which everything is ordered; own kernels and cuBLAS.
#pragma once

#include <optional>
#include <string>

#include "src/backend/backend.h"
#include "src/backend/cuda/handles.h"
#include "src/backend/cuda/launch.h"
#include "src/backend/cuda/matmul_cublas.h"
#include "src/backend/cuda/transfer.h"

namespace rushlight {

class CudaBackend final : public Backend, private GraphCapture {
 public:
  /// Selects the GPU for the calling thread. @throws DeviceError if it cannot be used.
  explicit CudaBackend(const Device& device);
  ~CudaBackend() override;

  Device device() const override { return device_; }
  std::string describe() const override;
  std::int64_t row_stride(std::int64_t columns) const override;
  bool reads_host_memory() const override { return false; }
  void upload(const Rows& to, const void* from) override;
  void download(void* to, const Rows& from) override;
  void fill_zero(void* data, std::int64_t bytes) override;
  void synchronize() override;
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) override;
  void run(const Node& node) override;
  GraphCapture* graph_capture() override { return device_.graphs == GraphUse::on ? this : nullptr; }
  using Backend::run;

 private:
  std::byte* allocate(std::int64_t bytes) override;
  void deallocate(std::byte* data) noexcept override;
  std::unique_ptr<Graph> capture(const Program& program, std::int64_t repeats) override;

  void execute(const Matmul& product) { cublas_->run(product); }
  template <class Operation>
  void execute(const Operation& operation) {
    launch(operation, target_);
  }

  /// Makes the GPU the current one of the calling thread, which may use others too.
  void select() const;

  Device device_;
  std::string name_;
  LaunchTarget target_;
  std::int64_t workspace_bytes_ = 0;
  Stream stream_;
  std::optional<Transfer> transfer_;
  std::optional<Cublas> cublas_;  // Opened when the first product is prepared.
};

}  // namespace rushlight
