// A keyed bijection of [0, n): the sample at a position of an epoch, computable for any position alone.
// Eight Feistel rounds over 2b bits, 4^b >= n, walked until the value is below n.
// Exactness: integers only. Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002.
#pragma once

#include <cstdint>

#include "kernels/portable.h"
#include "kernels/random.h"

namespace rushlight {

/// The smallest b >= 1 with 4^b >= n.
RL_HD inline int shuffle_half_bits(std::uint64_t n) {
  int bits = 1;
  while ((std::uint64_t{1} << (2 * bits)) < n) ++bits;
  return bits;
}

/// REQUIRES: position < n, 1 <= n <= 2^32.
RL_HD inline std::uint64_t shuffled(std::uint64_t position, std::uint64_t n, std::uint64_t seed, std::uint32_t epoch) {
  const RandomStream stream{seed, Purpose::shuffle, 0, 0};
  const int bits = shuffle_half_bits(n);
  const std::uint32_t mask = static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
  std::uint64_t x = position;
  do {
    std::uint32_t left = static_cast<std::uint32_t>(x >> bits);
    std::uint32_t right = static_cast<std::uint32_t>(x) & mask;
    for (std::uint32_t round = 0; round < 8; ++round) {
      const std::uint32_t mixed = left ^ (stream.block(right, round, epoch).word[0] & mask);
      left = right;
      right = mixed;
    }
    x = std::uint64_t{left} << bits | right;
  } while (x >= n);
  return x;
}

}  // namespace rushlight
