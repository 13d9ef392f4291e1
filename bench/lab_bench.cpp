// The lab's work as a caller of the library sees it: epochs of training, and evaluation. Flops are those of the
// products.
#include <rushlight/rushlight.h>

#include <memory>

#include "bench/benches.h"
#include "src/train/bench_parts.h"
#include "src/train/lab.h"
#include "src/train/random_data.h"

namespace rushlight {
namespace {

constexpr std::int64_t kSamples = 6000, kBatch = 100;

Sequential lab() {
  Sequential model(lab_modules());
  model.initialize(XavierUniform{}).to(Device::best());
  return model;
}

void report(benchmark::State& state, Mode mode) {
  const Rehearsal batch(lab_modules(), kBatch, mode, open_backend(Device::cpu()));
  const auto flops = static_cast<double>(flops_of(products_of(batch.program())) * kSamples / kBatch);
  state.counters["samples/s"] = benchmark::Counter(kSamples, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["flop/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void train_epoch(benchmark::State& state) {
  const Dataset data = random_data(kSamples, kLabFeatures, kLabClasses);
  Sequential model = lab();
  Trainer trainer(model, {}, Adam{}, {.batch = kBatch});
  for (auto _ : state) benchmark::DoNotOptimize(trainer.train_epoch(data));
  report(state, Mode::train);
}

void evaluate(benchmark::State& state) {
  const Dataset data = random_data(kSamples, kLabFeatures, kLabClasses);
  Sequential model = lab();
  for (auto _ : state) benchmark::DoNotOptimize(model.evaluate(data));
  report(state, Mode::eval);
}

}  // namespace

void add_lab_benches() {
  benchmark::RegisterBenchmark("lab/train_epoch", train_epoch)->Unit(benchmark::kMillisecond)->UseRealTime();
  benchmark::RegisterBenchmark("lab/evaluate", evaluate)->Unit(benchmark::kMillisecond)->UseRealTime();
}

}  // namespace rushlight
