// Where each tensor will lie in one allocation, decided before it is made.
#pragma once

#include <rushlight/memory_plan.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/backend/backend.h"

namespace rushlight {

/// A place in an arena, in bytes from its start.
struct Slot {
  std::int64_t offset = 0;

  template <class T>
  T* in(std::byte* arena) const {
    return static_cast<T*>(static_cast<void*>(arena + offset));
  }
};

/// Slots are aligned to kAlignment and lie in the order in which they were added.
class MemoryLayout {
 public:
  Slot add(MemoryUse use, std::string name, std::int64_t bytes);

  const MemoryPlan& plan() const { return plan_; }
  std::int64_t bytes() const { return end_; }

 private:
  MemoryPlan plan_;
  std::int64_t end_ = 0;
};

/// A planned [models, rows, cols] matrix of floats. With one model every member looks at the same.
struct PlannedMatrix {
  Slot slot;
  std::int64_t models = 1;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  std::int64_t bytes() const { return models * rows * stride * static_cast<std::int64_t>(sizeof(float)); }
  Matrix<float> in(std::byte* arena) const {
    return {slot.in<float>(arena), models, rows, cols, stride, models == 1 ? 0 : rows * stride};
  }
};

}  // namespace rushlight
