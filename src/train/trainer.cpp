#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/trainer.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/train/checkpoint.h"
#include "src/train/inference.h"
#include "src/train/training.h"

namespace rushlight {
namespace {

std::shared_ptr<ModelState> ready(Sequential& model, std::int64_t batch) {
  if (!model.initialized()) {
    throw InvalidArgument("the model has no weights yet: call initialize() or load_state_dict() before training");
  }
  check_batch(batch);
  return model.state();
}

Metrics finite_metrics(const Training& training) {
  const Metrics metrics = to_metrics(training.sums().front());
  if (std::isfinite(metrics.loss)) return metrics;
  throw Diverged(fmt::format("the loss is {} after {} steps (epoch {}): train again with a lower learning rate than {}",
                             metrics.loss, training.clock().step, training.clock().epoch + 1, training.optimizer().lr));
}

class TrainingProgress final : public Progress {
 public:
  explicit TrainingProgress(const Training& training) : training_(training) {}

  std::uint64_t step() const override { return training_.clock().step; }
  std::uint64_t epoch() const override { return training_.clock().epoch; }
  std::uint64_t epoch_step() const override { return training_.clock().epoch_step; }
  std::uint64_t epoch_steps() const override { return training_.epoch_steps(); }
  Metrics metrics() const override { return finite_metrics(training_); }

 private:
  const Training& training_;
};

}  // namespace

class Trainer::Impl {
 public:
  Impl(Sequential& model, const Adam& optimizer, TrainerOptions options)
      : training(ready(model, options.batch), optimizer.options(), options) {}

  Training training;
};

Trainer::Trainer(Sequential& model, CrossEntropyLoss, Adam optimizer, TrainerOptions options)
    : impl_(std::make_unique<Impl>(model, optimizer, options)) {}

Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Metrics Trainer::train_epoch(const Dataset& data, const StepCallback& after_step, std::uint64_t every) {
  if (every == 0) throw InvalidArgument("every must be 1 step or more, but is 0");
  Training& training = impl_->training;
  training.begin_epoch(data);
  const TrainingProgress progress(training);
  AfterStep next = AfterStep::go_on;
  while (training.clock().epoch_step < training.epoch_steps() && next == AfterStep::go_on) {
    const std::uint64_t left = training.epoch_steps() - training.clock().epoch_step;
    training.run_steps(after_step ? std::min(left, every - training.clock().step % every) : left);
    if (after_step) next = after_step(progress);
  }
  const Metrics metrics = finite_metrics(training);
  if (training.clock().epoch_step == training.epoch_steps()) training.end_epoch();
  return metrics;
}

void Trainer::reserve(const Dataset& train, const Dataset& test) {
  ModelState& model = impl_->training.model();
  check_features(model, test);
  check_labels(model, test);
  impl_->training.ready(train);
  model.inference(rows_at_once(test), Mode::eval).ready(model, test, {PixelScale::unit, LossUse::wanted});
}

Metrics Trainer::step(const Dataset& batch) {
  Training& training = impl_->training;
  if (training.clock().epoch_step > 0) {
    throw InvalidArgument("an epoch was stopped midway: finish it with train_epoch() before single steps");
  }
  if (batch.size() != training.options().batch) {
    throw InvalidArgument(fmt::format("a step takes a batch of {} samples, as the trainer's options say, but {} has {}",
                                      training.options().batch, batch.name(), batch.size()));
  }
  training.run_single_step(batch);
  return finite_metrics(training);
}

Metrics Trainer::evaluate(const Dataset& data, PixelScale pixels) {
  ModelState& model = impl_->training.model();
  check_features(model, data);
  check_labels(model, data);
  return to_metrics(model.inference(rows_at_once(data), Mode::eval).evaluate(model, data, pixels).front());
}

std::uint64_t Trainer::steps() const {
  return impl_->training.clock().step;
}

std::uint64_t Trainer::epochs() const {
  return impl_->training.clock().epoch;
}

std::uint64_t Trainer::epoch_steps() const {
  return impl_->training.clock().epoch_step;
}

double Trainer::learning_rate() const {
  return impl_->training.optimizer().lr;
}

void Trainer::set_learning_rate(double lr) {
  impl_->training.set_rate(lr);
}

MemoryPlan Trainer::memory_plan() const {
  MemoryPlan plan = impl_->training.model().plan();
  const MemoryPlan& own = impl_->training.plan();
  plan.entries.insert(plan.entries.end(), own.entries.begin(), own.entries.end());
  return plan;
}

void Trainer::save(const std::filesystem::path& file) const {
  save_checkpoint(impl_->training, file);
}

void Trainer::load(const std::filesystem::path& file) {
  load_checkpoint(impl_->training, file);
}

}  // namespace rushlight
