// What the emulated device tells the sanitizers. It is built without them, also where kernels and engine are built with
// them: each function is there only if the process has that sanitizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom_old, std::size_t* size_old);
[[gnu::weak]] int __sanitizer_get_ownership(const volatile void* pointer);
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* address, std::size_t size);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* address, std::size_t size);
[[gnu::weak]] void __asan_storeN(std::uintptr_t address, std::size_t size);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_read_range(void* data, unsigned long bytes);
[[gnu::weak]] void __tsan_write_range(void* data, unsigned long bytes);
[[gnu::weak]] void __tsan_ignore_thread_begin();
[[gnu::weak]] void __tsan_ignore_thread_end();
}

namespace rushlight::emulator {

inline constexpr unsigned kNoSync = 1;  // __tsan_switch_to_fiber_no_sync

inline bool has_asan() {
  return __asan_poison_memory_region != nullptr;
}
inline bool has_tsan() {
  return __tsan_create_fiber != nullptr;
}

/// ThreadSanitizer sees no access of the current fiber while this lives: its malloc, free and memcpy count as accesses.
class IgnoreAccesses {
 public:
  IgnoreAccesses() {
    if (__tsan_ignore_thread_begin) __tsan_ignore_thread_begin();
  }
  ~IgnoreAccesses() {
    if (__tsan_ignore_thread_end) __tsan_ignore_thread_end();
  }
  IgnoreAccesses(const IgnoreAccesses&) = delete;
  IgnoreAccesses& operator=(const IgnoreAccesses&) = delete;
};

/// One event of which ThreadSanitizer is told: what came before a `release` comes before what follows an `acquire`.
class Order {
 public:
  void release() { __tsan_release(&variable_); }
  void acquire() { __tsan_acquire(&variable_); }

 private:
  std::uint64_t variable_ = 0;
};

/// Null without ThreadSanitizer. On the heap always: only free() makes it forget what an address has released.
inline std::shared_ptr<Order> make_order() {
  return has_tsan() ? std::make_shared<Order>() : nullptr;
}

}  // namespace rushlight::emulator
