// Each formula and reduction alone, by the CPU backend: `operation/adam/in_cache`, `operation/adam/beyond`.
#include <memory>
#include <string>
#include <vector>

#include "bench/benches.h"
#include "src/backend/command_cost.h"
#include "src/backend/cpu/processor.h"
#include "src/train/operation_blocks.h"

namespace rushlight {
namespace {

constexpr std::int64_t kInCache = 128 << 10;  // Of the second level, for each of two cores.

void run_operation(benchmark::State& state, std::size_t which, std::int64_t bytes) {
  const std::shared_ptr<Backend> backend = open_backend(Device::cpu());
  const OperationBlock block = operation_blocks(backend, bytes)[which];
  block.refill();
  for (auto _ : state) backend->run(block.node);
  count(state, cost_of(block.node.command));
}

}  // namespace

void add_operation_benches() {
  const std::shared_ptr<Backend> backend = open_backend(Device::cpu());
  const std::vector<OperationBlock> least = operation_blocks(backend, 1), blocks = operation_blocks(backend, kInCache);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto add = [&](const char* size, std::int64_t bytes) {
      const std::string name = "operation/" + blocks[i].node.name + size;
      benchmark::RegisterBenchmark(name.c_str(), run_operation, i, bytes)->Unit(benchmark::kMicrosecond)->UseRealTime();
    };
    add("/in_cache", kInCache);
    const bool grows = cost_of(least[i].node.command).bytes() < cost_of(blocks[i].node.command).bytes();
    if (grows) add("/beyond", 8 * last_level_cache_bytes());
  }
}

}  // namespace rushlight
