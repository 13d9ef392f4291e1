#include "src/backend/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <rushlight/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "src/backend/cpu/command_parts.h"
#include "src/backend/cpu/processor.h"
#include "src/backend/cpu/product.h"
#include "src/backend/cpu/team.h"
#include "src/backend/cpu/team_program.h"

namespace rushlight {
namespace {

// A step walks through all of its memory: with small pages it would wait for their addresses.
constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

std::int64_t physical_memory() {
  return std::int64_t{sysconf(_SC_PHYS_PAGES)} * std::int64_t{sysconf(_SC_PAGESIZE)};
}

}  // namespace

CpuBackend::CpuBackend(int threads, GraphUse graphs, InstructionSet set, const ProductKernel* products)
    : requested_threads_(threads),
      threads_(thread_count(threads)),
      graphs_(graphs),
      set_(set),
      products_(products == nullptr ? product_kernel(set) : *products) {}

Device CpuBackend::device() const {
  Device device = Device::cpu(requested_threads_);
  device.precision = precision_of(products_);
  device.graphs = graphs_;
  return device;
}

std::string CpuBackend::describe() const {
  return fmt::format("cpu, {} {}, {}, {}", threads_, threads_ == 1 ? "thread" : "threads", to_string(set_),
                     to_string(precision_of(products_)));
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
  return std::make_unique<PanelProduct>(shape, threads_, products_);
}

void CpuBackend::run(const Node& node) {
  const int parts = useful_parts(node.command, threads_);
  segment_sums_.fit(node.command);
  run_team(parts, [&](Part part) { run_part(node.command, part, set_, segment_sums_); });
}

std::unique_ptr<Graph> CpuBackend::capture(const Program& program, std::int64_t repeats) {
  return std::make_unique<TeamProgram>(program, repeats, threads_, set_);
}

std::byte* CpuBackend::allocate(std::int64_t bytes) {
  const std::int64_t alignment = bytes < kHugePage ? kAlignment : kHugePage;
  const std::int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* const data = rounded > physical_memory()
                         ? nullptr
                         : std::aligned_alloc(static_cast<std::size_t>(alignment), static_cast<std::size_t>(rounded));
  if (data == nullptr) {
    throw DeviceError(
        fmt::format("{} bytes of memory are needed at once, but this machine has {} in all: choose a "
                    "smaller batch or network (`rushlight plan` shows what one takes)",
                    bytes, physical_memory()));
  }
  if (alignment == kHugePage) madvise(data, static_cast<std::size_t>(rounded), MADV_HUGEPAGE);
  return static_cast<std::byte*>(data);
}

void CpuBackend::deallocate(std::byte* data) noexcept {
  std::free(data);
}

}  // namespace rushlight
