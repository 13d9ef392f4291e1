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

  /// ThreadSanitizer's fiber that resumed it last; null if it is new, and without ThreadSanitizer.
  const void* tsan_home() const { return tsan_home_; }

 private:
  static void run();

  StackPoint point_;
  void* stack_ = nullptr;
  void* asan_fake_stack_ = nullptr;
  void* tsan_fiber_ = nullptr;
  void* tsan_home_ = nullptr;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
};

/// All fibers of the process, kept to its end: for ThreadSanitizer a fiber costs about a millisecond and a megabyte.
class FiberPool {
 public:
  static FiberPool& instance();

  static constexpr std::size_t kMost = 2048;

  /// What ran on a fiber comes, for ThreadSanitizer, before what runs on it next. So each stream, which is a fiber too,
  /// keeps fibers of its own as long as there are few. REQUIRES: no more than kMost are taken at a time.
  std::vector<Fiber*> take(std::size_t count);
  void give_back(const std::vector<Fiber*>& fibers);

 private:
  static constexpr std::size_t kFew = 1024;

  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace rushlight::emulator
