// What a Sequential owns: modules, members, and the parameters on one device.
#pragma once

#include <rushlight/memory_plan.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/dropout.h"
#include "src/backend/backend.h"
#include "src/graph/parameters.h"

namespace rushlight {

class Inference;

class ModelState {
 public:
  /// One set of parameters for each member. @throws InvalidArgument as Sequential does.
  ModelState(std::vector<Module> modules, std::vector<Member> members);
  ~ModelState();

  const std::vector<Module>& modules() const { return modules_; }
  std::int64_t in_features() const;
  std::int64_t out_features() const;
  const std::shared_ptr<Backend>& backend() const { return backend_; }
  const std::shared_ptr<const ParameterLayout>& layout() const { return layout_; }

  const std::vector<Member>& members() const { return members_; }
  std::int64_t models() const { return static_cast<std::int64_t>(members_.size()); }
  /// Draws nothing: later draws use it.
  void set_seed(std::size_t model, std::uint64_t seed) { members_[model].seed = seed; }

  Mode mode() const { return mode_; }
  void set_mode(Mode mode) { mode_ = mode; }

  bool initialized() const { return memory_.data() != nullptr; }
  void require_initialized() const;
  /// Draws every member's parameters from its seed.
  void initialize();
  void move_to(const Device& device);
  void move_to(std::shared_ptr<Backend> backend);

  MemoryPlan plan() const;
  ParameterBlock parameters() const;
  std::vector<Tensor> state_dict(std::int64_t model) const;
  /// All or nothing, checked first.
  void load_state_dict(std::int64_t model, std::span<const Tensor> tensors);

  /// Any block of this layout, on the host: dense tensors named `prefix` + parameter.
  std::vector<Tensor> download(const ParameterBlock& block, std::int64_t model, const std::string& prefix = "") const;
  /// Tensors in the order of the layout, of the right sizes.
  void upload(const ParameterBlock& block, std::int64_t model, std::span<const Tensor* const> tensors) const;

  /// A pass of this shape, kept for the next call of the same shape.
  Inference& inference(std::int64_t rows, Mode mode);

 private:
  void allocate();

  std::vector<Module> modules_;
  std::vector<Member> members_;
  Mode mode_ = Mode::train;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<const ParameterLayout> layout_;
  Buffer memory_;
  std::unique_ptr<Inference> inference_;
};

}  // namespace rushlight
