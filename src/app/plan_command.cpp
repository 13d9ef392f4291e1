#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>
#include <rushlight/rushlight.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "src/app/commands.h"
#include "src/app/data_location.h"
#include "src/app/settings.h"

namespace rushlight {
namespace {

constexpr const char* kPlanExamples = R"(
Examples:
  rushlight plan                                        the lab's memory while training
  rushlight plan --batch 10000 --mode eval              a pass without gradients
  rushlight plan --hidden 4096,4096 --inputs 784 --outputs 10 --json
  rushlight plan --device h100                          a step on an H100, which need not be there
)";

constexpr MemoryUse kUses[] = {MemoryUse::parameters,  MemoryUse::gradients, MemoryUse::moments,
                               MemoryUse::activations, MemoryUse::workspace, MemoryUse::state};

const std::map<std::string, Mode> kModes = {{"train", Mode::train}, {"eval", Mode::eval}, {"mc", Mode::mc}};

struct PlanArguments {
  Settings settings;
  std::string mode = "train";
  std::int64_t inputs = 784;
  std::int64_t outputs = 10;
  bool json = false;
};

nlohmann::ordered_json json_of(const StepNode& node) {
  return {{"bytes_read", node.bytes_read},
          {"bytes_written", node.bytes_written},
          {"flops", node.flops},
          {"seconds_model", node.model_seconds}};
}

nlohmann::ordered_json json_of(const StepPlan& step, const std::string& precision) {
  nlohmann::ordered_json result{{"gpu", step.gpu.name},
                                {"precision", precision},
                                {"copy_bytes_per_second", step.gpu.copy_bytes_per_second},
                                {"fp32_flops_per_second", step.gpu.fp32_flops_per_second},
                                {"tf32_flops_per_second", step.gpu.tf32_flops_per_second},
                                {"bf16_flops_per_second", step.gpu.bf16_flops_per_second},
                                {"seconds_per_kernel", step.gpu.seconds_per_kernel},
                                {"launches", step.nodes.size()}};
  result.update(json_of(step.sum()));
  for (const StepNode& node : step.nodes) {
    nlohmann::ordered_json row{
        {"name", node.name}, {"phase", node.phase}, {"kernel", node.kernel}, {"elements", node.elements}};
    row.update(json_of(node));
    result["nodes"].push_back(row);
  }
  return result;
}

/// `step`: null where a device that is there was asked for.
void show_json(const Sequential& model, const PlanArguments& arguments, const MemoryPlan& plan, const StepPlan* step,
               Streams streams) {
  nlohmann::ordered_json result;
  result["mode"] = arguments.mode;
  result["batch"] = arguments.settings.batch;
  result["parameter_count"] = model.parameter_count();
  for (const MemoryUse use : kUses) result["bytes"][to_string(use)] = plan.bytes(use);
  result["bytes"]["all"] = plan.bytes();
  for (const MemoryPlanEntry& entry : plan.entries) {
    result["entries"].push_back({{"use", to_string(entry.use)}, {"name", entry.name}, {"bytes", entry.bytes}});
  }
  if (step != nullptr) result["step"] = json_of(*step, arguments.settings.precision);
  streams.out << result.dump() << std::endl;
}

void show_row(const StepNode& node, Streams streams) {
  streams.out << fmt::format("{:8}  {:36}  {:50}  {:>13}  {:>13}  {:>15}  {:>10.2f}\n", node.phase, node.name,
                             node.kernel, node.bytes_read, node.bytes_written, node.flops, node.model_seconds * 1e6);
}

void show_step(const StepPlan& step, const PlanArguments& arguments, Streams streams) {
  streams.out << fmt::format(
      "\n{} on {} in {}: {} launches; each byte counts once, and the time is a model, not a measurement\n",
      arguments.mode == "train" ? "a step" : "a batch", step.gpu.name, arguments.settings.precision, step.nodes.size());
  streams.out << fmt::format("{:8}  {:36}  {:50}  {:>13}  {:>13}  {:>15}  {:>10}\n", "phase", "node", "kernel",
                             "bytes read", "written", "flops", "us (model)");
  for (const StepNode& node : step.nodes) show_row(node, streams);
  StepNode sum = step.sum();
  sum.name = "all";
  show_row(sum, streams);
  streams.out << std::flush;
}

void show_table(const Sequential& model, const PlanArguments& arguments, const MemoryPlan& plan, const StepPlan* step,
                Streams streams) {
  for (std::size_t i = 0; i < model.modules().size(); ++i) {
    streams.out << fmt::format("{:3}  {}\n", i, to_string(model.modules()[i]));
  }
  streams.out << fmt::format("\n{} parameters; {} a batch of {}; bytes\n", model.parameter_count(), arguments.mode,
                             arguments.settings.batch);
  for (const MemoryUse use : kUses) streams.out << fmt::format("{:12} {:>16}\n", to_string(use), plan.bytes(use));
  streams.out << fmt::format("{:12} {:>16}\n", "all", plan.bytes()) << std::flush;
  if (step != nullptr) show_step(*step, arguments, streams);
}

bool is_known_gpu(const std::string& name) {
  const auto& known = known_gpus();
  return std::any_of(known.begin(), known.end(), [&](const GpuCeilings& gpu) { return gpu.name == name; });
}

Device device_of(const Settings& settings) {
  Device device;
  try {
    device = choose_device(settings.device, settings.threads).device;
  } catch (const InvalidArgument& error) {
    std::vector<std::string> names;
    for (const GpuCeilings& gpu : known_gpus()) names.push_back(gpu.name);
    throw InvalidArgument(fmt::format("{}; GPUs that need not be there: {}", error.what(), fmt::join(names, ", ")));
  }
  device.precision = choose_precision(settings.precision);
  return device;
}

int run_plan(const PlanArguments& arguments, Streams streams) {
  const Settings& settings = arguments.settings;
  Sequential model(modules_of(settings, arguments.inputs, arguments.outputs));
  const Mode mode = kModes.at(arguments.mode);
  std::optional<StepPlan> step;
  if (is_known_gpu(settings.device)) {
    step = plan_step(model, settings.batch, mode, settings.device, choose_precision(settings.precision));
  } else {
    model.to(device_of(settings));
  }
  const MemoryPlan plan = step ? step->memory : plan_memory(model, settings.batch, mode);
  const auto show = arguments.json ? show_json : show_table;
  show(model, arguments, plan, step ? &*step : nullptr, streams);
  return kDone;
}

}  // namespace

void add_plan_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("plan", "The memory and the work of a network, before it runs");
  const auto arguments = std::make_shared<PlanArguments>();
  for (const Setting& setting : table_of(arguments->settings)) {
    const std::string name = setting.name;
    if (name == "hidden" || name == "dropout" || name == "batch" || name == "precision") add_option(*command, setting);
  }
  command
      ->add_option("--device", arguments->settings.device,
                   "auto, cpu, cuda or cuda:<index>; or h100 or h200, which need not be there")
      ->capture_default_str();
  command->add_option("--inputs", arguments->inputs, "Features a sample")->capture_default_str();
  command->add_option("--outputs", arguments->outputs, "Classes")->capture_default_str();
  command->add_option("--mode", arguments->mode, "train, eval or mc (dropout on, no gradients)")
      ->check(CLI::IsMember(kModes))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "One JSON line, with every tensor");
  command->footer(kPlanExamples);
  command->callback([=, &chosen] { chosen = [=] { return run_plan(*arguments, streams); }; });
}

}  // namespace rushlight
