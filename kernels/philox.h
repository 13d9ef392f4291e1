// Philox4x32-10: a counter-based generator, a pure function of counter and key.
// Exactness: integers only, the same words everywhere; equal to cuRAND's and Random123's generator of that name.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3.
#pragma once

#include <cstdint>

#include "kernels/portable.h"

namespace rushlight {

/// Four words: of one block, or of as many as a vector `Word` has lanes.
template <class Word>
struct PhiloxWords {
  Word word[4];
};

using PhiloxBlock = PhiloxWords<std::uint32_t>;

RL_HD inline std::uint64_t multiply_wide(std::uint32_t factor, std::uint32_t word) {
  return std::uint64_t{factor} * word;
}
RL_HD inline std::uint32_t high_word(std::uint64_t product) {
  return static_cast<std::uint32_t>(product >> 32);
}
RL_HD inline std::uint32_t low_word(std::uint64_t product) {
  return static_cast<std::uint32_t>(product);
}

/// A vector `Word` brings its own multiply_wide, high_word, low_word and ^ with words of keys.
template <class Word>
[[gnu::always_inline]] RL_HD inline PhiloxWords<Word> philox_rounds(PhiloxWords<Word> counter, std::uint64_t key) {
  std::uint32_t key0 = static_cast<std::uint32_t>(key);
  std::uint32_t key1 = static_cast<std::uint32_t>(key >> 32);
  RL_UNROLL
  for (int round = 0; round < 10; ++round) {
    const auto product0 = multiply_wide(0xD2511F53u, counter.word[0]);
    const auto product1 = multiply_wide(0xCD9E8D57u, counter.word[2]);
    counter = {{high_word(product1) ^ counter.word[1] ^ key0, low_word(product1),
                high_word(product0) ^ counter.word[3] ^ key1, low_word(product0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

RL_HD inline PhiloxBlock philox4x32_10(PhiloxBlock counter, std::uint64_t key) {
  return philox_rounds(counter, key);
}

}  // namespace rushlight
