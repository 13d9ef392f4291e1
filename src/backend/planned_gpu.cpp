#include "src/backend/planned_gpu.h"

#include <utility>

#include "src/backend/gpu_layout.h"

namespace rushlight {
namespace {

struct PlannedMatmul final : MatmulPlan {
  explicit PlannedMatmul(std::int64_t its_workspace) : workspace(its_workspace) {}

  std::int64_t workspace_bytes() const override { return workspace; }

  std::int64_t workspace;
};

}  // namespace

std::int64_t PlannedGpu::row_stride(std::int64_t columns) const {
  return gpu_row_stride(columns);
}

std::unique_ptr<MatmulPlan> PlannedGpu::prepare(const MatmulShape&) {
  return std::make_unique<PlannedMatmul>(gpu_workspace_bytes(compute_capability_));
}

std::byte* PlannedGpu::allocate(std::int64_t bytes) {
  const std::int64_t address = std::exchange(next_address_, next_address_ + align_up(bytes));
  // NOLINTNEXTLINE(performance-no-int-to-ptr): nothing is read or written there.
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address));
}

}  // namespace rushlight
