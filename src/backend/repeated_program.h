// A program that is run again and again, as graphs where the backend can record them.
#pragma once

#include <cstdint>
#include <memory>

#include "src/backend/backend.h"

namespace rushlight {

/// The first run goes node by node; later ones replay graphs of one run and of many. The bits are the same.
class RepeatedProgram {
 public:
  RepeatedProgram(std::shared_ptr<Backend> backend, Program program);

  /// @throws DeviceError that names the node, where one can be named.
  void run(std::int64_t times);

 private:
  void run_nodes(std::int64_t times);
  void capture(std::int64_t asked);

  std::shared_ptr<Backend> backend_;
  Program program_;
  GraphCapture* graphs_;  // Null: node by node.
  bool warm_ = false;
  std::unique_ptr<Graph> one_, many_;
  std::int64_t many_repeats_ = 0;
};

}  // namespace rushlight
