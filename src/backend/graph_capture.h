// Commands recorded once and replayed by one call: CUDA graphs.
#pragma once

#include <cstdint>
#include <memory>

#include "src/backend/command.h"

namespace rushlight {

/// Recorded commands. Whoever holds it keeps the backend, and all memory that the commands name, alive.
class Graph {
 public:
  virtual ~Graph() = default;

  /// Gives the bits that the recorded commands give one by one. As a command it may return before it ran.
  virtual void replay() = 0;
};

class GraphCapture {
 public:
  virtual ~GraphCapture() = default;

  /// Records `program`, `repeats` times in a row, and runs nothing. REQUIRES: each of its commands has run before, so
  /// that libraries have loaded what they need. @throws DeviceError if something in it cannot be recorded.
  virtual std::unique_ptr<Graph> capture(const Program& program, std::int64_t repeats) = 0;
};

}  // namespace rushlight
