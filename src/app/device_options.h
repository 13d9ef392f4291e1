// The options --device, --threads and --precision of the commands without a training.
#pragma once

#include <rushlight/device.h>

#include <ostream>
#include <string>

namespace CLI {
class App;
}

namespace rushlight {

struct DeviceOptions {
  std::string device = "auto";
  int threads = 0;
  std::string precision = "fp32";

  void add_to(CLI::App& command);

  /// What `auto` chose, and why, is told on `err`. @throws InvalidArgument as choose_device and choose_precision.
  Device choose(std::ostream& err) const;
  DeviceChoice choose() const;  ///< The same in silence.
};

}  // namespace rushlight
