// Every elementwise operation and reduction as a node of its own, over memory of a chosen size: for benches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "src/backend/backend.h"

namespace rushlight {

struct OperationBlock {
  Node node;
  /// Writes what the node reads: random values. Blocks share their memory, so it is called before one is run, and
  /// again now and then, as some operations change what they read. Owns the memory.
  std::function<void()> refill;
};

/// `bytes`: about how much memory each goes through. AdamPrepare and Advance have one item whatever it is; SelectBatch,
/// which is arithmetic, has at most 2^18.
std::vector<OperationBlock> operation_blocks(const std::shared_ptr<Backend>& backend, std::int64_t bytes);

}  // namespace rushlight
