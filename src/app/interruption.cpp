#include "src/app/interruption.h"

namespace rushlight {
namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t interrupted_by = 0;

void note(int signal) {
  interrupted_by = signal;
}

}  // namespace

InterruptionWatch::InterruptionWatch() {
  interrupted_by = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_int_);
  sigaction(SIGTERM, &action, &before_term_);
}

InterruptionWatch::~InterruptionWatch() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
}

bool InterruptionWatch::interrupted() const {
  return interrupted_by != 0;
}

}  // namespace rushlight
