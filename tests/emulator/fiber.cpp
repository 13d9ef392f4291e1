#include "tests/emulator/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "tests/emulator/internal.h"
#include "tests/emulator/sanitizers.h"

namespace rushlight::emulator {
namespace {

/// The stack that resumes fibers.
struct Home {
  StackPoint point;
  const void* stack = nullptr;
  std::size_t bytes = 0;
  void* asan_fake_stack = nullptr;
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
    tsan_home_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_fiber_, kNoSync);
  }
  switch_stack(home.point, point_);
  if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(home.asan_fake_stack, nullptr, nullptr);
}

void Fiber::pause() {
  Fiber* const self = running;
  if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&self->asan_fake_stack_, home.stack, home.bytes);
  if (__tsan_switch_to_fiber) __tsan_switch_to_fiber(self->tsan_home_, kNoSync);
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

std::vector<Fiber*> FiberPool::take(std::size_t count) {
  const void* const home_fiber = __tsan_get_current_fiber ? __tsan_get_current_fiber() : nullptr;
  const auto of_another = [home_fiber](const Fiber* fiber) {
    return fiber->tsan_home() != nullptr && fiber->tsan_home() != home_fiber;
  };
  // Those to take stand at the end.
  const auto own = std::stable_partition(free_.begin(), free_.end(), of_another);
  auto suitable = static_cast<std::size_t>(free_.end() - own);
  while (free_.size() < count || (suitable < count && all_.size() < kFew)) {
    free_.push_back(all_.emplace_back(std::make_unique<Fiber>()).get());
    ++suitable;
  }
  const auto first = free_.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<Fiber*> taken(first, free_.end());
  free_.erase(first, free_.end());
  return taken;
}

void FiberPool::give_back(const std::vector<Fiber*>& fibers) {
  free_.insert(free_.end(), fibers.begin(), fibers.end());
}

}  // namespace rushlight::emulator
