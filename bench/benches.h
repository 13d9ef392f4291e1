// What the files of this folder have in common.
#pragma once

#include <benchmark/benchmark.h>

#include "kernels/cost.h"

namespace rushlight {

/// Epochs of 6,000 samples of the lab, and their evaluation.
void add_lab_benches();
/// Each elementwise operation and reduction, in a cache and beyond all.
void add_operation_benches();
/// Each product of a training step of the lab, ours and oneDNN's on dense arrays.
void add_product_benches();

/// Bytes and flops a run, and their rates.
void count(benchmark::State& state, const Cost& cost);

}  // namespace rushlight
