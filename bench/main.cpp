#include "bench/benches.h"

namespace rushlight {

void count(benchmark::State& state, const Cost& cost) {
  using benchmark::Counter;
  const auto bytes = static_cast<double>(cost.bytes()), flops = static_cast<double>(cost.flops);
  state.counters["bytes"] = Counter(bytes, Counter::kDefaults, Counter::kIs1024);
  state.counters["flops"] = flops;
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate);
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

}  // namespace rushlight

int main(int argc, char** argv) {
  rushlight::add_lab_benches();
  rushlight::add_operation_benches();
  rushlight::add_product_benches();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
