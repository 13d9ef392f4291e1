// The closed set of elementwise operations. Each is a trivially copyable struct with `work_items()`, `cost()` and
// `operator()(item)`; items are independent. A new operation is added here and nowhere in a backend.
#pragma once

#include <type_traits>
#include <variant>

#include "kernels/adam.h"
#include "kernels/advance.h"
#include "kernels/bias_relu_dropout.h"
#include "kernels/gather.h"

namespace rushlight {

using Elementwise = std::variant<SelectBatch, GatherPixels, BiasReluDropoutForward, AdamPrepare, AdamUpdate, Advance>;
static_assert(std::is_trivially_copyable_v<Elementwise>);

}  // namespace rushlight
