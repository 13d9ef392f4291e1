#include "src/backend/memory_layout.h"

#include <utility>

namespace rushlight {

const char* to_string(MemoryUse use) {
  switch (use) {
    case MemoryUse::parameters:
      return "parameters";
    case MemoryUse::gradients:
      return "gradients";
    case MemoryUse::moments:
      return "moments";
    case MemoryUse::activations:
      return "activations";
    case MemoryUse::workspace:
      return "workspace";
    case MemoryUse::state:
      return "state";
    case MemoryUse::data:
      return "data";
  }
  return "";
}

std::int64_t MemoryPlan::bytes() const {
  std::int64_t sum = 0;
  for (const MemoryPlanEntry& entry : entries) sum += entry.bytes;
  return sum;
}

std::int64_t MemoryPlan::bytes(MemoryUse use) const {
  std::int64_t sum = 0;
  for (const MemoryPlanEntry& entry : entries) sum += entry.use == use ? entry.bytes : 0;
  return sum;
}

Slot MemoryLayout::add(MemoryUse use, std::string name, std::int64_t bytes) {
  const Slot slot{end_};
  const std::int64_t rounded = align_up(bytes);
  plan_.entries.push_back({use, std::move(name), rounded});
  end_ += rounded;
  return slot;
}

}  // namespace rushlight
