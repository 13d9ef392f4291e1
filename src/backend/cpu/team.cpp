#include "src/backend/cpu/team.h"

#include <omp.h>

#include <thread>

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
extern "C" void __tsan_ignore_thread_begin();
extern "C" void __tsan_ignore_thread_end();
#endif

namespace rushlight {
namespace {

// OpenMP's own fork and join are invisible to ThreadSanitizer, as libgomp is not built for it: say what they order.
void acquire([[maybe_unused]] void* token) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(token);
#endif
}

void release([[maybe_unused]] void* token) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(token);
#endif
}

void run_member(TeamBody body, const void* context, Part member, void* fork, void* join) {
  acquire(fork);
  body(context, member);
  release(join);
}

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

// Not instrumented itself: the shared variables of the parallel region are ordered by OpenMP.
__attribute__((no_sanitize("thread"))) void run_team(int threads, TeamBody body, const void* context) {
  if (threads == 1) return body(context, {});
  char fork = 0, join = 0;
  release(&fork);
#pragma omp parallel num_threads(threads)
  run_member(body, context, {omp_get_thread_num(), omp_get_num_threads()}, &fork, &join);
  acquire(&join);
}

bool each_has_a_core(int members) {
  static const int processors = omp_get_num_procs();
  return members <= processors;
}

void Barrier::wait(int members) {
  if (members == 1) return;
  const int round = round_.load(std::memory_order_relaxed);
  if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
    waiting_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    round_.notify_all();
    return;
  }
  for (int spins = each_has_a_core(members) ? 2000 : 0; spins > 0; --spins) {
    if (round_.load(std::memory_order_acquire) != round) return;
    pause_briefly();
  }
  round_.wait(round, std::memory_order_acquire);
}

#if defined(__SANITIZE_THREAD__)
ForeignRegion::ForeignRegion(int threads) : threads_(threads) {
  run_team(threads, [](Part) { __tsan_ignore_thread_begin(); });
}

ForeignRegion::~ForeignRegion() {
  run_team(threads_, [](Part) { __tsan_ignore_thread_end(); });
}
#endif

}  // namespace rushlight
