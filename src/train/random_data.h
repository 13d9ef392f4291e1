// Data whose content does not matter, as long as it is not zeros.
#pragma once

#include <rushlight/dataset.h>

#include <cstdint>

namespace rushlight {

/// The same at every call: random pixels, and classes from 0 to `classes` - 1.
Dataset random_data(std::int64_t samples, std::int64_t features, std::int64_t classes);

}  // namespace rushlight
