// A batch's way through a network: chosen, gathered, forward, loss, and where wanted backward.
#pragma once

#include <rushlight/sequential.h>

#include <cstdint>
#include <span>

#include "kernels/gather.h"
#include "src/graph/network.h"

namespace rushlight {

/// A data set in backend memory.
struct BatchSource {
  const std::uint8_t* pixels = nullptr;  // [samples, features]
  const std::int32_t* labels = nullptr;  // [samples]; null: no loss is computed.
  SampleOrder order = SampleOrder::file;
  std::uint64_t shuffle_seed = 0;
  PixelScale scale = PixelScale::unit;
};

class Pass {
 public:
  /// Adds all that it needs to `layout`.
  Pass(std::span<const Module> modules, const ParameterLayout& parameters, Backend& backend, PassShape shape,
       MemoryLayout& layout);

  const PassShape& shape() const { return network_.shape(); }
  std::int64_t models() const { return shape().models; }
  const PlannedMatrix& logits() const { return network_.logits(); }
  PassState* state(std::byte* arena) const { return state_.in<PassState>(arena); }
  EpochSums* sums(std::byte* arena) const { return sums_.in<EpochSums>(arena); }  ///< [models]

  /// From the next node on masks are these members', one a model.
  void set_members(Backend& backend, std::byte* arena, std::span<const Member> members) const {
    network_.initialize(backend, arena, members);
  }

  /// Zeroes the state and sums. One member a model.
  void initialize(Backend& backend, std::byte* arena, std::span<const Member> members) const;

  /// With labels the losses are added to `sums`; in train mode `append_backward` may follow.
  void append_forward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                      const BatchSource& source) const;
  void append_backward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                       const ParameterBlock& gradients, const Network::LayerDone& done = {}) const;
  /// The last node: in train mode the step moves on as well.
  void append_advance(Program& program, std::byte* arena) const;

 private:
  void append_loss(Program& program, std::byte* arena) const;

  Slot state_, sums_, indices_, labels_, loss_, correct_;
  Network network_;
};

}  // namespace rushlight
