// A pass of a network with everything it needs around it, so that a test sees logits, losses and gradients.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "src/graph/pass.h"
#include "src/train/model_state.h"

namespace rushlight {

class NetworkRun {
 public:
  NetworkRun(const std::vector<Module>& modules, std::vector<Member> members, std::int64_t rows, Mode mode)
      : state_(modules, std::move(members)),
        gradient_slot_(layout_.add(MemoryUse::gradients, "gradients", state_.layout()->bytes(state_.models()))),
        pass_(state_.modules(), *state_.layout(), *state_.backend(), {state_.models(), rows, mode}, layout_),
        arena_(state_.backend(), layout_.bytes()) {
    state_.initialize();
    backend().fill_zero(arena_.data(), arena_.bytes());
  }

  /// The batch is the data set's first rows; in train mode gradients follow.
  void run(const Dataset& data, PassState start = {}) {
    pass_.initialize(backend(), arena_.data(), state_.members());
    start.samples = static_cast<std::uint64_t>(data.size());
    upload_values(backend(), pass_.state(arena_.data()), &start, 1);
    Program program;
    pass_.append_forward(program, arena_.data(), state_.parameters(),
                         {.pixels = data.pixels().data(), .labels = data.labels().data()});
    if (pass_.shape().mode == Mode::train) {
      pass_.append_backward(program, arena_.data(), state_.parameters(), gradient_block());
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
    std::vector<EpochSums> sums(static_cast<std::size_t>(state_.models()));
    download_values(backend(), sums.data(), pass_.sums(arena_.data()), state_.models());
    const EpochSums& one = sums[static_cast<std::size_t>(member)];
    return one.loss / static_cast<double>(one.samples);
  }

  std::vector<Tensor> gradients(std::int64_t member) const { return state_.download(gradient_block(), member); }
  ParameterBlock gradient_block() const {
    return {gradient_slot_.in<float>(arena_.data()), state_.models(), state_.layout()->size()};
  }
  Backend& backend() const { return *state_.backend(); }
  const ModelState& state() const { return state_; }

 private:
  ModelState state_;
  MemoryLayout layout_;
  Slot gradient_slot_;
  Pass pass_;
  Buffer arena_;
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
