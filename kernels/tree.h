// The one order in which sums are taken: chunks of 32 terms in order, then neighbours pairwise, level by level; an odd
// one at a level's end moves up as it is. The same on every backend and for any number of threads.
#pragma once

#include <cstdint>

#include "kernels/portable.h"

namespace rushlight {

inline constexpr std::int64_t kTreeChunk = 32;

/// Joins chunk partials as they come, in order. A binary counter: at most one partial a level waits; 2^32 chunks fit.
template <class Partial>
struct PairwiseStack {
  Partial waiting[32];
  std::uint64_t chunks = 0;
  int depth = 0;

  RL_HD void clear() {
    chunks = 0;
    depth = 0;
  }

  template <class Combine>
  RL_HD void push(Partial partial, const Combine& combine) {
    for (std::uint64_t level = chunks; level & 1; level >>= 1) partial = combine(waiting[--depth], partial);
    waiting[depth++] = partial;
    ++chunks;
  }

  template <class Combine>
  RL_HD Partial total(const Combine& combine) {
    Partial sum = waiting[--depth];
    while (depth > 0) sum = combine(waiting[--depth], sum);
    return sum;
  }
};

/// REQUIRES: count >= 1. `load(i)` is called once for each i, in order.
template <class Partial, class Load, class Combine>
RL_HD Partial tree_reduce(std::int64_t count, const Load& load, const Combine& combine) {
  PairwiseStack<Partial> stack;
  for (std::int64_t begin = 0; begin < count; begin += kTreeChunk) {
    const std::int64_t end = begin + kTreeChunk < count ? begin + kTreeChunk : count;
    Partial partial = load(begin);
    for (std::int64_t i = begin + 1; i < end; ++i) partial = combine(partial, load(i));
    stack.push(partial, combine);
  }
  return stack.total(combine);
}

}  // namespace rushlight
