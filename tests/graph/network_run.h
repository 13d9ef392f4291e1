// A pass of a network with everything it needs around it, so that a test sees logits, losses and gradients.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "src/graph/pass.h"
#include "src/train/model_state.h"
#include "src/train/resident_data.h"

namespace rushlight {

class NetworkRun {
 public:
  NetworkRun(const Device& device, const std::vector<Module>& modules, std::vector<Member> members, std::int64_t rows,
             Mode mode)
      : state_(on(device, modules, std::move(members))),
        gradient_slot_(layout_.add(MemoryUse::gradients, "gradients", state().layout()->bytes(state().models()))),
        pass_(state().modules(), *state().layout(), *state().backend(), {state().models(), rows, mode}, layout_),
        arena_(state().backend(), layout_.bytes()) {
    state_->initialize();
    backend().fill_zero(arena_.data(), arena_.bytes());
  }

  /// The batch is the data set's first rows; in train mode gradients follow.
  void run(const Dataset& data, PassState start = {}) {
    resident_.emplace(state().backend(), data);
    pass_.initialize(backend(), arena_.data(), state().members());
    start.samples = static_cast<std::uint64_t>(data.size());
    upload_values(backend(), pass_.state(arena_.data()), &start, 1);
    Program program;
    pass_.append_forward(program, arena_.data(), state().parameters(),
                         {.pixels = resident_->pixels(), .labels = resident_->labels()});
    if (pass_.shape().mode == Mode::train) {
      pass_.append_backward(program, arena_.data(), state().parameters(), gradient_block());
    }
    backend().run(program);
  }

  std::vector<float> logits(std::int64_t member) const {
    const Matrix<float> all = pass_.logits().in(arena_.data());
    std::vector<float> dense(static_cast<std::size_t>(all.rows * all.cols));
    backend().download(dense.data(), {all.row(member, 0), all.cols * 4, all.rows, all.stride * 4});
    return dense;
  }

  double loss(std::int64_t member) const {
    std::vector<EpochSums> sums(static_cast<std::size_t>(state().models()));
    download_values(backend(), sums.data(), pass_.sums(arena_.data()), state().models());
    const EpochSums& one = sums[static_cast<std::size_t>(member)];
    return one.loss / static_cast<double>(one.samples);
  }

  std::vector<Tensor> gradients(std::int64_t member) const { return state().download(gradient_block(), member); }
  ParameterBlock gradient_block() const {
    return {gradient_slot_.in<float>(arena_.data()), state().models(), state().layout()->size()};
  }
  Backend& backend() const { return *state().backend(); }
  const ModelState& state() const { return *state_; }

 private:
  static std::unique_ptr<ModelState> on(const Device& device, const std::vector<Module>& modules,
                                        std::vector<Member> members) {
    auto state = std::make_unique<ModelState>(modules, std::move(members));
    state->move_to(device);
    return state;
  }

  std::unique_ptr<ModelState> state_;
  MemoryLayout layout_;
  Slot gradient_slot_;
  Pass pass_;
  Buffer arena_;
  std::optional<ResidentData> resident_;  // Of the last run, which may not be over.
};

/// The floats of a block between and behind its tensors' columns.
inline std::vector<float> padding_of(const ParameterLayout& layout, const ParameterBlock& block, Backend& backend) {
  std::vector<float> all(static_cast<std::size_t>(block.models * block.size));
  download_values(backend, all.data(), block.data, block.models * block.size);
  std::vector<bool> used(all.size(), false);
  for (std::int64_t model = 0; model < block.models; ++model) {
    for (const Parameter& parameter : layout.parameters()) {
      for (std::int64_t i = 0; i < parameter.count(); ++i) {
        const std::int64_t place = i / parameter.cols * parameter.stride + i % parameter.cols;
        used[static_cast<std::size_t>(model * block.size + parameter.offset + place)] = true;
      }
    }
  }
  std::vector<float> padding;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!used[i]) padding.push_back(all[i]);
  }
  return padding;
}

}  // namespace rushlight
