// The lab's work: steps of training, and evaluation, in samples a second. Arithmetic: 6 flops a weight and sample in
// training (4 in the first layer), 2 in evaluation. Data: random pixels, as their content costs nothing.
#include <benchmark/benchmark.h>
#include <rushlight/rushlight.h>

#include <cstdint>
#include <random>
#include <vector>

namespace {

constexpr std::int64_t kSamples = 6000;
constexpr std::int64_t kBatch = 100;
constexpr std::int64_t kFeatures = 784;

rushlight::Dataset random_images() {
  std::mt19937 generator(1);
  std::vector<std::uint8_t> pixels(kSamples * kFeatures);
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(generator());
  std::vector<std::int32_t> labels(kSamples);
  for (std::int32_t& label : labels) label = static_cast<std::int32_t>(generator() % 10);
  return {std::move(pixels), std::move(labels), {28, 28}};
}

rushlight::Sequential lab() {
  std::vector<rushlight::Module> modules;
  std::int64_t width = kFeatures;
  for (int layer = 0; layer < 4; ++layer) {
    modules.insert(modules.end(), {rushlight::Linear(width, 512), rushlight::ReLU(), rushlight::Dropout(0.3)});
    width = 512;
  }
  modules.push_back(rushlight::Linear(width, 10));
  rushlight::Sequential model(std::move(modules));
  model.initialize(rushlight::XavierUniform{}).to(rushlight::Device::best());
  return model;
}

void report(benchmark::State& state, double flops_a_sample) {
  const auto samples = static_cast<double>(state.iterations() * kSamples);
  state.counters["samples/s"] = benchmark::Counter(samples, benchmark::Counter::kIsRate);
  state.counters["flop/s"] = benchmark::Counter(samples * flops_a_sample, benchmark::Counter::kIsRate);
}

void TrainEpoch(benchmark::State& state) {
  const rushlight::Dataset data = random_images();
  rushlight::Sequential model = lab();
  rushlight::Trainer trainer(model, {}, rushlight::Adam{}, {.batch = kBatch});
  for (auto _ : state) benchmark::DoNotOptimize(trainer.train_epoch(data));
  const double weights = static_cast<double>(model.parameter_count());
  report(state, 6.0 * weights - 2.0 * kFeatures * 512);
}
BENCHMARK(TrainEpoch)->Unit(benchmark::kMillisecond)->UseRealTime();

void Evaluate(benchmark::State& state) {
  const rushlight::Dataset data = random_images();
  rushlight::Sequential model = lab();
  for (auto _ : state) benchmark::DoNotOptimize(model.evaluate(data));
  report(state, 2.0 * static_cast<double>(model.parameter_count()));
}
BENCHMARK(Evaluate)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
