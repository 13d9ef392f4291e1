// How long cores take to reach each other.
#pragma once

#include <chrono>

namespace rushlight {

/// `far`: some of a team's cores share no cache. To write a line that another one holds then takes some 80 ns, and such
/// writes go one after the other.
enum class CoreDistance { near, far };

/// Of a team of so many threads, by messages between the first and each other, some 5 to 25 us a pair.
/// `near` where threads share a core, or where another process keeps one from its core meanwhile.
CoreDistance measure_core_distance(int threads);

/// What was measured not long ago, as a virtual machine's cores are moved.
class CoreDistanceWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using Measure = CoreDistance (*)(int threads);

  CoreDistanceWatch(int threads, Measure measure) : threads_(threads), measure_(measure) {}

  /// Measures once a second, or less often, so that it takes a hundredth of the time at most.
  CoreDistance at(Clock::time_point now);

 private:
  int threads_;
  Measure measure_;
  CoreDistance distance_ = CoreDistance::near;
  Clock::time_point next_{};
};

}  // namespace rushlight
