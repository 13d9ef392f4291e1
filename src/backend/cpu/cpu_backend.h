// The CPU as a device: commands run at once, on one team of threads.
#pragma once

#include "src/backend/backend.h"
#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/tall_backward.h"

namespace rushlight {

struct ProductKernel;

class CpuBackend : public Backend, protected GraphCapture {
 public:
  /// `threads` 0: one for each core that the process may use. The machine must have the set, and what `products` take;
  /// null: the set's, of fp32.
  explicit CpuBackend(int threads, GraphUse graphs = GraphUse::on, InstructionSet set = best_instruction_set(),
                      const ProductKernel* products = nullptr);

  Device device() const override;
  std::string describe() const override;
  std::int64_t row_stride(std::int64_t columns) const override;
  bool reads_host_memory() const override { return true; }
  void upload(const Rows& to, const void* from) override;
  void download(void* to, const Rows& from) override;
  void fill_zero(void* data, std::int64_t bytes) override;
  void synchronize() override {}
  std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) override;
  bool updates_by_layer() const override { return true; }
  void run(const Node& node) override;
  using Backend::run;
  GraphCapture* graph_capture() override { return graphs_ == GraphUse::on ? this : nullptr; }

 private:
  std::byte* allocate(std::int64_t bytes) override;
  void deallocate(std::byte* data) noexcept override;
  std::unique_ptr<Graph> capture(const Program& program, std::int64_t repeats) override;

  int requested_threads_;
  int threads_;
  GraphUse graphs_;
  InstructionSet set_;
  const ProductKernel& products_;
  SegmentSums segment_sums_;
};

}  // namespace rushlight
