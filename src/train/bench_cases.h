// The cases of the bench. Each fills what its measurements are; run_bench adds what all have in common.
#pragma once

#include <rushlight/bench.h>

#include "src/train/bench_parts.h"

namespace rushlight {

/// `lab` and `wide`.
BenchReport bench_training(const BenchOptions& options, const BenchPlace& place);
BenchReport bench_inference(const BenchOptions& options, const BenchPlace& place);
BenchReport bench_kernels(const BenchOptions& options, const BenchPlace& place);

/// `784-512-10`.
std::string widths_of(const std::vector<Module>& modules);

/// After the rounds: `fma`, `copy` and, where it was a part, `products`.
BenchCeilings ceilings_of(const BenchRounds& rounds);

}  // namespace rushlight
