// Calls of a warp: each waits for the lanes of its mask and for nobody else. Only __syncwarp orders memory; CUDA
// promises it of no shuffle and no vote.
#include <bit>

#include "tests/emulator/block.h"

namespace rushlight::emulator {
namespace {

unsigned lane_of(const Thread& thread) {
  return thread.number % kWarp;
}

template <class Action>
void for_lanes(unsigned mask, Thread* lanes, const Action& action) {
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) action(lanes[std::countr_zero(rest)]);
}

/// Waits until all lanes of the mask are at the same call, hands each the value that it wants, and goes on.
void meet(Thread& self, Call call, unsigned mask) {
  Block& block = *self.block;
  const unsigned warp = self.number / kWarp;
  if ((mask >> lane_of(self) & 1) == 0) {
    block.fail("thread " + std::to_string(self.number) + " is not in the mask of its own call");
  }
  Thread* const lanes = block.warp_threads(warp);
  const unsigned members = mask & block.existing_lanes(warp);
  self.mask = mask;
  block.park(self, call);
  bool complete = true;
  for_lanes(members, lanes, [&](const Thread& other) {
    if (other.at == Call::exited) {
      block.fail("thread " + std::to_string(self.number) + " waits at a warp's call for thread " +
                 std::to_string(other.number) + ", which has ended");
    }
    complete = complete && other.at == call && other.mask == mask;
  });
  if (complete) {
    const bool vote = call == Call::ballot || call == Call::any || call == Call::all;
    unsigned ballot = 0;
    for_lanes(members, lanes, [&](Thread& lane) {
      const bool known = (members >> lane.source & 1) != 0;
      lane.result = known ? lanes[lane.source].value : ~std::uint64_t{0};
      ballot |= (lane.value & 1) != 0 ? 1u << lane_of(lane) : 0;
    });
    for_lanes(members, lanes, [&](Thread& lane) {
      if (vote) lane.result = ballot;
      block.wake(lane);
    });
  }
  Fiber::pause();
}

bool power_of_two(int width) {
  return width > 0 && (width & (width - 1)) == 0;
}

unsigned source_lane(Call call, unsigned lane, unsigned operand, unsigned width) {
  const unsigned first = lane & ~(width - 1);
  switch (call) {
    case Call::shfl:
      return first + (operand & (width - 1));
    case Call::shfl_up:
      return operand <= lane - first ? lane - operand : lane;
    case Call::shfl_down:
      return operand < first + width - lane ? lane + operand : lane;
    default: {  // shfl_xor: earlier groups can be read, later ones not.
      const unsigned other = lane ^ operand;
      return other < first + width ? other : lane;
    }
  }
}

}  // namespace

void warp_barrier(unsigned mask) {
  Thread& self = this_thread("__syncwarp");
  const IgnoreAccesses ignore;
  Block& block = *self.block;
  const unsigned warp = self.number / kWarp;
  if (has_tsan()) {
    self.order = nullptr;
    for_lanes(mask & block.existing_lanes(warp), block.warp_threads(warp), [&](const Thread& other) {
      if (other.at == Call::syncwarp && other.mask == mask) self.order = other.order;
    });
    if (!self.order) self.order = make_order();
    self.order->release();
  }
  meet(self, Call::syncwarp, mask);
  if (has_tsan()) self.order->acquire();
}

std::uint64_t warp_shuffle(Call call, unsigned mask, std::uint64_t bits, unsigned operand, int width) {
  Thread& self = this_thread("a shuffle");
  if (!power_of_two(width) || width > static_cast<int>(kWarp)) {
    self.block->fail("a shuffle of width " + std::to_string(width));
  }
  self.value = bits;
  self.source = source_lane(call, lane_of(self), operand, static_cast<unsigned>(width));
  meet(self, call, mask);
  return self.result;
}

unsigned warp_vote(Call call, unsigned mask, bool predicate) {
  Thread& self = this_thread("a vote");
  self.value = predicate ? 1 : 0;
  self.source = lane_of(self);
  meet(self, call, mask);
  return static_cast<unsigned>(self.result);
}

unsigned active_lanes() {
  return 1u << lane_of(this_thread("__activemask"));
}

}  // namespace rushlight::emulator
