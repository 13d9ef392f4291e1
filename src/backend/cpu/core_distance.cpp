#include "src/backend/cpu/core_distance.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>

#include "src/backend/cpu/team.h"

namespace rushlight {
namespace {

constexpr int kTrips = 32, kTries = 4;

// Measured on an EPYC of the Zen 4 kind: 50 within a last-level cache, 300 between two.
constexpr double kNanosecondsOfNear = 130;

double nanoseconds() {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void wait_until(const std::atomic<int>& value, int wanted) {
  while (value.load(std::memory_order_acquire) != wanted) {
  }
}

/// The first member plays with one after the other.
struct Game {
  alignas(64) std::atomic<int> partner = 0;
  alignas(64) std::atomic<int> ball = 0;

  /// Nanoseconds there and back, of the fastest try: others may have been interrupted.
  double play(bool serves) {
    double fastest = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kTries; ++i) {
      const double begin = nanoseconds();
      for (int trip = 0; trip < kTrips; ++trip) {
        if (serves) ball.store(1, std::memory_order_release);
        wait_until(ball, serves ? 0 : 1);
        if (!serves) ball.store(0, std::memory_order_release);
      }
      fastest = std::min(fastest, (nanoseconds() - begin) / kTrips);
    }
    return fastest;
  }

  double longest_trip(int members) {
    double longest = 0;
    for (int other = 1; other < members; ++other) {
      partner.store(other, std::memory_order_release);
      longest = std::max(longest, play(true));
    }
    return longest;
  }
};

}  // namespace

CoreDistance measure_core_distance(int threads) {
  if (threads == 1 || !each_has_a_core(threads)) return CoreDistance::near;
  Game game;
  double longest = 0;
  run_team(threads, [&](Part member) {
    if (member.index == 0) {
      longest = game.longest_trip(member.of);
    } else {
      wait_until(game.partner, member.index);
      game.play(false);
    }
  });
  return longest > kNanosecondsOfNear ? CoreDistance::far : CoreDistance::near;
}

}  // namespace rushlight
