#include "src/backend/cpu/parallel_for.h"

#include <algorithm>

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

struct Job {
  std::int64_t count;
  int threads;
  RangeBody body;
  const void* context;
};

void run_part(const Job& job, int part, void* fork, void* join) {
  acquire(fork);
  const std::int64_t begin = job.count * part / job.threads;
  const std::int64_t end = job.count * (part + 1) / job.threads;
  job.body(job.context, begin, end);
  release(join);
}

}  // namespace

// Not instrumented itself: the shared variables of the parallel region are ordered by OpenMP.
__attribute__((no_sanitize("thread"))) void parallel_ranges(int threads, std::int64_t count, std::int64_t grain,
                                                            RangeBody body, const void* context) {
  const std::int64_t useful = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain));
  const Job job{count, static_cast<int>(std::min<std::int64_t>(threads, useful)), body, context};
  if (job.threads == 1) {
    if (count > 0) body(context, 0, count);
    return;
  }
  char fork = 0, join = 0;
  release(&fork);
#pragma omp parallel for num_threads(job.threads) schedule(static, 1)
  for (int part = 0; part < job.threads; ++part) run_part(job, part, &fork, &join);
  acquire(&join);
}

#if defined(__SANITIZE_THREAD__)
ForeignRegion::ForeignRegion(int threads) : threads_(threads) {
  parallel_for(threads, threads, 1, [](std::int64_t, std::int64_t) { __tsan_ignore_thread_begin(); });
}

ForeignRegion::~ForeignRegion() {
  parallel_for(threads_, threads_, 1, [](std::int64_t, std::int64_t) { __tsan_ignore_thread_end(); });
}
#endif

}  // namespace rushlight
