// SplitMix64. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#include "tests/emulator/internal.h"

namespace rushlight::emulator {
namespace {

std::uint64_t state = 0;

}  // namespace

std::uint64_t draw(std::uint64_t bound) {
  std::uint64_t bits = state += 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return (bits ^ (bits >> 31)) % bound;
}

void reseed(std::uint64_t seed) {
  state = seed;
}

}  // namespace rushlight::emulator
