// The case `kernels`: each operation alone, beside a copy.
#include <fmt/format.h>

#include <utility>

#include "src/backend/command_cost.h"
#include "src/train/bench_cases.h"
#include "src/train/operation_blocks.h"

namespace rushlight {
namespace {

BenchPart operation_part(OperationBlock block, const std::shared_ptr<Backend>& backend) {
  const Cost cost = cost_of(block.node.command);
  const bool on_gpu = backend->device().kind == Device::Kind::cuda;
  BenchPart part;
  part.measurement = {.name = block.node.name,
                      .what = fmt::format("{} elements", cost.elements),
                      .kernel = on_gpu ? kernel_of(block.node.command) : "",
                      .bytes = cost.bytes(),
                      .flops = cost.flops};
  part.before = [refill = block.refill, backend] {
    refill();
    backend->synchronize();
  };
  part.run = [backend, node = std::move(block.node)](std::int64_t times) {
    for (; times > 0; --times) backend->run(node);
    backend->synchronize();
  };
  return part;
}

}  // namespace

BenchReport bench_kernels(const BenchOptions& options, const BenchPlace& place) {
  BenchRounds rounds(options.seconds, options.rounds);
  add_ceilings(rounds, place);
  std::vector<std::string> names;
  for (OperationBlock& block : operation_blocks(place.backend, 2 * place.block_bytes())) {
    names.push_back(block.node.name);
    rounds.add(operation_part(std::move(block), place.backend));
  }
  rounds.warm_up();
  rounds.run();

  BenchReport report;
  report.ceilings = ceilings_of(rounds);
  for (const std::string& name : names) {
    const Measurement measured = rounds.measured(name);
    report.results.push_back(measured);
    if (measured.bytes < place.block_bytes()) continue;  // Not bound by memory: one item, or arithmetic.
    const double bytes = static_cast<double>(measured.bytes) / static_cast<double>(report.ceilings.copy->bytes);
    report.ratios.insert({name + "_to_copy", scaled(rounds.ratio("copy", name), bytes)});
  }
  return report;
}

}  // namespace rushlight
