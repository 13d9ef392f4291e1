// A network at its first step, with all memory, on one backend: for comparisons of backends, and for benches.
#pragma once

#include <rushlight/module.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/train/inference.h"
#include "src/train/training.h"

namespace rushlight {

/// A part of memory that nodes may write.
struct Region {
  std::string name;
  std::byte* data = nullptr;
  std::int64_t bytes = 0;
};

/// Weights, data and state are the same on any backend.
class Rehearsal {
 public:
  /// `data`: two batches or more; if none is given, three of random samples.
  Rehearsal(const std::vector<Module>& modules, std::int64_t batch, Mode mode, std::shared_ptr<Backend> backend,
            const std::optional<Dataset>& data = {});

  const std::shared_ptr<Backend>& backend() const { return state_.backend(); }
  const Program& program() const { return program_; }
  std::int64_t batch() const { return pass().shape().rows; }
  std::int64_t samples() const { return data_->data().size(); }

  /// The next step is on the data's second batch again. Weights and sums stay.
  void rewind();

  /// All but the workspace of products. Where backends lay memory out alike, the same ones in the same order.
  std::vector<Region> regions() const;

 private:
  template <class Plan>
  void lay_out(const Plan& plan);
  const Pass& pass() const { return training_ ? training_->pass : inference_->pass; }
  void add_parameters(std::vector<Region>& regions, const std::string& of, std::byte* data) const;

  ModelState state_;
  Buffer arena_;
  std::optional<TrainingPlan> training_;
  std::optional<InferencePlan> inference_;
  MemoryPlan plan_;  // Of the arena.
  std::unique_ptr<ResidentData> data_;
  Program program_;
};

}  // namespace rushlight
