// The closed set of reductions along rows. Each is a trivially copyable struct with `rows()`, `cols()`, `load(row,
// col)`, `combine(a, b)`, then `finish(row, partial)` once a row and, if `stores()`, `store(row, col, partial)` once an
// element.
#pragma once

#include <type_traits>
#include <variant>

#include "kernels/softmax_cross_entropy.h"

namespace rushlight {

using RowReduction = std::variant<SoftmaxCrossEntropy>;
static_assert(std::is_trivially_copyable_v<RowReduction>);

}  // namespace rushlight
