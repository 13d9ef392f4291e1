// Views of backend memory: they look, a Buffer owns. Trivially copyable, so that a kernel takes them by value.
#pragma once

#include <cstdint>

#include "kernels/portable.h"

namespace rushlight {

/// [models, rows, cols], row-major: rows are `stride` elements apart, members `model_stride` (0: all share one matrix).
template <class T>
struct Matrix {
  T* data = nullptr;
  std::int64_t models = 0;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;
  std::int64_t model_stride = 0;

  RL_HD T* row(std::int64_t model, std::int64_t index) const { return data + model * model_stride + index * stride; }

  /// Of what is there, padding left out; members that share one matrix count once.
  std::int64_t elements() const { return data == nullptr ? 0 : (model_stride == 0 ? 1 : models) * rows * cols; }
  std::int64_t bytes() const { return elements() * static_cast<std::int64_t>(sizeof(T)); }

  RL_HD Matrix<const T> as_const() const { return {data, models, rows, cols, stride, model_stride}; }
};

/// [models, size]. `data` null: the tensor is absent.
template <class T>
struct Vector {
  T* data = nullptr;
  std::int64_t models = 0;
  std::int64_t size = 0;
  std::int64_t model_stride = 0;

  RL_HD T* member(std::int64_t model) const { return data + model * model_stride; }
  std::int64_t bytes() const { return data == nullptr ? 0 : models * size * static_cast<std::int64_t>(sizeof(T)); }
  RL_HD Vector<const T> as_const() const { return {data, models, size, model_stride}; }
};

}  // namespace rushlight
