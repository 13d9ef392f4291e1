#include "kernels/tree.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/naive_tree.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

template <class T, class Add>
T tree_of(const std::vector<T>& terms, const Add& add) {
  return tree_reduce<T>(
      static_cast<std::int64_t>(terms.size()), [&](std::int64_t i) { return terms[static_cast<std::size_t>(i)]; }, add);
}

// As texts, sums show who was added to whom, and in which order.
TEST(TreeTest, AddsInTheWrittenOrder) {
  const auto add = [](const std::string& a, const std::string& b) { return "(" + a + "+" + b + ")"; };
  const std::vector<std::size_t> counts{255, 256, 257, 32 * 32 - 1, 32 * 32 + 1, 32 * 37 + 5};
  std::vector<std::string> terms;
  for (std::size_t count = 1; count <= 32 * 37 + 5; ++count) {
    terms.push_back(std::to_string(count));
    if (count > 200 && std::find(counts.begin(), counts.end(), count) == counts.end()) continue;
    ASSERT_EQ(tree_of(terms, add), naive_tree(terms, add)) << count;
  }
}

TEST(TreeTest, SumsAreTheSameBits) {
  const auto add = [](float a, float b) { return a + b; };
  for (const std::int64_t count : {1, 31, 32, 33, 63, 65, 200, 1000, 60000, 100001, (1 << 20) + 1}) {
    std::vector<float> terms = arbitrary_floats(count, static_cast<unsigned>(count));
    for (float& term : terms) term /= 3.0F;
    ASSERT_EQ(bits_of({tree_of(terms, add)}), bits_of({naive_tree(terms, add)})) << count;
  }
}

TEST(TreeTest, LoadsEachTermOnceAndInOrder) {
  std::vector<std::int64_t> loaded, expected;
  for (std::int64_t i = 0; i < 1000; ++i) expected.push_back(i);
  const auto load = [&loaded](std::int64_t i) {
    loaded.push_back(i);
    return 1;
  };
  EXPECT_EQ(tree_reduce<int>(1000, load, [](int a, int b) { return a + b; }), 1000);
  EXPECT_EQ(loaded, expected);
}

}  // namespace
}  // namespace rushlight
