// The operations that may follow a product while its result is in cache.
#pragma once

#include <memory>

#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/product.h"

namespace rushlight {

/// `next` as the sequel of `product`: null if it does not take the product's result, whole and as it lies.
std::unique_ptr<ProductSequel> make_sequel(const Matmul& product, const Command& next, InstructionSet set);

/// The same with Adam as `next`, for a team whose cores are far from each other and all read the parameters: these go
/// past the caches. Null: as above, or there are so few that they stay in the nearest caches.
std::unique_ptr<ProductSequel> make_far_sequel(const Matmul& product, const AdamUpdate& next, InstructionSet set);

}  // namespace rushlight
