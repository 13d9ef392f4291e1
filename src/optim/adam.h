// Adam as nodes over the flat block of parameters, and the memory that it keeps.
#pragma once

#include <rushlight/optimizer.h>

#include <cstdint>
#include <string>

#include "src/backend/backend.h"
#include "src/backend/memory_layout.h"

namespace rushlight {

class AdamPlan {
 public:
  /// For a block of [models, size] floats. Adds moments, rates and corrections to `layout`.
  AdamPlan(const AdamOptions& options, std::int64_t models, std::int64_t size, MemoryLayout& layout);

  /// Zero moments, and the options' rate for every member.
  void initialize(Backend& backend, std::byte* arena) const;
  /// From the next step on, for every member.
  void set_rate(Backend& backend, std::byte* arena, double lr) const;

  /// The step's numbers, before its first update.
  void append_corrections(Program& program, std::byte* arena, const PassState* state) const;
  /// Of a part of the block that begins `offset` floats into each member's.
  void append_update(Program& program, std::string name, std::byte* arena, std::int64_t offset,
                     Vector<float> parameters, Vector<const float> gradients) const;

  float* first_moments(std::byte* arena) const { return first_.in<float>(arena); }    ///< [models, size]
  float* second_moments(std::byte* arena) const { return second_.in<float>(arena); }  ///< [models, size]

 private:
  std::int64_t bytes() const { return models_ * size_ * static_cast<std::int64_t>(sizeof(float)); }

  AdamOptions options_;
  std::int64_t models_;
  std::int64_t size_;
  Slot first_, second_, rates_, corrections_;
};

}  // namespace rushlight
