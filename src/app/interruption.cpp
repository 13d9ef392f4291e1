#include "src/app/interruption.h"

namespace rushlight {
namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t interrupted_by = 0;

// A stack apart: oneDNN 2 computes with the stack pointer in its heap, and a handler's frame there destroys what is
// near.
constexpr std::size_t kStackBytes = 1 << 16;

void note(int signal) {
  interrupted_by = signal;
}

}  // namespace

InterruptionWatch::InterruptionWatch() {
  interrupted_by = 0;
  stack_t before{};
  sigaltstack(nullptr, &before);
  if ((before.ss_flags & SS_DISABLE) != 0) {
    stack_ = std::make_unique<char[]>(kStackBytes);
    stack_t own{};
    own.ss_sp = stack_.get();
    own.ss_size = kStackBytes;
    sigaltstack(&own, nullptr);
  }
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_int_);
  sigaction(SIGTERM, &action, &before_term_);
}

InterruptionWatch::~InterruptionWatch() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
  if (!stack_) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
}

bool InterruptionWatch::interrupted() const {
  return interrupted_by != 0;
}

}  // namespace rushlight
