// A loop that is split among threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/backend/cpu/team.h"

namespace rushlight {

/// Calls body(begin, end) on neighbouring ranges that make up [0, count), one a thread, and returns when all are done.
/// Below `grain` items a thread, fewer threads take part. body must not throw.
template <class Body>
void parallel_for(int threads, std::int64_t count, std::int64_t grain, const Body& body) {
  const std::int64_t useful = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain));
  run_team(static_cast<int>(std::min<std::int64_t>(threads, useful)), [&](Part part) {
    const Range range = part.range(count);
    if (range.count() > 0) body(range.begin, range.end);
  });
}

}  // namespace rushlight
