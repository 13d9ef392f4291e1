// The closed set of reductions along rows. Each is a trivially copyable struct with `rows()`, `cols()`, `cost()`,
// `load(row, col)`, `combine(a, b)`, then `finish(row, partial)` once a row and, if `stores()`, `store(row, col,
// partial)` once an element.
#pragma once

#include <cstdint>
#include <type_traits>
#include <variant>

#include "kernels/softmax_cross_entropy.h"
#include "kernels/tree.h"

namespace rushlight {

/// The longest row that a warp takes on a GPU, a chunk a lane; longer ones take a block.
inline constexpr std::int64_t kWarpRowCols = 32 * kTreeChunk;

using RowReduction = std::variant<SoftmaxCrossEntropy>;
static_assert(std::is_trivially_copyable_v<RowReduction>);

}  // namespace rushlight
