// What a network will take of a device's memory, known before any of it is taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rushlight {

enum class MemoryUse { parameters, gradients, moments, activations, workspace, state, data };

/// The use's name in plural, as `rushlight plan` prints it.
const char* to_string(MemoryUse use);

/// One tensor or region. `bytes` is rounded up to the device's alignment of 256 bytes.
struct MemoryPlanEntry {
  MemoryUse use;
  std::string name;
  std::int64_t bytes;
};

struct MemoryPlan {
  std::vector<MemoryPlanEntry> entries;

  std::int64_t bytes() const;
  std::int64_t bytes(MemoryUse use) const;
};

}  // namespace rushlight
