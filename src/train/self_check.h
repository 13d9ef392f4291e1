// A network's step on a device and on the reference, node by node.
#pragma once

#include <rushlight/doctor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/train/rehearsal.h"

namespace rushlight {

/// Checks each node and, where graphs are on, that a graph gives the bits of its nodes.
class SelfCheck {
 public:
  /// @throws DeviceError if the device has too little memory, or its library of products does not open.
  SelfCheck(std::string network, const std::vector<Module>& modules, std::int64_t batch, Mode mode,
            const std::shared_ptr<Backend>& device);

  /// Tells `seen` each check when it is done. After an error of the device the rest is skipped.
  void run(const std::function<void(const DeviceCheck&)>& seen, GraphUse graphs = GraphUse::on);

 private:
  using Bytes = std::vector<std::byte>;

  // These throw what the device throws.
  void check_node(std::size_t i, DeviceCheck& check);
  void check_graph(DeviceCheck& check);
  Bytes download(const Region& region) const;
  std::vector<Bytes> run_anew(const std::function<void()>& steps);

  DeviceCheck describe(std::size_t i) const;

  std::string network_;
  Rehearsal device_, reference_;
  std::vector<Region> device_regions_, reference_regions_;
  std::vector<Bytes> start_;  // The regions before the first node.
};

}  // namespace rushlight
