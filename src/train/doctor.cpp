// The doctor's checks and timings of one device. Which GPUs there are is the backend's answer: find_gpus.
#include <rushlight/doctor.h>
#include <rushlight/error.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "kernels/portable.h"
#include "src/backend/backend.h"
#include "src/backend/command_cost.h"
#include "src/train/inference.h"
#include "src/train/lab.h"
#include "src/train/self_check.h"

namespace rushlight {
namespace {

/// Odd sizes, rows that take a block, dropout without ReLU.
std::vector<Module> odd() {
  return {Linear(37, 19), ReLU(), Dropout(0.5), Linear(19, 1500, Bias::absent), Dropout(0.25)};
}

struct Rehearsed {
  const char* network;
  std::vector<Module> modules;
  std::int64_t batch;
  Mode mode;
  GraphUse graphs = GraphUse::on;
};

std::vector<Rehearsed> networks() {
  return {
      {"lab", lab_modules(), 100, Mode::train},
      {"lab, eval", lab_modules(), kInferenceRows, Mode::eval, GraphUse::off},  // Graphs are compared in the others.
      {"odd", odd(), 33, Mode::train},
      {"odd, mc", odd(), 33, Mode::mc}};
}

/// The fastest run of `command`, done several times in a row so that the clock's steps don't count.
double fastest(Backend& backend, const Command& command) {
  using Clock = std::chrono::steady_clock;
  constexpr int kTries = 5, kRuns = 4;
  backend.run(command);
  backend.synchronize();
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    const Clock::time_point start = Clock::now();
    for (int run = 0; run < kRuns; ++run) backend.run(command);
    backend.synchronize();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count() / kRuns;
    best = i == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

constexpr double kLongEnough = 5e-3;  // Seconds a run, beside which a launch is nothing.

DeviceTiming measured(const char* name, Backend& backend, const Command& command) {
  const Cost cost = cost_of(command);
  return {name, fastest(backend, command), cost.bytes(), cost.flops};
}

/// The largest of these matrices is far beyond any cache.
DeviceTiming time_copy(const std::shared_ptr<Backend>& backend) {
  constexpr std::int64_t kCols = 1024, kMostRows = 65536;
  for (std::int64_t rows = 4096;; rows *= 2) {
    const Buffer memory(backend, 2 * bytes_of<float>(rows * kCols));
    backend->fill_zero(memory.data(), memory.bytes());
    auto* const data = static_cast<float*>(static_cast<void*>(memory.data()));
    const Matrix<float> from{data, 1, rows, kCols, kCols, 0}, to{data + rows * kCols, 1, rows, kCols, kCols, 0};
    DeviceTiming timing = measured(
        "copy", *backend, Elementwise{BiasReluDropoutForward{from.as_const(), {}, to, Activation::identity, {}}});
    if (timing.seconds >= kLongEnough || rows == kMostRows) return timing;
  }
}

DeviceTiming time_gemm(const std::shared_ptr<Backend>& backend) {
  constexpr std::int64_t kLargest = 8192;
  for (std::int64_t n = 512;; n *= 2) {
    const std::int64_t stride = backend->row_stride(n);
    const std::int64_t bytes = align_up(bytes_of<float>(n * stride));
    const std::unique_ptr<MatmulPlan> plan =
        backend->prepare({.m = n, .n = n, .k = n, .a_stride = stride, .b_stride = stride, .c_stride = stride});
    const Buffer memory(backend, 3 * bytes + plan->workspace_bytes());
    const std::vector<float> values(static_cast<std::size_t>(n), 0.37f);  // Zeros would take less power, and time.
    const auto matrix = [&](int i) {
      auto* const data = static_cast<float*>(static_cast<void*>(memory.data() + i * bytes));
      return Matrix<float>{data, 1, n, n, stride, 0};
    };
    for (int operand = 0; operand < 2; ++operand) {
      for (std::int64_t row = 0; row < n; ++row) {
        upload_values(*backend, matrix(operand).row(0, row), values.data(), n);
      }
    }
    const Matmul product{plan.get(), matrix(0).as_const(), matrix(1).as_const(), matrix(2), memory.data() + 3 * bytes};
    DeviceTiming timing = measured("gemm", *backend, product);
    if (timing.seconds >= kLongEnough || n == kLargest) return timing;
  }
}

}  // namespace

const char* to_string(CheckStatus status) {
  switch (status) {
    case CheckStatus::passed:
      return "passed";
    case CheckStatus::failed:
      return "failed";
    case CheckStatus::skipped:
      return "skipped";
  }
  return "";
}

std::vector<DeviceCheck> check_device(const Device& device, const std::function<void(const DeviceCheck&)>& seen) {
  const std::shared_ptr<Backend> backend = open_backend(device);
  std::vector<DeviceCheck> checks;
  const auto tell = [&](const DeviceCheck& check) {
    checks.push_back(check);
    if (seen) seen(check);
  };
  for (const Rehearsed& one : networks()) {
    try {
      SelfCheck(one.network, one.modules, one.batch, one.mode, backend).run(tell, one.graphs);
    } catch (const DeviceError& error) {
      const auto failed = [](const DeviceCheck& check) { return check.status == CheckStatus::failed; };
      if (std::none_of(checks.begin(), checks.end(), failed)) throw;
      tell({.network = one.network, .name = "every node", .status = CheckStatus::skipped, .detail = error.what()});
    }
  }
  return checks;
}

std::vector<DeviceTiming> time_device(const Device& device) {
  if (device.kind == Device::Kind::cuda && kEmulated) return {};
  const std::shared_ptr<Backend> backend = open_backend(device);
  return {time_copy(backend), time_gemm(backend)};
}

}  // namespace rushlight
