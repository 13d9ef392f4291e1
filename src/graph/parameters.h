// The parameters of a Sequential and their places in one flat block.
#pragma once

#include <rushlight/module.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/initial_weights.h"
#include "kernels/view.h"
#include "src/backend/backend.h"

namespace rushlight {

/// Offsets, strides and sizes in floats. A bias is a matrix of one row here.
struct Parameter {
  std::string name;                 // As in PyTorch's state_dict: `0.weight`.
  std::vector<std::int64_t> shape;  // Dense: [out, in] or [out].
  std::uint32_t node = 0;           // Index of its module.
  InitialTensor kind = InitialTensor::weight;
  float bound = 0;  // Initial values are uniform in ±bound.
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;
  std::int64_t offset = 0;

  std::int64_t count() const { return rows * cols; }
};

/// A block is [models, size()]; size and offsets are multiples of kAlignment bytes. Parameters, gradients and moments
/// share the layout. Padding holds zeros.
class ParameterLayout {
 public:
  ParameterLayout(std::span<const Module> modules, const Backend& backend);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::int64_t size() const { return size_; }
  std::int64_t bytes(std::int64_t models) const { return models * size_ * static_cast<std::int64_t>(sizeof(float)); }

  /// Null if module `node` has no such parameter.
  const Parameter* find(std::uint32_t node, InitialTensor kind) const;

  struct Extent {
    std::int64_t offset = 0;
    std::int64_t size = 0;
  };
  /// Of all parameters of module `node`, which has a weight: they lie one behind the other, the weight first.
  Extent extent(std::uint32_t node) const;

 private:
  void add(Parameter parameter);

  std::vector<Parameter> parameters_;
  std::int64_t size_ = 0;
};

/// A block's place in memory.
struct ParameterBlock {
  float* data = nullptr;
  std::int64_t models = 1;
  std::int64_t size = 0;

  Matrix<float> matrix(const Parameter& parameter) const {
    return {data + parameter.offset, models, parameter.rows, parameter.cols, parameter.stride, size};
  }
  /// Absent if `parameter` is null.
  Vector<float> vector(const Parameter* parameter) const {
    if (parameter == nullptr) return {};
    return {data + parameter->offset, models, parameter->cols, size};
  }
  Vector<float> all() const { return part({0, size}); }
  Vector<float> part(const ParameterLayout::Extent& extent) const {
    return {data + extent.offset, models, extent.size, size};
  }
  /// A member's tensor, for a copy to or from the host.
  Rows rows(const Parameter& parameter, std::int64_t model) const;
};

}  // namespace rushlight
