// SIGINT and SIGTERM as a question. The second one ends the process at once.
#pragma once

#include <csignal>
#include <memory>

namespace rushlight {

/// Watches while it lives. One at a time, on the main thread, which Linux gives a process's signals to.
class InterruptionWatch {
 public:
  InterruptionWatch();
  ~InterruptionWatch();
  InterruptionWatch(const InterruptionWatch&) = delete;
  InterruptionWatch& operator=(const InterruptionWatch&) = delete;

  bool interrupted() const;

 private:
  struct sigaction before_int_, before_term_;
  std::unique_ptr<char[]> stack_;  // Of the handler. Null where the thread already has one.
};

}  // namespace rushlight
