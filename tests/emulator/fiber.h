// Fibers: stacks on which the threads of a kernel run in turn, on one host thread.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "tests/emulator/stack_switch.h"

namespace rushlight::emulator {

class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Gives it a body, to run at the next `resume`. REQUIRES: the last one has ended.
  void begin(void (*body)(void*), void* argument);

  /// Goes on with the body until it pauses or ends. Orders nothing for ThreadSanitizer. REQUIRES: not on a fiber.
  void resume();

  /// Back to who resumed the fiber that runs.
  static void pause();

 private:
  static void run();

  StackPoint point_;
  void* stack_ = nullptr;
  void* asan_fake_stack_ = nullptr;
  void* tsan_fiber_ = nullptr;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
};

/// All fibers of the process, kept to its end: for ThreadSanitizer a fiber costs about a millisecond and a megabyte.
class FiberPool {
 public:
  static FiberPool& instance();

  static constexpr std::size_t kMost = 2048;

  /// How many more can be taken.
  std::size_t left() const { return kMost - all_.size() + free_.size(); }

  /// Any `count` of the free ones in any order, as drawn: two threads on one fiber are ordered for ThreadSanitizer, so
  /// that which threads share one must change. REQUIRES: count <= left().
  void take(std::size_t count, std::vector<Fiber*>& taken);
  void give_back(const std::vector<Fiber*>& fibers);

 private:
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace rushlight::emulator
