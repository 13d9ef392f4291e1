// Products of bf16 without instructions for them: the same loops as where there are some.
#pragma once

#include "src/backend/cpu/product_kernel.h"

namespace rushlight {

/// Its tiles, panels and vectors are as large as those of AVX-512; the compiler makes them of what the machine has.
const ProductKernel& plain_bf16_product_kernel();

}  // namespace rushlight
