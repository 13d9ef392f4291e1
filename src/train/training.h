// A training of all members on one device: its memory, its programs, and where it stands.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/optimizer.h>
#include <rushlight/trainer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/backend/repeated_program.h"
#include "src/graph/pass.h"
#include "src/optim/adam.h"
#include "src/train/model_state.h"
#include "src/train/resident_data.h"

namespace rushlight {

/// @throws InvalidArgument if `batch` is not in [1, 2^31).
void check_batch(std::int64_t batch);

/// The memory of a training besides parameters; allocates nothing.
struct TrainingPlan {
  TrainingPlan(const ModelState& model, const AdamOptions& options, std::int64_t batch);

  /// A step, over memory that is laid out as planned.
  Program step(std::byte* arena, const ParameterBlock& parameters, const BatchSource& source) const;

  MemoryLayout layout;
  Slot gradients;
  Pass pass;
  AdamPlan adam;

 private:
  void append_update(Program& program, std::string name, std::byte* arena, const ParameterBlock& parameters,
                     const ParameterLayout::Extent& extent) const;

  const ParameterLayout& parameter_layout_;
  bool updates_by_layer_;
};

/// Which samples an epoch goes through.
struct DataIdentity {
  std::uint64_t hash = 0;
  std::int64_t first = 0;
  std::int64_t size = 0;

  static DataIdentity of(const Dataset& data) { return {data.hash(), data.first(), data.size()}; }
  bool operator==(const DataIdentity&) const = default;
};

struct TrainingClock {
  std::uint64_t step = 0;        // Of the whole training.
  std::uint64_t epoch = 0;       // Whole epochs.
  std::uint64_t epoch_step = 0;  // Steps into the next one.
};

class Training {
 public:
  Training(std::shared_ptr<ModelState> model, const AdamOptions& options, TrainerOptions trainer_options);

  const TrainingClock& clock() const { return clock_; }
  const TrainerOptions& options() const { return options_; }
  const AdamOptions& optimizer() const { return optimizer_; }
  const DataIdentity& data() const { return data_; }  ///< Of the last epoch that was begun.
  ModelState& model() const { return *model_; }
  const MemoryPlan& plan() const { return plan_.layout.plan(); }
  ParameterBlock first_moments() const;
  ParameterBlock second_moments() const;

  /// @throws InvalidArgument if the model's memory is no longer where this training's is.
  void require_same_device() const;

  /// Takes the memory and makes the program of epochs on `data`. @throws InvalidArgument if `data` does not fit.
  void ready(const Dataset& data);
  /// Readies the epoch's program, or goes on in an epoch that was stopped. @throws InvalidArgument as train_epoch.
  void begin_epoch(const Dataset& data);
  std::uint64_t epoch_steps() const { return static_cast<std::uint64_t>(data_.size / options_.batch); }
  /// Hands `count` steps to the device. @throws InvalidArgument if the training would have more than 2^32 - 1 steps.
  void run_steps(std::uint64_t count);
  void end_epoch();
  /// Each member's sums so far. Waits for the device.
  std::vector<EpochSums> sums() const;

  /// A step on a batch from the host.
  void run_single_step(const Dataset& batch);

  void set_rate(double lr);

  /// Where a checkpoint left off; parameters and moments are the caller's to upload.
  void resume(const TrainingClock& clock, const DataIdentity& data, const EpochSums& sums, double lr);

 private:
  void check_data(const Dataset& data) const;
  void make_ready(const Dataset& data);
  void check_steps(std::uint64_t count) const;
  /// A model that was initialized anew has another seed: masks and order are drawn from it.
  void follow_seeds();
  void set_state(std::uint64_t position, std::uint64_t samples);
  void clear_sums();
  RepeatedProgram program(const BatchSource& source) const {
    return {backend_, plan_.step(arena_.data(), model_->parameters(), source)};
  }
  ParameterBlock block(float* data) const { return {data, model_->models(), model_->layout()->size()}; }

  std::shared_ptr<ModelState> model_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<const ParameterLayout> layout_;
  AdamOptions optimizer_;
  TrainerOptions options_;
  TrainingPlan plan_;
  Buffer arena_;
  std::vector<Member> members_;  // Whose draws the memory and programs hold.
  TrainingClock clock_;
  DataIdentity data_;
  std::unique_ptr<ResidentData> resident_;
  std::optional<RepeatedProgram> epoch_program_;
  Buffer staging_;
  std::optional<RepeatedProgram> single_program_;
};

}  // namespace rushlight
