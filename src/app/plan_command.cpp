#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/rushlight.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "src/app/commands.h"
#include "src/app/data_location.h"
#include "src/app/settings.h"

namespace rushlight {
namespace {

constexpr const char* kExamples = R"(
Examples:
  rushlight plan                                        the lab's memory while training
  rushlight plan --batch 10000 --mode eval              a pass without gradients
  rushlight plan --hidden 4096,4096 --inputs 784 --outputs 10 --json
)";

constexpr MemoryUse kUses[] = {MemoryUse::parameters,  MemoryUse::gradients, MemoryUse::moments,
                               MemoryUse::activations, MemoryUse::workspace, MemoryUse::state};

const std::map<std::string, Mode> kModes = {{"train", Mode::train}, {"eval", Mode::eval}, {"mc", Mode::mc}};

struct Arguments {
  Settings settings;
  std::string mode = "train";
  std::int64_t inputs = 784;
  std::int64_t outputs = 10;
  bool json = false;
};

void show_json(const Sequential& model, const Arguments& arguments, const MemoryPlan& plan, Streams streams) {
  nlohmann::ordered_json result;
  result["mode"] = arguments.mode;
  result["batch"] = arguments.settings.batch;
  result["parameter_count"] = model.parameter_count();
  for (const MemoryUse use : kUses) result["bytes"][to_string(use)] = plan.bytes(use);
  result["bytes"]["all"] = plan.bytes();
  for (const MemoryPlanEntry& entry : plan.entries) {
    result["entries"].push_back({{"use", to_string(entry.use)}, {"name", entry.name}, {"bytes", entry.bytes}});
  }
  streams.out << result.dump() << std::endl;
}

void show_table(const Sequential& model, const Arguments& arguments, const MemoryPlan& plan, Streams streams) {
  for (std::size_t i = 0; i < model.modules().size(); ++i) {
    streams.out << fmt::format("{:3}  {}\n", i, to_string(model.modules()[i]));
  }
  streams.out << fmt::format("\n{} parameters; {} a batch of {}; bytes\n", model.parameter_count(), arguments.mode,
                             arguments.settings.batch);
  for (const MemoryUse use : kUses) streams.out << fmt::format("{:12} {:>16}\n", to_string(use), plan.bytes(use));
  streams.out << fmt::format("{:12} {:>16}\n", "all", plan.bytes()) << std::flush;
}

int run_plan(const Arguments& arguments, Streams streams) {
  Sequential model(modules_of(arguments.settings, arguments.inputs, arguments.outputs));
  model.to(choose_device(arguments.settings).device);
  const MemoryPlan plan = plan_memory(model, arguments.settings.batch, kModes.at(arguments.mode));
  arguments.json ? show_json(model, arguments, plan, streams) : show_table(model, arguments, plan, streams);
  return kDone;
}

}  // namespace

void add_plan_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("plan", "The memory that a network takes, before it is taken");
  const auto arguments = std::make_shared<Arguments>();
  for (const Setting& setting : table_of(arguments->settings)) {
    const std::string name = setting.name;
    if (name == "hidden" || name == "dropout" || name == "batch" || name == "device") add_option(*command, setting);
  }
  command->add_option("--inputs", arguments->inputs, "Features a sample")->capture_default_str();
  command->add_option("--outputs", arguments->outputs, "Classes")->capture_default_str();
  command->add_option("--mode", arguments->mode, "train, eval or mc (dropout on, no gradients)")
      ->check(CLI::IsMember(kModes))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "One JSON line, with every tensor");
  command->footer(kExamples);
  command->callback([=, &chosen] { chosen = [=] { return run_plan(*arguments, streams); }; });
}

}  // namespace rushlight
