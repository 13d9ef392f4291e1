// What can be told of a network before it takes memory: plan_memory, require_memory and plan_step.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>
#include <rushlight/step_plan.h>

#include <algorithm>
#include <utility>

#include "src/backend/command_cost.h"
#include "src/backend/planned_gpu.h"
#include "src/train/inference.h"
#include "src/train/training.h"

namespace rushlight {
namespace {

const ModelState& use(const Sequential& model) {
  if (!model.state()) throw InvalidArgument("this Sequential was moved from: use the one that it was moved to");
  return *model.state();
}

MemoryPlan memory_of(const ModelState& state, std::int64_t batch, Mode mode) {
  check_batch(batch);
  MemoryPlan plan = state.plan();
  const MemoryPlan pass = mode == Mode::train ? TrainingPlan(state, AdamOptions{}, batch).layout.plan()
                                              : InferencePlan(state, batch, mode).layout.plan();
  plan.entries.insert(plan.entries.end(), pass.entries.begin(), pass.entries.end());
  return plan;
}

const GpuCeilings& find_gpu(std::string_view name) {
  std::vector<std::string_view> names;
  for (const GpuCeilings& gpu : known_gpus()) {
    if (gpu.name == name) return gpu;
    names.emplace_back(gpu.name);
  }
  throw InvalidArgument(fmt::format("a step is planned for {}, but \"{}\" was given", fmt::join(names, " or "), name));
}

double flops_per_second(const GpuCeilings& gpu, const Command& command, Precision precision) {
  if (!std::holds_alternative<Matmul>(command) || precision == Precision::fp32) return gpu.fp32_flops_per_second;
  return precision == Precision::tf32 ? gpu.tf32_flops_per_second : gpu.bf16_flops_per_second;
}

StepNode describe(const Node& node, const GpuCeilings& gpu, Precision precision) {
  const Cost cost = cost_of(node.command);
  const double flops_time = static_cast<double>(cost.flops) / flops_per_second(gpu, node.command, precision);
  const double bytes_time = static_cast<double>(cost.bytes()) / gpu.copy_bytes_per_second;
  return {node.name,
          to_string(node.phase),
          kernel_of(node.command),
          cost.elements,
          cost.bytes_read,
          cost.bytes_written,
          cost.flops,
          std::max({flops_time, bytes_time, gpu.seconds_per_kernel})};
}

}  // namespace

MemoryPlan plan_memory(const Sequential& model, std::int64_t batch, Mode mode) {
  return memory_of(use(model), batch, mode);
}

void require_memory(const Sequential& model, std::int64_t batch, Mode mode) {
  const Buffer probe(use(model).backend(), plan_memory(model, batch, mode).bytes());
}

const std::vector<GpuCeilings>& known_gpus() {
  static const std::vector<GpuCeilings> known{{.name = "h100",
                                               .compute_capability = 9,
                                               .copy_bytes_per_second = 3.0e12,
                                               .fp32_flops_per_second = 67e12,
                                               .tf32_flops_per_second = 400e12,
                                               .bf16_flops_per_second = 798e12,
                                               .seconds_per_kernel = 1.2e-6},
                                              {.name = "h200",
                                               .compute_capability = 9,
                                               .copy_bytes_per_second = 4.3e12,
                                               .fp32_flops_per_second = 67e12,
                                               .tf32_flops_per_second = 400e12,
                                               .bf16_flops_per_second = 790e12,
                                               .seconds_per_kernel = 1.2e-6}};
  return known;
}

StepNode StepPlan::sum() const {
  StepNode sum;
  for (const StepNode& node : nodes) {
    sum.bytes_read += node.bytes_read;
    sum.bytes_written += node.bytes_written;
    sum.flops += node.flops;
    sum.model_seconds += node.model_seconds;
  }
  return sum;
}

StepPlan plan_step(const Sequential& model, std::int64_t batch, Mode mode, std::string_view gpu, Precision precision) {
  StepPlan plan{find_gpu(gpu), {}, {}};
  const auto backend = std::make_shared<PlannedGpu>(plan.gpu.compute_capability);
  ModelState state(use(model).modules(), use(model).members());
  state.move_to(backend);
  plan.memory = memory_of(state, batch, mode);

  const auto program_of = [&](const auto& pass_plan) {
    const Buffer parameters(backend, state.layout()->bytes(state.models()));
    const Buffer arena(backend, pass_plan.layout.bytes());
    const Buffer data(backend, batch * (state.in_features() + bytes_of<std::int32_t>(1)));
    const BatchSource source{.pixels = static_cast<const std::uint8_t*>(static_cast<void*>(data.data())),
                             .labels = static_cast<const std::int32_t*>(static_cast<void*>(data.data()))};
    return pass_plan.step(
        arena.data(),
        {static_cast<float*>(static_cast<void*>(parameters.data())), state.models(), state.layout()->size()}, source);
  };
  const auto add_nodes = [&](const auto& pass_plan) {
    for (const Node& node : program_of(pass_plan)) plan.nodes.push_back(describe(node, plan.gpu, precision));
  };
  if (mode == Mode::train) {
    add_nodes(TrainingPlan(state, AdamOptions{}, batch));
  } else {
    add_nodes(InferencePlan(state, batch, mode));
  }
  return plan;
}

}  // namespace rushlight
