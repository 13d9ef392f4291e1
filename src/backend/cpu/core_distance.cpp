#include "src/backend/cpu/core_distance.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "src/backend/cpu/team.h"

namespace rushlight {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTrips = 16, kTries = 4;

// There and back, of an EPYC of the Zen 4 kind: 50 ns within a last-level cache, 300 between two.
constexpr std::chrono::duration<double, std::nano> kTripOfNear{130};

// A thread that does not answer for so long has no core now.
constexpr std::chrono::microseconds kPatience{200};

/// The first member plays with one after the other.
class Game {
 public:
  bool is_far(int members) {
    bool far = false;
    for (int other = 1; other < members && !over_.load(std::memory_order_relaxed); ++other) {
      partner_.store(other, std::memory_order_release);
      if (serve(Clock::now() + kPatience) > kTripOfNear) far = true;
    }
    const bool given_up = over_.exchange(true, std::memory_order_release);
    return far && !given_up;
  }

  void answer(int member) {
    if (!wait(partner_, member)) return;
    for (int i = 0; i < kTries * kTrips; ++i) {
      if (!wait(ball_, 1)) return;
      ball_.store(0, std::memory_order_release);
    }
  }

 private:
  /// A trip of the fastest try: others may have been interrupted.
  Clock::duration serve(Clock::time_point deadline) {
    Clock::duration fastest = Clock::duration::max();
    for (int i = 0; i < kTries; ++i) {
      const Clock::time_point begin = Clock::now();
      for (int trip = 0; trip < kTrips; ++trip) {
        ball_.store(1, std::memory_order_release);
        if (!wait(ball_, 0, deadline)) {
          over_.store(true, std::memory_order_release);
          return {};
        }
      }
      fastest = std::min(fastest, (Clock::now() - begin) / kTrips);
    }
    return fastest;
  }

  /// False: the game is over, or the deadline.
  bool wait(const std::atomic<int>& value, int wanted, Clock::time_point deadline = Clock::time_point::max()) const {
    constexpr unsigned kGlance = 256;
    for (unsigned spins = 1; value.load(std::memory_order_acquire) != wanted; ++spins) {
      if (spins % kGlance != 0) continue;
      if (over_.load(std::memory_order_acquire) || Clock::now() > deadline) return false;
    }
    return true;
  }

  alignas(64) std::atomic<int> partner_ = 0;
  alignas(64) std::atomic<int> ball_ = 0;
  alignas(64) std::atomic<bool> over_ = false;
};

}  // namespace

CoreDistance measure_core_distance(int threads) {
  if (threads == 1 || !each_has_a_core(threads)) return CoreDistance::near;
  Game game;
  CoreDistance distance = CoreDistance::near;
  run_team(threads, [&](Part member) {
    if (member.index != 0) return game.answer(member.index);
    if (game.is_far(member.of)) distance = CoreDistance::far;
  });
  return distance;
}

CoreDistance CoreDistanceWatch::at(Clock::time_point now) {
  if (now < next_) return distance_;
  const Clock::time_point begin = Clock::now();
  distance_ = measure_(threads_);
  const Clock::duration took = Clock::now() - begin;
  next_ = now + took + std::max<Clock::duration>(std::chrono::seconds(1), 100 * took);
  return distance_;
}

}  // namespace rushlight
