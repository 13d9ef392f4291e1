// Going from one stack to another on the same host thread.
#pragma once

#include <ucontext.h>

#include <cstddef>

namespace rushlight::emulator {

/// Where a stack that is left goes on. By hand on x86-64: swapcontext does a system call each time, and
/// AddressSanitizer's takes all marks off the stack that it enters.
struct StackPoint {
#if defined(__x86_64__) && !defined(RUSHLIGHT_EMULATOR_UCONTEXT)
  void* stack_pointer = nullptr;
#else
  ucontext_t context;
#endif
};

/// A point that, gone to, calls `entry` on that stack. REQUIRES: `entry` never returns.
void prepare(StackPoint& point, void* stack, std::size_t bytes, void (*entry)());

/// Leaves `from`, to be gone to later, and goes on at `to`.
void switch_stack(StackPoint& from, const StackPoint& to);

}  // namespace rushlight::emulator
