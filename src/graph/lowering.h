// Lowering: the modules of a Sequential become the operations that run. Linear + ReLU + Dropout is a matrix product
// and one fused pointwise operation.
#pragma once

#include <rushlight/module.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "kernels/bias_relu_dropout.h"

namespace rushlight {

/// y = x · weightᵀ of the Linear at index `linear`.
struct Product {
  std::uint32_t linear;
  std::int64_t in;
  std::int64_t out;
};

/// Bias, activation and dropout, each optional, in this order. Indices are those of the modules.
struct Pointwise {
  std::int64_t width;
  std::optional<std::uint32_t> bias;  ///< The Linear whose bias is added.
  std::optional<std::uint32_t> relu;
  std::optional<std::uint32_t> dropout;

  Activation activation() const { return relu ? Activation::relu : Activation::identity; }
};

using Operation = std::variant<Product, Pointwise>;

/// In eval mode, and where p is 0, dropout is the identity and takes no part.
std::vector<Operation> lower(std::span<const Module> modules, Mode mode);

}  // namespace rushlight
