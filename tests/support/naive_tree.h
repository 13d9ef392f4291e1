// The fixed order of sums, written down as it is described: chunks of 32 in order, then neighbours pairwise, level by
// level; an odd one at a level's end moves up as it is.
#pragma once

#include <cstddef>
#include <vector>

namespace rushlight {

template <class T, class Add>
T naive_tree(const std::vector<T>& terms, Add add) {
  std::vector<T> level;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (i % 32 == 0) {
      level.push_back(terms[i]);
    } else {
      level.back() = add(level.back(), terms[i]);
    }
  }
  while (level.size() > 1) {
    std::vector<T> next;
    for (std::size_t i = 0; i < level.size(); i += 2) {
      next.push_back(i + 1 < level.size() ? add(level[i], level[i + 1]) : level[i]);
    }
    level = next;
  }
  return level.at(0);
}

}  // namespace rushlight
