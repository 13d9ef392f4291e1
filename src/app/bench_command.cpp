#include <fmt/format.h>
#include <rushlight/bench.h>
#include <rushlight/version.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "src/app/commands.h"
#include "src/app/device_options.h"

namespace rushlight {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kBenchExamples = R"(
Examples:
  rushlight bench                        an epoch of the lab, beside its matrix products alone and the machine's peaks
  rushlight bench kernels                each operation beside a copy from memory to memory
  rushlight bench infer --json           one line for a program to read
  rushlight bench lab --seconds 5 --rounds 3 --threads 1
)";

constexpr double kCalm = 0.97;   // Of the CPU time that was asked for: below, times tell more of others than of us.
constexpr double kSteady = 1.1;  // The same of the multiply-adds' median beside their fastest.

struct BenchArguments {
  std::string which = "lab";
  DeviceOptions device;
  BenchOptions options;
  bool json = false;
};

/// Null where nothing is known.
template <class T>
Json known(const T& value) {
  return value == T{} ? Json() : Json(value);
}

template <class T>
Json known(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json rate(std::int64_t count, const Measurement& measurement) {
  if (count == 0 || !measurement.seconds) return {};
  return static_cast<double>(count) / measurement.seconds->median;
}

Json json_of(const Measurement& measurement, int rounds) {
  Json seconds;
  if (const auto& spread = measurement.seconds) {
    seconds = {{"median", spread->median},
               {"min", spread->min},
               {"max", spread->max},
               {"p99", known(spread->p99)},
               {"rounds", rounds}};
  }
  return {{"name", measurement.name},
          {"what", measurement.what},
          {"steps", measurement.steps},
          {"timed", measurement.timed},
          {"seconds", seconds},
          {"samples", known(measurement.samples)},
          {"samples_per_second", rate(measurement.samples, measurement)},
          {"flops", known(measurement.flops)},
          {"flops_per_second", rate(measurement.flops, measurement)},
          {"bytes", known(measurement.bytes)},
          {"bytes_per_second", rate(measurement.bytes, measurement)},
          {"share_of_fma", known(measurement.share_of_fma)},
          {"share_of_copy", known(measurement.share_of_copy)},
          {"kernel", known(measurement.kernel)},
          {"phase", known(measurement.phase)}};
}

Json json_of(const BenchReport& report) {
  const int rounds = report.options.rounds;
  const auto ceiling = [&](const std::optional<Measurement>& one) { return one ? json_of(*one, rounds) : Json(); };
  Json result{{"schema", 1},
              {"case", to_string(report.options.which)},
              {"version", version()},
              {"commit", commit()},
              {"device", to_string(report.options.device)},
              {"threads", known(report.threads)},
              {"precision", to_string(report.options.device.precision)},
              {"emulated", report.emulated},
              {"backend", report.backend},
              {"cpu", report.processor},
              {"vectors", known(report.vectors)},
              {"network", known(report.network)},
              {"parameters", known(report.parameters)},
              {"batch", known(report.batch)},
              {"rounds", rounds},
              {"peak_memory_bytes", known(report.peak_memory_bytes)},
              {"cpu_share", known(report.cpu_share)},
              {"ceilings",
               {{"fma", ceiling(report.ceilings.fma)},
                {"copy", ceiling(report.ceilings.copy)},
                {"products", ceiling(report.ceilings.products)}}},
              {"results", Json::array()},
              {"ratios", Json::object()},
              {"phases", Json::array()},
              {"nodes", Json::array()}};
  for (const Measurement& one : report.results) result["results"].push_back(json_of(one, rounds));
  for (const auto& [name, spread] : report.ratios) {
    result["ratios"][name] = {{"median", spread.median}, {"min", spread.min}, {"max", spread.max}};
  }
  for (const PhaseShare& phase : report.phases) {
    result["phases"].push_back(
        {{"phase", phase.phase}, {"seconds", known(phase.seconds)}, {"share", known(phase.share)}});
  }
  for (const Measurement& node : report.nodes) result["nodes"].push_back(json_of(node, rounds));
  return result;
}

std::string duration(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.4g} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.4g} us", seconds * 1e6);
  return seconds < 1 ? fmt::format("{:.4g} ms", seconds * 1e3) : fmt::format("{:.4g} s", seconds);
}

/// A rate in a column, or nothing.
std::string column(std::int64_t count, const Measurement& measurement, double unit) {
  if (count == 0 || !measurement.seconds) return "";
  return fmt::format("{:.4g}", static_cast<double>(count) / measurement.seconds->median / unit);
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.1f} %", *share * 100) : "";
}

