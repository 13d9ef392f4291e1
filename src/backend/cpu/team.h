// The one source of CPU threads: a team of OpenMP's, and the barrier at which its members wait for each other.
#pragma once

#include <atomic>

#include "src/backend/cpu/part.h"

namespace rushlight {

using TeamBody = void (*)(const void* context, Part member);

/// Calls body once on each member of a team of `threads`, or of fewer where OpenMP has no more, and returns when all
/// are done. Inside a parallel region of the caller's the team is the calling thread.
void run_team(int threads, TeamBody body, const void* context);

/// body(member) must not throw.
template <class Body>
void run_team(int threads, const Body& body) {
  run_team(
      threads, [](const void* context, Part member) { (*static_cast<const Body*>(context))(member); }, &body);
}

/// Whether there are as many cores as members. Where they share one, each that waits awake keeps it from the one that
/// it waits for.
bool each_has_a_core(int members);

/// What every member wrote before it waited, all see afterwards. Where each has a core they wait awake for some 50
/// microseconds, longer than most operations take, and then asleep, so that another process gets the core.
class Barrier {
 public:
  void wait(int members);

 private:
  alignas(64) std::atomic<int> waiting_ = 0;
  alignas(64) std::atomic<int> round_ = 0;
};

/// Around a call of a library that runs OpenMP regions of its own on `threads` threads. ThreadSanitizer sees neither
/// how these are ordered nor most of what they touch, so the team's accesses are not recorded meanwhile.
class ForeignRegion {
 public:
#if defined(__SANITIZE_THREAD__)
  explicit ForeignRegion(int threads);
  ~ForeignRegion();
  ForeignRegion(const ForeignRegion&) = delete;
  ForeignRegion& operator=(const ForeignRegion&) = delete;

 private:
  int threads_;
#else
  explicit ForeignRegion(int) {}
#endif
};

}  // namespace rushlight
