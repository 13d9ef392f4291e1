// The training loop: epochs or single steps, evaluation between them, exact checkpoints.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/loss.h>
#include <rushlight/memory_plan.h>
#include <rushlight/metrics.h>
#include <rushlight/optimizer.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

namespace rushlight {

enum class Shuffle { keyed, off };

struct TrainerOptions {
  std::int64_t batch = 100;
  Shuffle shuffle = Shuffle::keyed;
};

enum class AfterStep { go_on, stop };

/// Where a training stands, after a step was handed to the device.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual std::uint64_t step() const = 0;         ///< Steps of the whole training so far.
  virtual std::uint64_t epoch() const = 0;        ///< From 0.
  virtual std::uint64_t epoch_step() const = 0;   ///< Steps of this epoch so far.
  virtual std::uint64_t epoch_steps() const = 0;  ///< Steps that the epoch has.

  /// The epoch's means so far. Waits for the device: ask for it a few times a second, not at each step.
  /// @throws Diverged if the loss is not finite.
  virtual Metrics metrics() const = 0;
};

using StepCallback = std::function<AfterStep(const Progress&)>;

/// Trains `model`, whose Sequential must outlive calls but may move. Move-only. Not thread-safe. Allocates at the first
/// step for a data set; later steps allocate nothing.
class Trainer {
 public:
  /// @throws InvalidArgument if the model is not initialized or the batch is not in [1, 2^31).
  Trainer(Sequential& model, CrossEntropyLoss loss, Adam optimizer, TrainerOptions options = {});
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  ~Trainer();

  /// One pass over `data` in train mode, or the rest of one that was stopped. A last partial batch is left out. The
  /// results are read from the device once, at the end, and are means over the epoch's own batches, dropout on.
  /// `after_step` runs on the host each time that the number of steps of the whole training is a multiple of `every`,
  /// and at the epoch's end; when it answers `stop`, the call returns what was seen so far and the next call goes on. A
  /// GPU takes the steps in between as one, so a small `every` costs time there.
  /// @throws InvalidArgument if `every` is 0, or `data` does not fit the model, has fewer samples than a batch, or is
  /// another one in the middle of an epoch; Diverged if the mean loss is not finite.
  Metrics train_epoch(const Dataset& data, const StepCallback& after_step = {}, std::uint64_t every = 1);

  /// Takes the memory that epochs on `train` and evaluations on `test` need, so that what does not fit shows before the
  /// first step. Not needed: both take it when they first run. @throws InvalidArgument as they do; DeviceError that
  /// says what is missing.
  void reserve(const Dataset& train, const Dataset& test);

  /// One step on exactly this batch, in its order, and its loss and accuracy: for a loop of one's own. Waits for the
  /// device.
  /// @throws InvalidArgument if `batch` has another size than the options say, or an epoch was stopped midway.
  Metrics step(const Dataset& batch);

  /// `Sequential::evaluate` of the model.
  Metrics evaluate(const Dataset& data, PixelScale pixels = PixelScale::unit);

  std::uint64_t steps() const;        ///< Steps of the whole training so far.
  std::uint64_t epochs() const;       ///< Whole epochs so far.
  std::uint64_t epoch_steps() const;  ///< Steps into an epoch that was stopped; 0 between epochs.

  double learning_rate() const;
  void set_learning_rate(double lr);  ///< From the next step on. @throws InvalidArgument if negative or not finite.

  /// What the trainer and its model have taken or will take, without data sets.
  MemoryPlan memory_plan() const;

  /// Writes the exact state, crash-safe: weights, moments, step, epoch, the epoch's sums so far, seed, model and
  /// data-set hash.
  /// @throws Diverged if a sum or a weight is not finite (nothing is written); FormatError if the file cannot be
  /// written.
  void save(const std::filesystem::path& file) const;

  /// Continues what `save` wrote, to the same bits. The model must have the same modules; weights and seed are
  /// replaced. On an error nothing changes. @throws FormatError if the file is damaged, of another model, batch size or
  /// optimizer; InvalidArgument if the model moved to another device since.
  void load(const std::filesystem::path& file);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rushlight
