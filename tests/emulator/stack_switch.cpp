#include "tests/emulator/stack_switch.h"

#include <cstdint>

#if defined(__x86_64__) && !defined(RUSHLIGHT_EMULATOR_UCONTEXT)
extern "C" void rushlight_switch_stack(void** from, void* to);

// Saves what a callee must keep, changes the stack, and takes back what that stack had kept.
asm(R"(
.text
.type rushlight_switch_stack, @function
rushlight_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size rushlight_switch_stack, .-rushlight_switch_stack
)");
#endif

namespace rushlight::emulator {

#if defined(__x86_64__) && !defined(RUSHLIGHT_EMULATOR_UCONTEXT)

void prepare(StackPoint& point, void* stack, std::size_t bytes, void (*entry)()) {
  constexpr int kSavedRegisters = 6;
  // From the end down: no caller (which also aligns), the entry, the registers.
  auto* const end = static_cast<std::uintptr_t*>(stack) + bytes / sizeof(std::uintptr_t);
  end[-1] = 0;
  end[-2] = reinterpret_cast<std::uintptr_t>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) end[-3 - i] = 0;
  point.stack_pointer = end - 2 - kSavedRegisters;
}

void switch_stack(StackPoint& from, const StackPoint& to) {
  rushlight_switch_stack(&from.stack_pointer, to.stack_pointer);
}

#else

void prepare(StackPoint& point, void* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&point.context);
  point.context.uc_stack.ss_sp = stack;
  point.context.uc_stack.ss_size = bytes;
  point.context.uc_link = nullptr;
  makecontext(&point.context, entry, 0);
}

void switch_stack(StackPoint& from, const StackPoint& to) {
  swapcontext(&from.context, &to.context);
}

#endif

}  // namespace rushlight::emulator
