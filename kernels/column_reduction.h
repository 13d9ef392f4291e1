// The closed set of reductions over rows. Each is a trivially copyable struct with `work_items()` (columns, or groups
// of them), `rows()`, `cost()`, `load(row, item)`, which may store what it computes, `combine(a, b)` and `finish(item,
// partial)`.
#pragma once

#include <type_traits>
#include <variant>

#include "kernels/bias_relu_dropout.h"
#include "kernels/loss_sum.h"

namespace rushlight {

using ColumnReduction = std::variant<BiasReluDropoutBackward, LossSum>;
static_assert(std::is_trivially_copyable_v<ColumnReduction>);

}  // namespace rushlight
