// The lab's network, for checks and benches.
#pragma once

#include <rushlight/module.h>

#include <cstdint>
#include <vector>

namespace rushlight {

inline constexpr std::int64_t kLabFeatures = 784;
inline constexpr std::int64_t kLabClasses = 10;

/// 784-width-width-width-width-10, ReLU and dropout 0.3 in between.
std::vector<Module> lab_modules(std::int64_t width = 512);

}  // namespace rushlight
