// The operations of a network for one batch size and mode, as nodes over memory that is laid out beforehand.
#pragma once

#include <rushlight/module.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/dropout.h"
#include "src/backend/backend.h"
#include "src/backend/memory_layout.h"
#include "src/graph/lowering.h"
#include "src/graph/parameters.h"

namespace rushlight {

struct PassShape {
  std::int64_t models = 1;
  std::int64_t rows = 0;
  Mode mode = Mode::eval;
};

/// In train mode every operation's result is kept for the backward pass, and gradients of activations take turns in two
/// buffers; in the other modes results take turns in two buffers.
class Network {
 public:
  /// Adds what it needs to `layout`.
  /// @throws InvalidArgument if an activation would have 2^50 elements or more.
  Network(std::span<const Module> modules, const ParameterLayout& parameters, Backend& backend, PassShape shape,
          MemoryLayout& layout);

  const PlannedMatrix& input() const { return input_; }            ///< [1, rows, in]: shared by the members.
  const PlannedMatrix& logits() const { return results_.back(); }  ///< [models, rows, out].
  PlannedMatrix logits_gradient() const;                           ///< As `logits`; train mode alone.
  const PassShape& shape() const { return shape_; }

  /// Writes the members and dropout rates into the arena.
  void initialize(Backend& backend, std::byte* arena, std::span<const Member> members) const;

  void append_forward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                      const PassState* state) const;
  /// May append what changes the parameters of module `linear`: their gradients are there, and nothing reads them any
  /// more.
  using LayerDone = std::function<void(Program& program, std::uint32_t linear)>;

  /// From `logits_gradient` to the gradients of all parameters. Train mode alone.
  void append_backward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                       const ParameterBlock& gradients, const PassState* state, const LayerDone& done = {}) const;

 private:
  struct ProductPlans {  // Empty plans where an operation is no product, or needs none.
    std::unique_ptr<MatmulPlan> forward, weight_gradient, input_gradient;
  };

  PlannedMatrix matrix(std::int64_t cols, const Backend& backend) const;
  void plan_results(MemoryLayout& layout, const Backend& backend);
  void take_turns(MemoryLayout& layout);
  void plan_products(Backend& backend);
  void plan_backward(Backend& backend, MemoryLayout& layout);
  const PlannedMatrix& source(std::size_t i) const { return i == 0 ? input_ : results_[i - 1]; }
  PlannedMatrix gradient(std::size_t i, std::size_t buffer) const;
  Node pointwise_backward(std::size_t i, const Matrix<float>& dy, std::byte* arena, const ParameterBlock& gradients,
                          const PassState* state) const;
  Node weight_gradient(std::size_t i, const Matrix<float>& dy, std::byte* arena, const ParameterBlock& gradients) const;
  Node input_gradient(std::size_t i, const Matrix<float>& dy, const Matrix<float>& dx, std::byte* arena,
                      const ParameterBlock& parameters) const;
  DropoutDraw draw(std::size_t i, std::byte* arena, const PassState* state) const;
  Vector<float> bias(const Pointwise& pointwise, const ParameterBlock& block) const;

  const ParameterLayout& layout_;
  PassShape shape_;
  std::vector<Operation> operations_;
  std::vector<DropoutRate> rates_;  // [operations, models]
  PlannedMatrix input_;
  std::vector<PlannedMatrix> results_;  // One an operation.
  std::vector<ProductPlans> products_;  // One an operation.
  std::vector<int> turns_;              // Which of two buffers a result takes, outside train mode.
  std::size_t first_product_ = 0;
  Slot gradient_buffers_[2];
  Slot workspace_, member_slot_, rate_slot_;
};

}  // namespace rushlight
