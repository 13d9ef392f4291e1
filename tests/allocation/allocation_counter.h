// Counts allocations of the whole process. Included once: it replaces operator new and delete, and malloc's family
// where no sanitizer has them already; there the sanitizer's hooks count.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUSHLIGHT_SANITIZED_MALLOC
// Declared here, as GCC's packages lack sanitizer/allocator_interface.h.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#else
#include <malloc.h>
#endif

namespace rushlight::allocation {

inline std::atomic<bool> counting{false};
inline std::atomic<std::int64_t> news{0};     // Calls of operator new: C++ code's own.
inline std::atomic<std::int64_t> mallocs{0};  // Calls of malloc and its family, operator new's among them.

inline void count(std::atomic<std::int64_t>& counter) {
  if (counting) ++counter;
}

#if defined(RUSHLIGHT_SANITIZED_MALLOC)
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kSeesAlignedAllocations = false;  // ThreadSanitizer's hook is not called for them.
#else
inline constexpr bool kSeesAlignedAllocations = true;
#endif

inline std::size_t live_bytes() {
  return __sanitizer_get_current_allocated_bytes();
}
#else
// Not mallinfo2: what lies in a thread's cache counts as in use there.
inline std::atomic<std::size_t> live{0};
inline constexpr bool kSeesAlignedAllocations = true;

/// Bytes of the heap in use.
inline std::size_t live_bytes() {
  return live;
}

inline void* counted(void* data) {
  count(mallocs);
  live += malloc_usable_size(data);
  return data;
}
#endif

}  // namespace rushlight::allocation

#if defined(RUSHLIGHT_SANITIZED_MALLOC)

extern "C" {
// The sanitizers' runtimes call these, where they are defined, at each allocation.
void __sanitizer_malloc_hook(const volatile void*, size_t) {
  rushlight::allocation::count(rushlight::allocation::mallocs);
}
void __sanitizer_free_hook(const volatile void*) {}
}

#else

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void __libc_free(void*);

void* malloc(size_t bytes) noexcept {
  return rushlight::allocation::counted(__libc_malloc(bytes));
}
void* calloc(size_t number, size_t bytes) noexcept {
  return rushlight::allocation::counted(__libc_calloc(number, bytes));
}
void* realloc(void* data, size_t bytes) noexcept {
  rushlight::allocation::live -= malloc_usable_size(data);
  return rushlight::allocation::counted(__libc_realloc(data, bytes));
}
void* memalign(size_t alignment, size_t bytes) noexcept {
  return rushlight::allocation::counted(__libc_memalign(alignment, bytes));
}
void free(void* data) noexcept {
  rushlight::allocation::live -= malloc_usable_size(data);
  __libc_free(data);
}
void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  return memalign(alignment, bytes);
}
int posix_memalign(void** data, size_t alignment, size_t bytes) noexcept {
  void* const found = memalign(alignment, bytes);
  if (found == nullptr) return ENOMEM;
  *data = found;
  return 0;
}
}

#endif

// Not inlined: a compiler that sees malloc inside takes new and delete for a mismatched pair.
__attribute__((noinline)) void* operator new(std::size_t bytes) {
  rushlight::allocation::count(rushlight::allocation::news);
  void* const data = std::malloc(bytes == 0 ? 1 : bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}
__attribute__((noinline)) void* operator new(std::size_t bytes, std::align_val_t alignment) {
  rushlight::allocation::count(rushlight::allocation::news);
  const auto step = static_cast<std::size_t>(alignment);
  void* const data = std::aligned_alloc(step, (bytes + step) / step * step);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}
__attribute__((noinline)) void operator delete(void* data) noexcept {
  std::free(data);
}
__attribute__((noinline)) void operator delete(void* data, std::size_t) noexcept {
  std::free(data);
}
__attribute__((noinline)) void operator delete(void* data, std::align_val_t) noexcept {
  std::free(data);
}
__attribute__((noinline)) void operator delete(void* data, std::size_t, std::align_val_t) noexcept {
  std::free(data);
}
