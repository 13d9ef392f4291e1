// All blocks of a launch: their order, and which of them run at the same time.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/emulator/block.h"

namespace rushlight::emulator {
namespace {

constexpr std::uint64_t kMostResident = 4;
constexpr std::uint64_t kMostStepsInARow = 64;

std::uint64_t volume(const dim3& extent) {
  return std::uint64_t{extent.x} * extent.y * extent.z;
}

/// Under ThreadSanitizer a block seems to come after all that ran on its fibers before, if it has barriers: races show
/// between blocks that run at the same time, so these are as many as 512 fibers allow, two at least.
std::uint64_t draw_resident(std::uint64_t threads) {
  return has_tsan() ? std::clamp<std::uint64_t>(512 / threads, 2, 2 * kMostResident) : 1 + draw(kMostResident);
}

std::vector<std::uint32_t> order_of_blocks(std::uint64_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t left = count; left > 1; --left) std::swap(order[draw(left)], order[left - 1]);
  return order;
}

}  // namespace

void run_grid(const Launch& launch) {
  const IgnoreAccesses ignore;
  const std::uint64_t blocks = volume(launch.grid);
  const std::uint64_t threads = volume(launch.block);
  if (threads == 0 || threads > kMaxThreadsPerBlock)
    violation("kernel " + launch.name + ": a block of that size cannot run");
  if (blocks == 0 || blocks > std::numeric_limits<std::uint32_t>::max()) {
    violation("kernel " + launch.name + ": a grid of that size cannot run");
  }
  Grid grid{launch};
  const std::vector<std::uint32_t> order = order_of_blocks(blocks);
  std::vector<Block> all(std::min({draw_resident(threads), FiberPool::kMost / threads, blocks}));
  std::vector<Block*> resident;
  std::size_t started = 0;
  for (Block& block : all) {
    block.start(grid, order[started++]);
    resident.push_back(&block);
  }
  while (!resident.empty()) {
    const std::size_t chosen = draw(resident.size());
    Block& block = *resident[chosen];
    bool runs = true;
    for (std::uint64_t steps = 1 + draw(kMostStepsInARow); runs && steps > 0; --steps) runs = block.step();
    if (runs) continue;
    if (started < order.size()) {
      block.start(grid, order[started++]);
    } else {
      resident.erase(resident.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
  }
  if (grid.end) grid.end->acquire();
}

}  // namespace rushlight::emulator
