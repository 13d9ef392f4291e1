// The one source of CPU threads.
#pragma once

#include <cstdint>

namespace rushlight {

using RangeBody = void (*)(const void* context, std::int64_t begin, std::int64_t end);

/// Calls body on `threads` neighbouring ranges that make up [0, count), and returns when all are done. The split
/// depends on `count` and `threads` alone. Below `grain` items a thread, fewer threads take part.
void parallel_ranges(int threads, std::int64_t count, std::int64_t grain, RangeBody body, const void* context);

/// body(begin, end) must not throw.
template <class Body>
void parallel_for(int threads, std::int64_t count, std::int64_t grain, const Body& body) {
  parallel_ranges(
      threads, count, grain,
      [](const void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<const Body*>(context))(begin, end);
      },
      &body);
}

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
