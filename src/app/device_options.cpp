#include "src/app/device_options.h"

#include <CLI/CLI.hpp>

namespace rushlight {

void DeviceOptions::add_to(CLI::App& command) {
  command.add_option("--device", device, "auto, cpu, cuda or cuda:<index>")->capture_default_str();
  command.add_option("--threads", threads, "CPU threads; 0: one for each core")->capture_default_str();
  command
      .add_option("--precision", precision,
                  "Of matrix products: fp32; tf32 on a GPU; bf16 on a GPU or a CPU with AVX512_BF16")
      ->capture_default_str();
}

DeviceChoice DeviceOptions::choose() const {
  DeviceChoice choice = choose_device(device, threads);
  choice.device.precision = choose_precision(precision);
  return choice;
}

Device DeviceOptions::choose(std::ostream& err) const {
  const DeviceChoice choice = choose();
  if (device == "auto") err << "device: " << choice.reason << std::endl;
  return choice.device;
}

}  // namespace rushlight
