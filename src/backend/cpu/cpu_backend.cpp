#include "src/backend/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <omp.h>
#include <rushlight/error.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "src/backend/cpu/matmul_onednn.h"
#include "src/backend/cpu/parallel_for.h"
#include "src/backend/cpu/reductions.h"

namespace rushlight {
namespace {

// Below this many items of eight elements a second thread costs more than it saves.
constexpr std::int64_t kElementwiseGrain = 512;

std::int64_t physical_memory() {
  return std::int64_t{sysconf(_SC_PHYS_PAGES)} * std::int64_t{sysconf(_SC_PAGESIZE)};
}

}  // namespace

CpuBackend::CpuBackend(int threads)
    : requested_threads_(threads), threads_(threads > 0 ? threads : omp_get_num_procs()) {}

Device CpuBackend::device() const {
  return Device::cpu(requested_threads_);
}

std::string CpuBackend::describe() const {
  return fmt::format("cpu, {} {}, {}", threads_, threads_ == 1 ? "thread" : "threads", onednn_version());
}

// Columns of a matrix whose rows are a multiple of 1,024 bytes fall into the same few cache sets: 64 bytes more.
std::int64_t CpuBackend::row_stride(std::int64_t columns) const {
  const std::int64_t padded = (columns + kLanes - 1) / kLanes * kLanes;
  return padded % 256 == 0 ? padded + 16 : padded;
}

void CpuBackend::upload(const Rows& to, const void* from) {
  for (std::int64_t row = 0; row < to.count; ++row) {
    std::memcpy(static_cast<std::byte*>(to.data) + row * to.pitch,
                static_cast<const std::byte*>(from) + row * to.row_bytes, static_cast<std::size_t>(to.row_bytes));
  }
}

void CpuBackend::download(void* to, const Rows& from) {
  for (std::int64_t row = 0; row < from.count; ++row) {
    std::memcpy(static_cast<std::byte*>(to) + row * from.row_bytes,
                static_cast<const std::byte*>(from.data) + row * from.pitch, static_cast<std::size_t>(from.row_bytes));
  }
}

void CpuBackend::fill_zero(void* data, std::int64_t bytes) {
  std::memset(data, 0, static_cast<std::size_t>(bytes));
}

std::unique_ptr<MatmulPlan> CpuBackend::prepare(const MatmulShape& shape) {
  return prepare_onednn_matmul(shape, threads_);
}

void CpuBackend::run(const Node& node) {
  std::visit([this](const auto& command) { execute(command); }, node.command);
}

void CpuBackend::execute(const Elementwise& operation) {
  std::visit(
      [this](const auto& one) {
        parallel_for(threads_, static_cast<std::int64_t>(one.work_items()), kElementwiseGrain,
                     [&one](std::int64_t begin, std::int64_t end) {
                       const auto local = one;
                       for (std::int64_t item = begin; item < end; ++item) local(static_cast<std::uint64_t>(item));
                     });
      },
      operation);
}

void CpuBackend::execute(const RowReduction& operation) {
  std::visit([this](const auto& one) { reduce_rows(threads_, one); }, operation);
}

void CpuBackend::execute(const ColumnReduction& operation) {
  std::visit([this](const auto& one) { reduce_columns(threads_, one); }, operation);
}

void CpuBackend::execute(const Matmul& product) {
  run_onednn_matmul(product);
}

std::byte* CpuBackend::allocate(std::int64_t bytes) {
  const std::int64_t rounded = align_up(bytes);
  void* const data =
      rounded > physical_memory() ? nullptr : std::aligned_alloc(kAlignment, static_cast<std::size_t>(rounded));
  if (data == nullptr) {
    throw DeviceError(
        fmt::format("{} bytes of memory are needed at once, but this machine has {} in all: choose a "
                    "smaller batch or network (`rushlight plan` shows what one takes)",
                    bytes, physical_memory()));
  }
  return static_cast<std::byte*>(data);
}

void CpuBackend::deallocate(std::byte* data) noexcept {
  std::free(data);
}

}  // namespace rushlight
