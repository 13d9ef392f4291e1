// The cases `lab` and `wide`: a Trainer's steps beside their products alone.
#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/trainer.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "src/backend/cpu/processor.h"
#include "src/train/bench_cases.h"
#include "src/train/lab.h"
#include "src/train/random_data.h"

namespace rushlight {
namespace {

constexpr std::int64_t kLabSamples = 60'000, kLabBatch = 100;
constexpr std::int64_t kWideEpoch = 4, kWideBatch = 65'536, kWideBatchOnCpu = 512, kWideBatchEmulated = 4;

/// Steps of a Trainer.
class TrainingRuns {
 public:
  TrainingRuns(const std::vector<Module>& modules, std::int64_t batch, Dataset data, const Device& device)
      : model_(modules), data_(std::move(data)), batch_(batch), epoch_(data_.size() / batch) {
    model_.to(device).initialize(XavierUniform{});
  }

  // Another number than last time begins a new training, so that turns end where epochs do.
  void run(std::int64_t steps) {
    if (steps != turn_) {
      trainer_.reset();
      trainer_.emplace(model_, CrossEntropyLoss{}, Adam{}, TrainerOptions{.batch = batch_});
      turn_ = steps;
    }
    if (steps < epoch_) {
      trainer_->train_epoch(
          data_, [](const Progress&) { return AfterStep::stop; }, static_cast<std::uint64_t>(steps));
    }
    for (; steps >= epoch_; steps -= epoch_) trainer_->train_epoch(data_);
  }

  /// The largest number of steps up to this one that is a part of an epoch, or whole epochs.
  std::int64_t fit(std::int64_t steps) const {
    if (steps >= epoch_) return steps / epoch_ * epoch_;
    while (epoch_ % steps != 0) --steps;
    return steps;
  }

  std::int64_t batch() const { return batch_; }
  std::int64_t epoch() const { return epoch_; }
  std::int64_t parameter_count() const { return model_.parameter_count(); }

 private:
  Sequential model_;
  Dataset data_;
  std::int64_t batch_, epoch_;
  std::int64_t turn_ = 0;
  std::optional<Trainer> trainer_;
};

/// A training and its rehearsal, which shows its nodes, are on the device at once.
std::int64_t largest_batch(const std::vector<Module>& modules, const BenchPlace& place) {
  if (place.emulated) return kWideBatchEmulated;
  if (place.on_cpu()) return kWideBatchOnCpu;
  Sequential model(modules);
  model.to(place.backend->device());
  for (std::int64_t batch = kWideBatch;; batch /= 2) {
    try {
      const std::int64_t data = batch * kWideEpoch * kLabFeatures;
      const Buffer probe(place.backend, 2 * (plan_memory(model, batch, Mode::train).bytes() + data));
      return batch;
    } catch (const DeviceError&) {
      if (batch <= kWideBatchOnCpu) throw;
    }
  }
}

std::int64_t batch_of(const BenchOptions& options, const std::vector<Module>& modules, const BenchPlace& place) {
  if (options.batch != 0) return options.batch;
  return options.which == BenchCase::wide ? largest_batch(modules, place) : kLabBatch;
}

std::int64_t samples_for(BenchCase which, std::int64_t batch, const BenchPlace& place) {
  if (which == BenchCase::wide || place.emulated) return kWideEpoch * batch;
  return std::max(kLabSamples / batch, std::int64_t{2}) * batch;
}

BenchPart steps_part(const std::shared_ptr<TrainingRuns>& training, BenchCase which, std::int64_t flops) {
  BenchPart part;
  Measurement& measurement = part.measurement;
  measurement.name = which == BenchCase::wide ? "step" : "epoch";
  measurement.steps = which == BenchCase::wide ? 1 : training->epoch();
  measurement.what = fmt::format("{} training step{} of {} samples", measurement.steps,
                                 measurement.steps == 1 ? "" : "s", training->batch());
  measurement.samples = training->batch();
  measurement.flops = flops;
  part.run = [training](std::int64_t times) { training->run(times); };
  part.fit = [training](std::int64_t times) { return training->fit(times); };
  return part;
}

}  // namespace

BenchReport bench_training(const BenchOptions& options, const BenchPlace& place) {
  const std::vector<Module> modules = options.which == BenchCase::wide ? lab_modules(4096) : lab_modules();
  const std::int64_t batch = batch_of(options, modules, place);
  const Dataset data = random_data(samples_for(options.which, batch, place), kLabFeatures, kLabClasses);
  const auto training = std::make_shared<TrainingRuns>(modules, batch, data, place.backend->device());
  training->run(training->fit(4));
  BenchReport report{.network = widths_of(modules),
                     .parameters = training->parameter_count(),
                     .batch = batch,
                     .peak_memory_bytes = peak_memory_bytes()};

  const auto rehearsal = std::make_shared<Rehearsal>(modules, batch, Mode::train, place.backend, data);
  const auto clock = std::make_shared<NodeClock>(rehearsal);
  BenchPart steps = steps_part(training, options.which, flops_of(products_of(rehearsal->program())));
  BenchPart products = products_part(
      place.on_cpu() ? std::make_shared<Rehearsal>(modules, batch, Mode::train, place.plain_backend(), data)
                     : rehearsal,
      1);
  products.measurement.steps = steps.measurement.steps;
  const std::string name = steps.measurement.name;

  BenchRounds rounds(options.seconds, options.rounds);
  add_ceilings(rounds, place);
  rounds.add(std::move(products));
  rounds.add(std::move(steps));
  rounds.add(nodes_part(clock));
  rounds.warm_up();
  clock->forget();
  rounds.run();

  report.ceilings = ceilings_of(rounds);
  report.results = {rounds.measured(name)};
  report.ratios = {{name + "_to_products", rounds.ratio(name, "products")}};
  report.phases = clock->phases();
  report.nodes = clock->nodes();
  return report;
}

}  // namespace rushlight
