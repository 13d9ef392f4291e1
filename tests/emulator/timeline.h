// What happens before what, told to ThreadSanitizer: each stream is a fiber whose only order with the host and with
// other streams is the one that the program asked for. Without ThreadSanitizer all of it is nothing.
#pragma once

#include <cstddef>

#include "tests/emulator/sanitizers.h"

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
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(fiber, kNoSync);
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

}  // namespace rushlight::emulator::timeline
