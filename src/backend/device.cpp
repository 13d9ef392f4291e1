#include <fmt/format.h>
#include <rushlight/device.h>
#include <rushlight/error.h>

#include <charconv>

#include "src/backend/backend.h"
#include "src/backend/cpu/cpu_backend.h"
#include "src/backend/cpu/product.h"
#include "src/backend/cuda_backend.h"

namespace rushlight {
namespace {

// OpenMP keeps a record for each thread on the stack: a hundred thousand of them overflow it.
constexpr int kMostThreads = 4096;

void check_threads(int threads) {
  if (threads >= 0 && threads <= kMostThreads) return;
  throw InvalidArgument(
      fmt::format("threads must be from 0 (one for each core) to {}, but are {}", kMostThreads, threads));
}

DeviceChoice choose_best(int threads) {
  const std::string obstacle = why_no_cuda();
  if (obstacle.empty()) return {Device::cuda(), "cuda:0, as a GPU is there"};
  const int gpus = count_gpus();
  for (int i = 1; i < gpus; ++i) {
    if (why_no_cuda(i).empty()) {
      return {Device::cuda(i), fmt::format("cuda:{}, as cuda:0 cannot be used: {}", i, obstacle)};
    }
  }
  return {Device::cpu(threads), "cpu, as " + obstacle};
}

std::shared_ptr<Backend> open_cpu(const Device& device) {
  if (device.precision == Precision::fp32) return std::make_shared<CpuBackend>(device.threads, device.graphs);
  std::string takers = "a GPU";
  if (device.precision == Precision::bf16) {
    const InstructionSet set = best_instruction_set();
    const ProductKernel* const products = bf16_product_kernel();
    if (products != nullptr) return std::make_shared<CpuBackend>(device.threads, device.graphs, set, products);
    takers = fmt::format("a GPU, or a CPU with AVX512_BF16, but this one has {}", to_string(set));
  }
  throw DeviceError(fmt::format("products of {} take {}: use --device cuda, or --precision fp32",
                                to_string(device.precision), takers));
}

}  // namespace

Device Device::cpu(int threads) {
  Device device;
  device.threads = threads;
  return device;
}

Device Device::cuda(int index) {
  Device device;
  device.kind = Kind::cuda;
  device.index = index;
  return device;
}

Device Device::best() {
  return choose_device("auto").device;
}

DeviceChoice choose_device(std::string_view name, int threads) {
  check_threads(threads);
  if (name == "auto") return choose_best(threads);
  if (name == "cpu") return {Device::cpu(threads), "cpu, as asked"};
  if (name == "cuda") return {Device::cuda(), "cuda:0, as asked"};
  constexpr std::string_view kPrefix = "cuda:";
  if (name.starts_with(kPrefix)) {
    int index = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, status] = std::from_chars(name.data() + kPrefix.size(), end, index);
    if (status == std::errc() && stop == end && index >= 0) {
      return {Device::cuda(index), fmt::format("cuda:{}, as asked", index)};
    }
  }
  throw InvalidArgument(fmt::format("a device is auto, cpu, cuda or cuda:<index>, but \"{}\" was given", name));
}

std::string to_string(const Device& device) {
  return device.kind == Device::Kind::cpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

Precision choose_precision(std::string_view name) {
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    if (to_string(precision) == name) return precision;
  }
  throw InvalidArgument(fmt::format("a precision is fp32, tf32 or bf16, but \"{}\" was given", name));
}

std::string to_string(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::tf32:
      return "tf32";
    case Precision::bf16:
      return "bf16";
  }
  return "";
}

std::shared_ptr<Backend> open_backend(const Device& device) {
  if (device.kind == Device::Kind::cuda) return make_cuda_backend(device);
  check_threads(device.threads);
  return open_cpu(device);
}

}  // namespace rushlight
