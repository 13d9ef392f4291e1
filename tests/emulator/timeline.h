// What happens before what, told to ThreadSanitizer: each stream is a fiber whose only order with the host and with
// other streams is the one that the program asked for. Without ThreadSanitizer all of it is nothing.
#pragma once

#include <sanitizer/tsan_interface.h>

#include <cstddef>

extern "C" {
void __tsan_read_range(void* data, unsigned long bytes);
void __tsan_write_range(void* data, unsigned long bytes);
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
}

#pragma weak __tsan_acquire
#pragma weak __tsan_release
#pragma weak __tsan_get_current_fiber
#pragma weak __tsan_create_fiber
#pragma weak __tsan_destroy_fiber
#pragma weak __tsan_switch_to_fiber
#pragma weak __tsan_read_range
#pragma weak __tsan_write_range
#pragma weak __tsan_ignore_thread_begin
#pragma weak __tsan_ignore_thread_end

namespace rushlight::emulator::timeline {

inline void* create() {
  return __tsan_create_fiber == nullptr ? nullptr : __tsan_create_fiber(0);
}

inline void destroy(void* fiber) {
  if (__tsan_destroy_fiber != nullptr) __tsan_destroy_fiber(fiber);
}

inline void* current() {
  return __tsan_get_current_fiber == nullptr ? nullptr : __tsan_get_current_fiber();
}

/// What follows belongs to `fiber`, and is in no order with what came before.
inline void switch_to(void* fiber) {
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
}

/// All before a `release` comes before all behind a later `acquire` of the same address, which is of the heap.
inline void release(const void* address) {
  if (__tsan_release != nullptr) __tsan_release(const_cast<void*>(address));
}

inline void acquire(const void* address) {
  if (__tsan_acquire != nullptr) __tsan_acquire(const_cast<void*>(address));
}

inline void read(const void* data, std::size_t bytes) {
  if (__tsan_read_range != nullptr) __tsan_read_range(const_cast<void*>(data), bytes);
}

inline void write(void* data, std::size_t bytes) {
  if (__tsan_write_range != nullptr) __tsan_write_range(data, bytes);
}

/// Accesses of this scope are the emulator's own, not the program's.
class Untracked {
 public:
  Untracked() {
    if (__tsan_ignore_thread_begin != nullptr) __tsan_ignore_thread_begin();
  }
  ~Untracked() {
    if (__tsan_ignore_thread_end != nullptr) __tsan_ignore_thread_end();
  }
  Untracked(const Untracked&) = delete;
  Untracked& operator=(const Untracked&) = delete;
};

}  // namespace rushlight::emulator::timeline
