// One block while it runs: its threads, their order, and what they wait for.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/emulator/device.h"
#include "tests/emulator/device_functions.h"
#include "tests/emulator/fences.h"
#include "tests/emulator/fiber.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/sanitizers.h"
#include "tests/emulator/shared_buffer.h"

namespace rushlight::emulator {

class Block;

/// Of one launch, for all its blocks.
struct Grid {
  const Launch& launch;
  std::shared_ptr<Order> begin = make_order();
  std::shared_ptr<Order> end = make_order();
  ReleasedFences released{};
};

struct Thread {
  Block* block = nullptr;
  uint3 index{};
  unsigned number = 0;  // In the block; its lane is number % kWarp.
  Call at = Call::none;

  // The warp's call that it waits in, and that call's result.
  unsigned mask = 0;
  unsigned source = 0;  // The lane whose value it wants.
  std::uint64_t value = 0;
  std::uint64_t result = 0;
  std::shared_ptr<Order> order;

  FenceOrder fences;
};

/// The thread that runs. A violation outside of kernels.
Thread& this_thread(const char* caller);

/// Takes its fibers from the pool when it first starts, and gives them back at its own end.
class Block {
 public:
  Block() = default;
  ~Block() { FiberPool::instance().give_back(fibers_); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  /// As block `number` of the grid.
  void start(Grid& grid, std::uint64_t number);

  /// Runs one thread, as drawn, until it waits or ends. Returns false when all have ended; it may start again.
  bool step();

  Grid& grid() { return *grid_; }
  std::uint64_t number() const { return number_; }
  SharedBuffer& shared() { return shared_; }
  unsigned existing_lanes(unsigned warp) const { return warps_[warp].existing; }
  Thread* warp_threads(unsigned warp) { return &threads_[std::size_t{warp} * kWarp]; }

  // By the thread that runs.
  int barrier(Thread& self, Call call, bool predicate);
  void park(Thread& self, Call call);  // Not to be run again until `wake`.
  void yield_sometimes();
  void wake(Thread& thread);

  [[noreturn]] void fail(const std::string& what) const;

 private:
  enum class Policy { random_thread, one_warp, ascending, descending };

  struct Warp {
    unsigned existing = 0;  // Masks of lanes.
    unsigned runnable = 0;
  };

  Thread& choose();
  static void run_thread(void* thread);
  [[noreturn]] void fail_stuck() const;

  Grid* grid_ = nullptr;
  std::uint64_t number_ = 0;
  uint3 index_{};
  std::vector<Thread> threads_;
  std::vector<Fiber*> fibers_;
  std::array<Warp, kMaxThreadsPerBlock / kWarp> warps_;
  unsigned ready_warps_ = 0;  // Mask of those with a runnable thread.
  unsigned exited_ = 0;
  SharedBuffer shared_;

  Policy policy_ = Policy::random_thread;
  unsigned favoured_warp_ = 0;
  bool yielded_ = false;

  // The barrier's phase.
  Call barrier_ = Call::none;
  unsigned arrived_ = 0;
  unsigned predicates_ = 0;
  int barrier_result_ = 0;
  std::shared_ptr<Order> phase_;
};

}  // namespace rushlight::emulator
