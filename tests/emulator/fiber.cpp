#include "tests/emulator/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "tests/emulator/internal.h"
#include "tests/emulator/sanitizers.h"

namespace rushlight::emulator {
namespace {

constexpr unsigned kNoOrder = 1;             // __tsan_switch_to_fiber_no_sync
constexpr std::size_t kSpareUnderTsan = 64;  // So that also small blocks change fibers.

/// The stack that resumes fibers.
struct Home {
  StackPoint point;
  const void* stack = nullptr;
  std::size_t bytes = 0;
  void* asan_fake_stack = nullptr;
  void* tsan_fiber = nullptr;
};

Home home;
Fiber* running = nullptr;

std::size_t stack_bytes() {
  return std::size_t{has_asan() || has_tsan() ? 256u : 64u} << 10;
}

}  // namespace

Fiber::Fiber() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const pages =
      mmap(nullptr, page + stack_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages, page, PROT_NONE) != 0) violation("no memory for the stack of a fiber");
  stack_ = static_cast<std::byte*>(pages) + page;
  if (__tsan_create_fiber) tsan_fiber_ = __tsan_create_fiber(0);
  prepare(point_, stack_, stack_bytes(), run);
}

void Fiber::begin(void (*body)(void*), void* argument) {
  body_ = body;
  argument_ = argument;
}

void Fiber::resume() {
  running = this;
  if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&home.asan_fake_stack, stack_, stack_bytes());
  if (__tsan_switch_to_fiber) {
    home.tsan_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_fiber_, kNoOrder);
  }
  switch_stack(home.point, point_);
  if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(home.asan_fake_stack, nullptr, nullptr);
}

void Fiber::pause() {
  Fiber* const self = running;
  if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&self->asan_fake_stack_, home.stack, home.bytes);
  if (__tsan_switch_to_fiber) __tsan_switch_to_fiber(home.tsan_fiber, kNoOrder);
  switch_stack(self->point_, home.point);
  if (__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(self->asan_fake_stack_, &home.stack, &home.bytes);
  }
}

void Fiber::run() {
  if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(nullptr, &home.stack, &home.bytes);
  for (;;) {
    running->body_(running->argument_);
    pause();
  }
}

FiberPool& FiberPool::instance() {
  static auto& pool = *new FiberPool;  // Never destroyed: kernels may run until the process ends.
  return pool;
}

void FiberPool::take(std::size_t count, std::vector<Fiber*>& taken) {
  const std::size_t wanted = has_tsan() ? std::max(2 * count, count + kSpareUnderTsan) : count;
  const std::size_t in_use = all_.size() - free_.size();
  while (free_.size() < count || all_.size() < std::min(kMost, wanted)) {
    if (in_use + free_.size() == kMost) violation("out of fibers");
    free_.push_back(all_.emplace_back(std::make_unique<Fiber>()).get());
  }
  taken.resize(count);
  for (Fiber*& fiber : taken) {
    std::swap(free_[draw(free_.size())], free_.back());
    fiber = free_.back();
    free_.pop_back();
  }
}

void FiberPool::give_back(const std::vector<Fiber*>& fibers) {
  free_.insert(free_.end(), fibers.begin(), fibers.end());
}

}  // namespace rushlight::emulator
