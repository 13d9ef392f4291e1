#include "tests/emulator/shared_buffer.h"

#include <algorithm>

#include "tests/emulator/sanitizers.h"

namespace rushlight::emulator {
namespace {

constexpr unsigned char kGuardByte = 0xa5;
constexpr unsigned char kNanByte = 0xff;

}  // namespace

void SharedBuffer::allocate(std::size_t bytes) {
  size_ = bytes;
  memory_.reset(static_cast<unsigned char*>(::operator new(bytes + 2 * kGuard, kAlignment)));
  unsigned char* const start = memory_.get();
  std::fill_n(start, kGuard, kGuardByte);
  std::fill_n(start + kGuard, bytes, kNanByte);
  std::fill_n(start + kGuard + bytes, kGuard, kGuardByte);
  if (!__asan_poison_memory_region) return;
  __asan_poison_memory_region(start, kGuard);
  __asan_poison_memory_region(start + kGuard + bytes, kGuard);
}

bool SharedBuffer::release() {
  const unsigned char* const start = memory_.get();
  if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(start, size_ + 2 * kGuard);
  const auto intact = [](const unsigned char* guard) {
    return std::all_of(guard, guard + kGuard, [](unsigned char byte) { return byte == kGuardByte; });
  };
  const bool both = intact(start) && intact(start + kGuard + size_);
  memory_.reset();
  return both;
}

}  // namespace rushlight::emulator
