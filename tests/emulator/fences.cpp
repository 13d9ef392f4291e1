#include "tests/emulator/fences.h"

#include <algorithm>

namespace rushlight::emulator {

void FenceOrder::reset() {
  last_ = {};
  seen_.clear();
}

void FenceOrder::fence(ReleasedFences& released, std::uint64_t block, Scope scope) {
  if (!has_tsan()) return;
  const IgnoreAccesses ignore;
  for (const Seen& seen : seen_) {
    const auto& fences = released[seen.address];
    for (std::size_t i = 0; i < seen.fences; ++i) {
      const bool of_device = scope == Scope::device && fences[i]->scope == Scope::device;
      if (of_device || fences[i]->block == block) fences[i]->before.acquire();
    }
  }
  seen_.clear();
  auto& last = last_[static_cast<std::size_t>(scope)];
  last = std::make_shared<Fence>();
  last->block = block;
  last->scope = scope;
  last->before.release();
}

void FenceOrder::atomic(ReleasedFences& released, const void* address) {
  if (!has_tsan()) return;
  const IgnoreAccesses ignore;
  auto& fences = released[address];
  const auto seen = std::find_if(seen_.begin(), seen_.end(), [&](const Seen& one) { return one.address == address; });
  if (seen == seen_.end()) {
    seen_.push_back({address, fences.size()});
  } else {
    seen->fences = fences.size();
  }
  for (const auto& last : last_) {
    if (!last) continue;
    if (std::find(last->released_at.begin(), last->released_at.end(), address) != last->released_at.end()) continue;
    last->released_at.push_back(address);
    fences.push_back(last);
  }
}

}  // namespace rushlight::emulator
