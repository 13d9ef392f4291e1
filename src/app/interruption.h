// SIGINT and SIGTERM as a question. The second one ends the process at once.
#pragma once

#include <csignal>

namespace rushlight {

/// Watches while it lives. One at a time.
class InterruptionWatch {
 public:
  InterruptionWatch();
  ~InterruptionWatch();
  InterruptionWatch(const InterruptionWatch&) = delete;
  InterruptionWatch& operator=(const InterruptionWatch&) = delete;

  bool interrupted() const;

 private:
  struct sigaction before_int_, before_term_;
};

}  // namespace rushlight
