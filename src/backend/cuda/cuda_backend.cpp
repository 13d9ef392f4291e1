#include "src/backend/cuda/cuda_backend.h"

#include <fmt/format.h>
#include <nvtx3/nvToolsExt.h>
#include <rushlight/error.h>

#include "src/backend/cuda/check.h"
#include "src/backend/cuda/cuda_graph.h"
#include "src/backend/gpu_layout.h"

namespace rushlight {
namespace {

/// A range that Nsight Systems shows around what is in scope. Without a tool it is one comparison.
class Range {
 public:
  explicit Range(const char* name) { nvtxRangePushA(name); }
  ~Range() { nvtxRangePop(); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking for an attribute of the GPU");
  return value;
}

}  // namespace

CudaBackend::CudaBackend(const Device& device) : device_(device) {
  select();
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device_.index), "asking for the GPU's properties");
  const int major = attribute(cudaDevAttrComputeCapabilityMajor, device_.index);
  const int minor = attribute(cudaDevAttrComputeCapabilityMinor, device_.index);
  name_ = fmt::format("{}, sm_{}{}", properties.name, major, minor);
  const std::string itself = fmt::format("{} ({})", to_string(device_), name_);
  check(kernel_image_status(), "finding code for " + itself);
  if (device_.precision != Precision::fp32 && major < 8) {
    throw DeviceError(fmt::format("{} has no {} arithmetic, which takes compute capability 8.0: use --precision fp32",
                                  itself, to_string(device_.precision)));
  }
  workspace_bytes_ = gpu_workspace_bytes(major);
  stream_ = make_stream();
  target_ = {stream_.get(), attribute(cudaDevAttrMultiProcessorCount, device_.index)};
  transfer_.emplace(stream_.get());
}

CudaBackend::~CudaBackend() {
  static_cast<void>(cudaSetDevice(device_.index));
  static_cast<void>(cudaStreamSynchronize(stream_.get()));
}

void CudaBackend::select() const {
  check(cudaSetDevice(device_.index), "choosing the GPU");
}

std::string CudaBackend::describe() const {
  int driver = 0;
  check(cudaDriverGetVersion(&driver), "asking for the driver's version");
  return fmt::format("{}, {}, {} multiprocessors, driver for CUDA {}.{}, {}", to_string(device_), name_,
                     target_.multiprocessors, driver / 1000, driver % 1000 / 10, to_string(device_.precision));
}

std::int64_t CudaBackend::row_stride(std::int64_t columns) const {
  return gpu_row_stride(columns);
}

void CudaBackend::upload(const Rows& to, const void* from) {
  select();
  transfer_->upload(to, from);
}

void CudaBackend::download(void* to, const Rows& from) {
  select();
  transfer_->download(to, from);
}

void CudaBackend::fill_zero(void* data, std::int64_t bytes) {
  select();
  check(cudaMemsetAsync(data, 0, static_cast<std::size_t>(bytes), stream_.get()), "filling memory with zeros");
}

void CudaBackend::synchronize() {
  select();
  check(cudaStreamSynchronize(stream_.get()), "waiting for the GPU");
}

std::unique_ptr<MatmulPlan> CudaBackend::prepare(const MatmulShape& shape) {
  select();
  if (!cublas_) cublas_.emplace(stream_.get(), device_.precision, workspace_bytes_);
  return cublas_->prepare(shape);
}

void CudaBackend::run(const Node& node) {
  select();
  const Range phase(to_string(node.phase));
  const Range name(node.name.c_str());
  std::visit([this](const auto& command) { execute(command); }, node.command);
}

std::unique_ptr<Graph> CudaBackend::capture(const Program& program, std::int64_t repeats) {
  select();
  return capture_graph(stream_.get(), [&] {
    for (std::int64_t i = 0; i < repeats; ++i) run(program);
  });
}

std::byte* CudaBackend::allocate(std::int64_t bytes) {
  select();
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, static_cast<std::size_t>(bytes));
  if (status == cudaSuccess) return static_cast<std::byte*>(data);
  if (status != cudaErrorMemoryAllocation) check(status, fmt::format("taking {} bytes of GPU memory", bytes));
  static_cast<void>(cudaGetLastError());
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for free memory");
  const std::int64_t missing = bytes - static_cast<std::int64_t>(free);
  throw DeviceError(fmt::format(
      "{} bytes of memory are needed at once, but {} has {} free of {}: {}; choose a smaller batch, network or "
      "data set (`rushlight plan --device {}` shows what one takes), or free the GPU",
      bytes, to_string(device_), free, total,
      missing > 0 ? fmt::format("{} are missing", missing) : "they lie in pieces, none of which is large enough",
      to_string(device_)));
}

void CudaBackend::deallocate(std::byte* data) noexcept {
  static_cast<void>(cudaSetDevice(device_.index));
  static_cast<void>(cudaFree(data));
}

}  // namespace rushlight
