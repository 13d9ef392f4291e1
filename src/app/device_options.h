// The options --device and --threads of the commands without a training.
#pragma once

#include <rushlight/device.h>

#include <CLI/CLI.hpp>
#include <ostream>
#include <string>

namespace rushlight {

struct DeviceOptions {
  std::string device = "auto";
  int threads = 0;

  void add_to(CLI::App& command);

  /// What `auto` chose, and why, is told on `err`. @throws InvalidArgument as choose_device.
  Device choose(std::ostream& err) const;
};

}  // namespace rushlight
