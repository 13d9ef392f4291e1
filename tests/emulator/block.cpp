#include "tests/emulator/block.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "tests/emulator/describe.h"

// CUDA's variables, those of the thread that runs.
uint3 threadIdx{};
uint3 blockIdx{};
dim3 blockDim{};
dim3 gridDim{};

namespace rushlight::emulator {
namespace {

Thread* running = nullptr;

unsigned lowest(unsigned mask) {
  return static_cast<unsigned>(std::countr_zero(mask));
}
unsigned highest(unsigned mask) {
  return static_cast<unsigned>(std::bit_width(mask)) - 1;
}
unsigned any_bit(unsigned mask) {
  for (auto skip = draw(static_cast<unsigned>(std::popcount(mask))); skip > 0; --skip) mask &= mask - 1;
  return lowest(mask);
}

uint3 index_in(const dim3& extent, std::uint64_t number) {
  const std::uint64_t row = number / extent.x;
  return {static_cast<unsigned>(number % extent.x), static_cast<unsigned>(row % extent.y),
          static_cast<unsigned>(row / extent.y)};
}

}  // namespace

Thread& this_thread(const char* caller) {
  if (!running) violation(std::string(caller) + " is called outside of a kernel");
  return *running;
}

void Block::start(Grid& grid, std::uint64_t number) {
  const Launch& launch = grid.launch;
  const unsigned count = launch.block.x * launch.block.y * launch.block.z;
  grid_ = &grid;
  number_ = number;
  index_ = index_in(launch.grid, number);
  shared_.allocate(launch.shared_bytes);
  if (fibers_.empty()) fibers_ = FiberPool::instance().take(count);
  // Threads on one fiber are ordered for ThreadSanitizer: which ones are must change.
  for (std::size_t left = count; left > 1; --left) std::swap(fibers_[draw(left)], fibers_[left - 1]);
  threads_.resize(count);
  for (unsigned i = 0; i < count; ++i) {
    Thread& thread = threads_[i];
    thread.block = this;
    thread.index = index_in(launch.block, i);
    thread.number = i;
    thread.at = Call::none;
    thread.fences.reset();
    fibers_[i]->begin(run_thread, &thread);
  }
  const unsigned warps = (count + kWarp - 1) / kWarp;
  for (unsigned i = 0; i < warps; ++i) {
    const unsigned lanes = std::min(kWarp, count - i * kWarp);
    warps_[i].existing = warps_[i].runnable = ~0u >> (kWarp - lanes);
  }
  ready_warps_ = ~0u >> (kMaxThreadsPerBlock / kWarp - warps);
  exited_ = 0;
  policy_ = static_cast<Policy>(draw(4));
  phase_ = make_order();
  if (grid.begin) grid.begin->release();  // Again for each block: its shared memory is new.
}

bool Block::step() {
  if (ready_warps_ == 0) fail_stuck();
  Thread& thread = choose();
  running = &thread;
  threadIdx = thread.index;
  blockIdx = index_;
  blockDim = grid_->launch.block;
  gridDim = grid_->launch.grid;
  fibers_[thread.number]->resume();
  running = nullptr;
  if (exited_ < threads_.size()) return true;
  if (!shared_.release()) fail("a thread wrote beyond the ends of its shared memory");
  return false;
}

// Not only random threads: whole warps that run ahead, and orders from one end, show other bugs.
Thread& Block::choose() {
  unsigned warp = 0;
  unsigned lane = 0;
  // Who yields waits for others, perhaps: a fixed order would pick the same thread for ever.
  const Policy policy = std::exchange(yielded_, false) ? Policy::random_thread : policy_;
  switch (policy) {
    case Policy::random_thread:
      warp = any_bit(ready_warps_);
      lane = any_bit(warps_[warp].runnable);
      break;
    case Policy::one_warp:
      if ((ready_warps_ >> favoured_warp_ & 1) == 0) favoured_warp_ = any_bit(ready_warps_);
      warp = favoured_warp_;
      lane = any_bit(warps_[warp].runnable);
      break;
    case Policy::ascending:
      warp = lowest(ready_warps_);
      lane = lowest(warps_[warp].runnable);
      break;
    case Policy::descending:
      warp = highest(ready_warps_);
      lane = highest(warps_[warp].runnable);
      break;
  }
  return threads_[warp * kWarp + lane];
}

void Block::run_thread(void* argument) {
  Thread& self = *static_cast<Thread*>(argument);
  Block& block = *self.block;
  Grid& grid = *block.grid_;
  if (grid.begin) grid.begin->acquire();
  grid.launch.thread();
  if (grid.end) grid.end->release();
  ++block.exited_;
  block.park(self, Call::exited);
}

void Block::park(Thread& self, Call call) {
  self.at = call;
  Warp& warp = warps_[self.number / kWarp];
  warp.runnable &= ~(1u << self.number % kWarp);
  if (warp.runnable == 0) ready_warps_ &= ~(1u << self.number / kWarp);
}

void Block::wake(Thread& thread) {
  thread.at = Call::none;
  warps_[thread.number / kWarp].runnable |= 1u << thread.number % kWarp;
  ready_warps_ |= 1u << thread.number / kWarp;
}

int Block::barrier(Thread& self, Call call, bool predicate) {
  const IgnoreAccesses ignore;
  const std::shared_ptr<Order> phase = phase_;
  if (phase) phase->release();
  if (arrived_ > 0 && call != barrier_) {
    self.at = call;
    fail_stuck();
  }
  barrier_ = call;
  predicates_ += predicate ? 1 : 0;
  park(self, call);
  if (++arrived_ == threads_.size()) {
    barrier_result_ = static_cast<int>(predicates_);
    predicates_ = arrived_ = 0;
    phase_ = make_order();
    for (Thread& thread : threads_) wake(thread);
  }
  Fiber::pause();
  if (phase) phase->acquire();
  return barrier_result_;
}

void Block::yield_sometimes() {
  if (draw(4) != 0) return;
  yielded_ = true;
  Fiber::pause();
}

void Block::fail(const std::string& what) const {
  violation(where(grid_->launch, index_) + ": " + what);
}

void Block::fail_stuck() const {
  fail("its threads diverge: " + whereabouts(threads_));
}

int block_barrier(Call call, bool predicate) {
  Thread& self = this_thread("__syncthreads");
  return self.block->barrier(self, call, predicate);
}

unsigned block_threads() {
  return blockDim.x * blockDim.y * blockDim.z;
}

void* block_shared_memory(std::size_t bytes) {
  Block& block = *this_thread("shared_memory").block;
  if (bytes > block.shared().size()) {
    block.fail("asks for " + std::to_string(bytes) + " bytes of shared memory of a launch that gives " +
               std::to_string(block.shared().size()));
  }
  return block.shared().data();
}

}  // namespace rushlight::emulator
