#include "src/train/bench_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/backend/command_cost.h"
#include "src/backend/cpu/ceilings.h"
#include "src/backend/cpu/dense_backend.h"
#include "src/backend/cpu/processor.h"
#include "src/backend/repeated_program.h"

namespace rushlight {
namespace {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

/// Values that take part in arithmetic as any others do.
void fill_block(Backend& backend, std::byte* data, std::int64_t bytes) {
  const std::vector<float> values(static_cast<std::size_t>(kMebibyte), 0.37f);
  for (std::int64_t at = 0; at < bytes;) {
    const std::int64_t count = std::min(bytes - at, bytes_of<float>(kMebibyte));
    backend.upload({data + at, count}, values.data());
    at += count;
  }
}

BenchPart fma_part(int threads, std::shared_ptr<CpuTime> time) {
  constexpr std::int64_t kLoops = 100'000;
  const FmaLoop loop = widest_fma_loop();
  BenchPart part;
  part.measurement = {.name = "fma",
                      .what = fmt::format("multiply-adds in registers, {}, {} threads", loop.vectors, threads),
                      .flops = kLoops * loop.flops * threads};
  part.share = 0.1;
  part.run = [=, time = std::move(time)](std::int64_t times) {
    const double given = process_cpu_seconds();
    time->asked += std::min(threads, thread_count(0)) * seconds_of([&] { run_fma(loop, threads, times * kLoops); });
    time->given += process_cpu_seconds() - given;
  };
  return part;
}

BenchPart copy_part(const BenchPlace& place) {
  const std::int64_t bytes = place.block_bytes();
  const auto memory = std::make_shared<Buffer>(place.backend, 2 * bytes);
  fill_block(*place.backend, memory->data(), memory->bytes());
  BenchPart part;
  part.measurement = {
      .name = "copy", .what = fmt::format("from memory to memory, blocks of {} KiB", bytes >> 10), .bytes = 2 * bytes};
  part.share = 0.1;
  if (place.on_cpu()) {
    part.run = [memory, bytes, threads = place.threads](std::int64_t times) {
      for (; times > 0; --times) copy_block(threads, memory->data() + bytes, memory->data(), bytes);
    };
    return part;
  }
  constexpr std::int64_t kCols = 1024;
  auto* const data = static_cast<float*>(static_cast<void*>(memory->data()));
  const std::int64_t rows = bytes / bytes_of<float>(kCols);
  const Matrix<float> from{data, 1, rows, kCols, kCols, 0}, to{data + rows * kCols, 1, rows, kCols, kCols, 0};
  const Node copy{"copy", Elementwise{BiasReluDropoutForward{from.as_const(), {}, to, Activation::identity, {}}}};
  part.run = [memory, copy, backend = place.backend](std::int64_t times) {
    for (; times > 0; --times) backend->run(copy);
    backend->synchronize();
  };
  return part;
}

/// Sums over the nodes of one phase.
double phase_seconds(const std::vector<double>& round, const Program& program, Phase phase) {
  double seconds = 0;
  for (std::size_t i = 0; i < program.size(); ++i) seconds += program[i].phase == phase ? round[i] : 0;
  return seconds;
}

}  // namespace

std::int64_t BenchPlace::block_bytes() const {
  if (wanted_block_bytes > 0) return align_up(wanted_block_bytes);
  if (emulated) return 64 << 10;
  return on_cpu() ? std::clamp(4 * last_level_cache_bytes(), 64 * kMebibyte, 512 * kMebibyte) : 512 * kMebibyte;
}

std::shared_ptr<Backend> BenchPlace::plain_backend() const {
  return on_cpu() ? std::make_shared<DenseBackend>(threads) : backend;
}

void add_ceilings(BenchRounds& rounds, const BenchPlace& place) {
  if (place.on_cpu()) rounds.add(fma_part(place.threads, place.fma_time));
  rounds.add(copy_part(place));
}

Program products_of(const Program& program) {
  Program products;
  std::copy_if(program.begin(), program.end(), std::back_inserter(products),
               [](const Node& node) { return std::holds_alternative<Matmul>(node.command); });
  return products;
}

std::int64_t flops_of(const Program& program) {
  std::int64_t flops = 0;
  for (const Node& node : program) flops += cost_of(node.command).flops;
  return flops;
}

BenchPart products_part(std::shared_ptr<Rehearsal> rehearsal, std::int64_t times) {
  const std::shared_ptr<Backend> backend = rehearsal->backend();
  backend->run(rehearsal->program());
  const Program products = products_of(rehearsal->program());
  BenchPart part;
  part.measurement = {.name = "products",
                      .what = fmt::format("the {} matrix products alone, {}", products.size(),
                                          backend->device().kind == Device::Kind::cpu ? "oneDNN, dense arrays, fp32"
                                                                                      : "by the GPU's library"),
                      .flops = times * flops_of(products)};
  const auto program = std::make_shared<RepeatedProgram>(backend, products);
  part.run = [=, rehearsal = std::move(rehearsal)](std::int64_t runs) {
    program->run(runs * times);
    backend->synchronize();
  };
  return part;
}

NodeClock::NodeClock(std::shared_ptr<Rehearsal> rehearsal)
    : rehearsal_(std::move(rehearsal)), batches_(rehearsal_->samples() / rehearsal_->batch() - 1) {}

void NodeClock::run(std::int64_t times) {
  Backend& backend = *rehearsal_->backend();
  const Program& program = rehearsal_->program();
  std::vector<double> round(program.size());
  for (std::int64_t time = 0; time < times; ++time) {
    if (time % batches_ == 0) rehearsal_->rewind();
    for (std::size_t i = 0; i < program.size(); ++i) {
      round[i] += seconds_of([&] {
        backend.run(program[i]);
        backend.synchronize();
      });
    }
  }
  for (double& seconds : round) seconds /= static_cast<double>(times);
  rounds_.push_back(std::move(round));
  timed_ += times;
}

void NodeClock::forget() {
  rounds_.clear();
  timed_ = 0;
}

std::vector<Measurement> NodeClock::nodes() const {
  const bool on_gpu = rehearsal_->backend()->device().kind == Device::Kind::cuda;
  std::vector<Measurement> nodes;
  for (const Node& node : rehearsal_->program()) {
    std::vector<double> seconds;
    for (const std::vector<double>& round : rounds_) seconds.push_back(round[nodes.size()]);
    const Cost cost = cost_of(node.command);
    nodes.push_back({.name = node.name,
                     .kernel = on_gpu ? kernel_of(node.command) : "",
                     .phase = to_string(node.phase),
                     .timed = timed_,
                     .seconds = spread_of(std::move(seconds)),
                     .bytes = cost.bytes(),
                     .flops = cost.flops});
  }
  return nodes;
}

std::vector<PhaseShare> NodeClock::phases() const {
  std::vector<PhaseShare> phases;
  double all = 0;
  const Program& program = rehearsal_->program();
  for (const Phase phase : {Phase::input, Phase::forward, Phase::loss, Phase::backward, Phase::update}) {
    const auto belongs = [&](const Node& node) { return node.phase == phase; };
    if (std::none_of(program.begin(), program.end(), belongs)) continue;
    std::vector<double> seconds;
    for (const std::vector<double>& round : rounds_) seconds.push_back(phase_seconds(round, program, phase));
    const double median = spread_of(std::move(seconds)).median;
    phases.push_back({to_string(phase), median, {}});
    all += median;
  }
  for (PhaseShare& phase : phases) phase.share = *phase.seconds / all;
  return phases;
}

BenchPart nodes_part(std::shared_ptr<NodeClock> clock) {
  BenchPart part;
  part.measurement = {.name = "nodes", .what = "a step node by node, with a clock around each"};
  part.share = 0.4;
  part.run = [clock = std::move(clock)](std::int64_t times) { clock->run(times); };
  return part;
}

}  // namespace rushlight
