// What atomics and fences order, for ThreadSanitizer, by the rule of CUDA's memory model: an atomic alone orders
// nothing. A fence and then an atomic release what the thread did before the fence; an atomic that sees this, and then
// a fence of that same thread, acquire it. A fence of block scope does so among the threads of a block only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/emulator/sanitizers.h"

namespace rushlight::emulator {

enum class Scope : std::uint8_t { block, device };

/// What a thread had done when it came to a fence.
struct Fence {
  Order before;
  std::uint64_t block = 0;
  Scope scope = Scope::block;
  std::vector<const void*> released_at;
};

/// The fences released at each address by the atomics of one launch.
using ReleasedFences = std::unordered_map<const void*, std::vector<std::shared_ptr<Fence>>>;

/// One thread's side. Does nothing without ThreadSanitizer.
class FenceOrder {
 public:
  void reset();
  void fence(ReleasedFences& released, std::uint64_t block, Scope scope);
  void atomic(ReleasedFences& released, const void* address);

 private:
  struct Seen {
    const void* address = nullptr;
    std::size_t fences = 0;  // The first so many of those released there.
  };

  std::array<std::shared_ptr<Fence>, 2> last_;  // Of each scope.
  std::vector<Seen> seen_;                      // By atomics since the last fence.
};

}  // namespace rushlight::emulator
