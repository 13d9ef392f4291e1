// A thread's part of work that is split evenly.
#pragma once

#include <cstdint>

namespace rushlight {

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t count() const { return end - begin; }
};

/// Part `index` of `of` parts.
struct Part {
  int index = 0;
  int of = 1;

  /// Its share of [0, count): neighbouring parts differ by one at most.
  Range range(std::int64_t count) const { return {count * index / of, count * (index + 1) / of}; }
};

}  // namespace rushlight
