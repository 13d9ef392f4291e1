#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>
#include <rushlight/rushlight.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "src/app/commands.h"
#include "src/app/device_options.h"

namespace rushlight {
namespace {

constexpr const char* kDoctorExamples = R"(
Examples:
  rushlight doctor                       what there is, and every kernel of a step beside a plain reference
  rushlight doctor --device cuda:1       another GPU; without it, code 4 and what to do
)";

struct DoctorArguments {
  DeviceOptions device;
  bool json = false;
};

/// What a visit found, as it comes to be known.
struct Findings {
  GpuInventory gpus;
  DeviceChoice choice;
  std::vector<DeviceCheck> checks;
  std::vector<DeviceTiming> timings;
  std::string advice;  // What is wrong and what to do; empty if nothing is.

  std::size_t count(CheckStatus status) const {
    const auto has = [status](const DeviceCheck& check) { return check.status == status; };
    return static_cast<std::size_t>(std::count_if(checks.begin(), checks.end(), has));
  }
};

double gib(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

std::string text_of(const GpuInfo& gpu) {
  const std::string itself = fmt::format("{}  {}, {}, {} multiprocessors, {:.1f} GiB", to_string(gpu.device), gpu.name,
                                         gpu.architecture, gpu.multiprocessors, gib(gpu.memory_bytes));
  return gpu.obstacle.empty() ? fmt::format("{}, {:.1f} free", itself, gib(gpu.free_bytes))
                              : fmt::format("{}; it cannot be used: {}", itself, gpu.obstacle);
}

void show_machine(const Findings& found, Streams streams) {
  const GpuInventory& gpus = found.gpus;
  streams.out << version_details();
  if (gpus.presence == GpuPresence::not_looked_for) {
    streams.out << "gpus      not looked for, as " << gpus.obstacle << "\n";
  } else {
    streams.out << "driver    " << (gpus.driver.empty() ? "none" : "for CUDA " + gpus.driver) << "\n";
    if (gpus.gpus.empty()) streams.out << "gpus      none, as " << gpus.obstacle << "\n";
  }
  for (const GpuInfo& gpu : gpus.gpus) streams.out << "gpus      " << text_of(gpu) << "\n";
  streams.out << "device    " << found.choice.reason << "\n\n" << std::flush;
}

/// How the result compares, where it could be compared.
std::string comparison_of(const DeviceCheck& check) {
  if (check.status == CheckStatus::passed && check.tolerance == 0) return "same bits";
  if (check.status == CheckStatus::skipped || (check.status == CheckStatus::failed && check.error == 0)) return "";
  return check.tolerance == 0 ? "other bits" : fmt::format("{:.1e} of {:.0e}", check.error, check.tolerance);
}

void show_check(const DeviceCheck& check, Streams streams) {
  std::string row = fmt::format("{:8} {:9} {:36}  {:16}  {}", to_string(check.status), check.network, check.name,
                                comparison_of(check), check.kernel);
  row.erase(row.find_last_not_of(' ') + 1);
  if (!check.detail.empty()) row += "  " + check.detail;
  streams.out << row << std::endl;
}

std::string rate_of(const DeviceTiming& timing) {
  return timing.flops > 0 ? fmt::format("{:.4g} TFLOP/s", static_cast<double>(timing.flops) / timing.seconds * 1e-12)
                          : fmt::format("{:.4g} GB/s", static_cast<double>(timing.bytes) / timing.seconds * 1e-9);
}

const char* why_untimed(const Findings& found) {
  if (found.count(CheckStatus::failed) > 0) return "a check failed";
  if (found.checks.empty()) return "the device could not be used";
  return found.advice.empty() ? "those of an emulated device are none of a GPU" : "they could not be taken";
}

void show_end(const Findings& found, Streams streams) {
  streams.out << "\n";
  for (const DeviceTiming& timing : found.timings) {
    streams.out << fmt::format("{:9} {} ({:.3g} ms, the fastest of five)\n", timing.name, rate_of(timing),
                               timing.seconds * 1e3);
  }
  if (found.timings.empty()) streams.out << "times     skipped, as " << why_untimed(found) << "\n";
  streams.out << fmt::format("checks    {} passed, {} failed, {} skipped\n", found.count(CheckStatus::passed),
                             found.count(CheckStatus::failed), found.count(CheckStatus::skipped))
              << std::flush;
}

nlohmann::ordered_json json_of(const Findings& found) {
  const GpuInventory& gpus = found.gpus;
  nlohmann::ordered_json result{
      {"version", version()},
      {"commit", commit()},
      {"cuda_build", gpus.build},
      {"emulated", gpus.emulated},
      {"driver", gpus.driver.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(gpus.driver)},
      {"gpus", nlohmann::ordered_json::array()},
      {"obstacle", gpus.obstacle},
      {"device", to_string(found.choice.device)},
      {"precision", to_string(found.choice.device.precision)},
      {"reason", found.choice.reason},
      {"checks", nlohmann::ordered_json::array()},
      {"timings", nlohmann::ordered_json::array()},
      {"passed", found.advice.empty()},
      {"advice", found.advice}};
  for (const GpuInfo& gpu : gpus.gpus) {
    result["gpus"].push_back({{"device", to_string(gpu.device)},
                              {"name", gpu.name},
                              {"architecture", gpu.architecture},
                              {"multiprocessors", gpu.multiprocessors},
                              {"memory_bytes", gpu.memory_bytes},
                              {"free_bytes", gpu.free_bytes},
                              {"obstacle", gpu.obstacle}});
  }
  for (const DeviceCheck& check : found.checks) {
    result["checks"].push_back({{"network", check.network},
                                {"name", check.name},
                                {"phase", check.phase},
                                {"kernel", check.kernel},
                                {"status", to_string(check.status)},
                                {"error", check.error},
                                {"tolerance", check.tolerance},
                                {"detail", check.detail}});
  }
  for (const DeviceTiming& timing : found.timings) {
    result["timings"].push_back(
        {{"name", timing.name}, {"seconds", timing.seconds}, {"bytes", timing.bytes}, {"flops", timing.flops}});
  }
  return result;
}

/// What is wrong. REQUIRES: a check failed.
std::string verdict(const Findings& found) {
  std::vector<std::string> names;
  for (const DeviceCheck& check : found.checks) {
    if (check.status == CheckStatus::failed) names.push_back(fmt::format("{} ({})", check.name, check.network));
  }
  const std::size_t count = names.size();
  if (count > 5) names.resize(5);
  return fmt::format(
      "{} of {} checks failed on {}: {}{}; do not train there: run it again, with another driver or GPU if there is "
      "one, and report it with this output",
      count, found.checks.size(), to_string(found.choice.device), fmt::join(names, ", "), count > 5 ? ", ..." : "");
}

/// A GPU that is there and cannot be used is what people come for, even where a CPU takes its place.
std::string why_gpu_unused(const Findings& found) {
  const bool there = found.gpus.presence == GpuPresence::unusable || found.gpus.presence == GpuPresence::usable;
  if (!there || found.choice.device.kind != Device::Kind::cpu) return "";
  return "there is a GPU or its driver, but the device is " + found.choice.reason;
}

void examine(const DoctorArguments& arguments, Findings& found, Streams streams) {
  const Device& device = found.choice.device;
  std::string error, passed;
  try {
    check_device(device, [&](const DeviceCheck& check) {
      found.checks.push_back(check);
      if (!arguments.json) show_check(check, streams);
    });
    passed = "no check failed, but nothing could be timed: ";
    if (found.count(CheckStatus::failed) == 0) found.timings = time_device(device);
  } catch (const DeviceError& caught) {
    error = passed + caught.what();
  }
  found.advice = found.count(CheckStatus::failed) > 0 ? verdict(found) : error;
  if (found.advice.empty() && arguments.device.device == "auto") found.advice = why_gpu_unused(found);
}

int run_doctor(const DoctorArguments& arguments, Streams streams) {
  Findings found;
  found.gpus = find_gpus();
  found.choice = arguments.device.choose();
  if (!arguments.json) show_machine(found, streams);
  examine(arguments, found, streams);
  if (arguments.json) {
    streams.out << json_of(found).dump() << std::endl;
  } else {
    show_end(found, streams);
  }
  if (!found.advice.empty()) throw DeviceError(found.advice);
  return kDone;
}

}  // namespace

void add_doctor_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command =
      app.add_subcommand("doctor", "Whether this machine computes rightly: GPUs, and each kernel beside a reference");
  const auto arguments = std::make_shared<DoctorArguments>();
  arguments->device.add_to(*command);
  command->add_flag("--json", arguments->json, "One JSON line, with every check");
  command->footer(kDoctorExamples);
  command->callback([=, &chosen] { chosen = [=] { return run_doctor(*arguments, streams); }; });
}

}  // namespace rushlight
