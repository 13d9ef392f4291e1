// The bench's door: what all cases have in common.
#include <rushlight/bench.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>

#include <algorithm>
#include <memory>

#include "kernels/portable.h"
#include "src/backend/cpu/ceilings.h"
#include "src/backend/cpu/processor.h"
#include "src/train/bench_cases.h"

namespace rushlight {
namespace {

constexpr BenchCase kCases[] = {BenchCase::lab, BenchCase::wide, BenchCase::infer, BenchCase::kernels};

void check(const BenchOptions& options) {
  constexpr double kMostSeconds = 3600;
  constexpr int kMostRounds = 10'000;
  constexpr std::int64_t kMostBatch = std::int64_t{1} << 20, kMostBytes = std::int64_t{1} << 40;
  if (!(options.seconds > 0 && options.seconds <= kMostSeconds)) {
    throw InvalidArgument(
        fmt::format("seconds must be above 0 and at most {}, but are {}", kMostSeconds, options.seconds));
  }
  if (options.rounds < 0 || options.rounds > kMostRounds) {
    throw InvalidArgument(
        fmt::format("rounds must be from 1 to {} (0: the case's own), but are {}", kMostRounds, options.rounds));
  }
  if (options.batch < 0 || options.batch > kMostBatch) {
    throw InvalidArgument(
        fmt::format("a batch must be from 1 to {} (0: the case's own), but is {}", kMostBatch, options.batch));
  }
  const bool trains = options.which == BenchCase::lab || options.which == BenchCase::wide;
  if (options.block_bytes < 0 || options.block_bytes > kMostBytes) {
    throw InvalidArgument(fmt::format("a block must be from 1 to {} bytes (0: beyond any cache), but is {}", kMostBytes,
                                      options.block_bytes));
  }
  if (options.batch != 0 && !trains) {
    throw InvalidArgument(fmt::format("{} takes no batch: lab and wide do", to_string(options.which)));
  }
}

// Short turns for what has a noisy machine as its worst enemy, and few where one step takes seconds.
int usual_rounds(BenchCase which) {
  if (which == BenchCase::wide) return 5;
  return which == BenchCase::kernels ? 7 : 15;
}

BenchReport measure(const BenchOptions& options, const BenchPlace& place) {
  switch (options.which) {
    case BenchCase::lab:
    case BenchCase::wide:
      return bench_training(options, place);
    case BenchCase::infer:
      return bench_inference(options, place);
    case BenchCase::kernels:
      return bench_kernels(options, place);
  }
  return {};
}

double rate(std::int64_t count, const Measurement& measurement) {
  return static_cast<double>(count) / measurement.seconds->median;
}

void add_shares(Measurement& measurement, const BenchCeilings& ceilings) {
  if (ceilings.fma && measurement.flops > 0) {
    measurement.share_of_fma = rate(measurement.flops, measurement) / rate(ceilings.fma->flops, *ceilings.fma);
  }
  if (ceilings.copy && measurement.bytes > 0) {
    measurement.share_of_copy = rate(measurement.bytes, measurement) / rate(ceilings.copy->bytes, *ceilings.copy);
  }
}

/// Calls `f` with each measurement of the report.
template <class F>
void for_each_measurement(BenchReport& report, const F& f) {
  for (auto* ceiling : {&report.ceilings.fma, &report.ceilings.copy, &report.ceilings.products}) {
    if (*ceiling) f(**ceiling);
  }
  for (Measurement& result : report.results) f(result);
  for (Measurement& node : report.nodes) f(node);
}

void forget_times(BenchReport& report) {
  for_each_measurement(report, [](Measurement& measurement) { measurement.seconds.reset(); });
  report.ratios.clear();
  for (PhaseShare& phase : report.phases) phase = {phase.phase, {}, {}};
}

}  // namespace

const char* to_string(BenchCase which) {
  switch (which) {
    case BenchCase::lab:
      return "lab";
    case BenchCase::wide:
      return "wide";
    case BenchCase::infer:
      return "infer";
    case BenchCase::kernels:
      return "kernels";
  }
  return "";
}

BenchCase choose_bench_case(std::string_view name) {
  for (const BenchCase which : kCases) {
    if (to_string(which) == name) return which;
  }
  throw InvalidArgument(fmt::format("a bench is lab, wide, infer or kernels, but \"{}\" was given", name));
}

std::string widths_of(const std::vector<Module>& modules) {
  std::vector<std::int64_t> widths;
  for (const Module& module : modules) {
    const Linear* const linear = std::get_if<Linear>(&module);
    if (linear == nullptr) continue;
    if (widths.empty()) widths.push_back(linear->in_features());
    widths.push_back(linear->out_features());
  }
  return fmt::format("{}", fmt::join(widths, "-"));
}

BenchCeilings ceilings_of(const BenchRounds& rounds) {
  const auto find = [&](const char* name) {
    return rounds.has(name) ? std::optional(rounds.measured(name)) : std::nullopt;
  };
  return {find("fma"), find("copy"), find("products")};
}

BenchReport run_bench(const BenchOptions& options) {
  check(options);
  const bool cpu = options.device.kind == Device::Kind::cpu;
  const BenchPlace place{open_backend(options.device), cpu ? thread_count(options.device.threads) : 0,
                         kEmulated && !cpu, options.block_bytes, cpu ? std::make_shared<CpuTime>() : nullptr};
  BenchOptions used = options;
  if (used.rounds == 0) used.rounds = usual_rounds(used.which);
  if (place.emulated) {  // Everything once: there are no times to be had.
    used.seconds = 1e-9;
    used.rounds = 1;
  }
  BenchReport report = measure(used, place);
  report.options = used;
  report.emulated = place.emulated;
  report.threads = place.threads;
  report.backend = place.backend->describe();
  report.processor = processor_name();
  if (cpu) {
    report.vectors = widest_fma_loop().vectors;
    report.cpu_share = std::min(1.0, place.fma_time->given / place.fma_time->asked);
  }
  if (place.emulated) {
    forget_times(report);
  } else {
    for_each_measurement(report, [&](Measurement& measurement) { add_shares(measurement, report.ceilings); });
  }
  return report;
}

}  // namespace rushlight