void show_row(const Measurement& one, Streams streams) {
  const std::optional<Spread>& seconds = one.seconds;
  const auto time = [&](double Spread::*which) { return seconds ? duration((*seconds).*which) : "-"; };
  std::string row =
      fmt::format("{:27} {:>9} {:>9} {:>9} {:>10} {:>8} {:>7} {:>7} {:>7}", one.name, time(&Spread::median),
                  time(&Spread::min), time(&Spread::max), column(one.samples, one, 1), column(one.flops, one, 1e9),
                  column(one.bytes, one, 1e9), percent(one.share_of_fma), percent(one.share_of_copy));
  if (!one.what.empty()) row += "  " + one.what;
  if (one.steps > 1) row += fmt::format("; {} timed", one.timed);
  if (seconds && seconds->p99) row += fmt::format("; 99 % within {}", duration(*seconds->p99));
  row.erase(row.find_last_not_of(' ') + 1);
  streams.out << row << "\n";
}

void show_phases(const BenchReport& report, Streams streams) {
  if (report.phases.empty()) return;
  streams.out << "\nnode by node, with a clock around each\n";
  for (const PhaseShare& phase : report.phases) {
    streams.out << fmt::format("{:27} {:>9} {:>9}\n", phase.phase, phase.seconds ? duration(*phase.seconds) : "-",
                               percent(phase.share));
  }
}

/// Nothing but other programs, or other machines on the same host, slows down what touches no memory.
void warn_of_noise(const BenchReport& report, Streams streams) {
  const Spread& fma = *report.ceilings.fma->seconds;
  if (*report.cpu_share > kCalm && fma.median < kSteady * fma.min) return;
  streams.out << fmt::format(
      "\nThe machine was not calm: threads got {:.0f} % of the CPU, and the multiply-adds alone took {} to {}. Times "
      "are too long; ratios within a round are better. Leave the machine alone, and run it again.\n",
      *report.cpu_share * 100, duration(fma.min), duration(fma.max));
}

void show(const BenchReport& report, Streams streams) {
  streams.out << fmt::format("rushlight {} ({}), {}\n{}\n", version(), commit(), report.processor, report.backend);
  if (!report.network.empty()) streams.out << fmt::format("{}, {} parameters\n", report.network, report.parameters);
  streams.out << fmt::format("{} rounds\n\n{:27} {:>9} {:>9} {:>9} {:>10} {:>8} {:>7} {:>7} {:>7}\n",
                             report.options.rounds, to_string(report.options.which), "median", "min", "max",
                             "samples/s", "GFLOP/s", "GB/s", "of FMA", "of copy");
  for (const auto* ceiling : {&report.ceilings.fma, &report.ceilings.copy, &report.ceilings.products}) {
    if (*ceiling) show_row(**ceiling, streams);
  }
  for (const Measurement& result : report.results) show_row(result, streams);
  if (!report.ratios.empty()) streams.out << "\n";
  for (const auto& [name, spread] : report.ratios) {
    streams.out << fmt::format("{:37} {:.3f} ({:.3f} to {:.3f})\n", name, spread.median, spread.min, spread.max);
  }
  show_phases(report, streams);
  if (report.peak_memory_bytes > 0) {
    streams.out << fmt::format("\npeak memory {:.4g} MB, before the ceilings took theirs\n",
                               static_cast<double>(report.peak_memory_bytes) * 1e-6);
  }
  if (report.cpu_share) warn_of_noise(report, streams);
  if (report.emulated) streams.out << "\ntimes skipped, as those of an emulated device are none of a GPU\n";
}

int run_bench_command(const BenchArguments& arguments, Streams streams) {
  BenchOptions options = arguments.options;
  options.which = choose_bench_case(arguments.which);
  options.device = arguments.device.choose(streams.err);
  const BenchReport report = run_bench(options);
  if (arguments.json) {
    streams.out << json_of(report).dump() << std::endl;
  } else {
    show(report, streams);
  }
  return kDone;
}

}  // namespace

void add_bench_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command =
      app.add_subcommand("bench", "How fast this machine is: training, predictions and operations beside its peaks");
  const auto arguments = std::make_shared<BenchArguments>();
  command->add_option("case", arguments->which, "lab, wide, infer or kernels")->capture_default_str();
  command->add_option("--seconds", arguments->options.seconds, "That all rounds take together, roughly")
      ->capture_default_str();
  command->add_option("--rounds", arguments->options.rounds, "Turns of each part; 0: 15, kernels 7, wide 5")
      ->capture_default_str();
  command->add_option("--batch", arguments->options.batch, "Of lab and wide; 0: 100; wide: 512, on a GPU what fits")
      ->capture_default_str();
  command->add_option("--block", arguments->options.block_bytes, "Bytes that are copied; 0: beyond any cache")
      ->capture_default_str();
  arguments->device.add_to(*command);
  command->add_flag("--json", arguments->json, "One JSON line, with every node");
  command->footer(kBenchExamples);
  command->callback([=, &chosen] { chosen = [=] { return run_bench_command(*arguments, streams); }; });
}

}  // namespace rushlight
