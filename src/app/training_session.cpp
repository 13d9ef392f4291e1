#include "src/app/training_session.h"

#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/io.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "src/app/run.h"
#include "src/app/shell.h"

namespace rushlight::app {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

bool is_complete(const TrainOptions& options, std::uint64_t epochs, std::uint64_t steps) {
  return epochs >= static_cast<std::uint64_t>(options.epochs) || (options.max_steps && steps >= *options.max_steps);
}

void report_end(const char* status, const TrainOptions& options, const RunFolder& folder, std::uint64_t epochs,
                std::uint64_t steps, Output output, const Console& console) {
  if (output == Output::json) {
    const nlohmann::ordered_json row{{"status", status},
                                     {"run", folder.path().string()},
                                     {"epochs", epochs},
                                     {"step", steps},
                                     {"model", folder.model().string()},
                                     {"checkpoint", folder.checkpoint().string()}};
    console.streams.out << row.dump() << std::endl;
  }
  const bool by_epochs = epochs >= static_cast<std::uint64_t>(options.epochs);
  console.say(fmt::format("{} after {} epochs and {} steps: {}", status, epochs, steps, folder.model().string()));
  console.say(fmt::format("to train longer: {} train --resume {} {}", shell_word(console.streams.program),
                          shell_word(folder.path().string()),
                          by_epochs ? fmt::format("--epochs {}", 2 * options.epochs) : "--max-steps none"));
}

TrainingSession::TrainingSession(const TrainOptions& options, const RunFolder& folder, const Data& data,
                                 Sequential& model, Trainer& trainer, Output output, const Console& console)
    : options_(options),
      folder_(folder),
      data_(data),
      model_(model),
      trainer_(trainer),
      output_(output),
      console_(console),
      display_(console, static_cast<std::uint64_t>(options.epochs), options.batch) {}

int TrainingSession::run() try {
  return run_epochs();
} catch (const Diverged& error) {
  display_.clear();
  std::error_code ignored;
  const bool saved = std::filesystem::exists(folder_.checkpoint(), ignored);
  throw Diverged(saved ? fmt::format("{}; the last good checkpoint is {}, of step {}", error.what(),
                                     folder_.checkpoint().string(), read_checkpoint_info(folder_.checkpoint()).step)
                       : fmt::format("{}; no checkpoint was saved before", error.what()));
} catch (...) {
  display_.clear();
  throw;
}

int TrainingSession::run_epochs() {
  print_header();
  while (!complete()) {
    const Metrics seen = train_epoch();
    display_.clear();
    const bool midway = trainer_.epoch_steps() > 0;
    if (!midway) {
      finish_epoch(seen);
    } else {
      trainer_.save(folder_.checkpoint());
    }
    if (midway && complete()) save(model_, folder_.model());
    if (interrupts_.requested() && !complete()) return interrupted();
  }
  const bool by_epochs = trainer_.epochs() >= static_cast<std::uint64_t>(options_.epochs);
  report_end(by_epochs ? "complete" : "stopped", options_, folder_, trainer_.epochs(), trainer_.steps(), output_,
             console_);
  return kDone;
}

Metrics TrainingSession::train_epoch() {
  display_.begin_epoch();
  saving_seconds_ = 0;
  const Clock::time_point begin = Clock::now();
  const Metrics seen = trainer_.train_epoch(
      data_.train, [this](const rushlight::Progress& progress) { return after_step(progress); });
  epoch_seconds_ = seconds_since(begin) - saving_seconds_;
  return seen;
}

AfterStep TrainingSession::after_step(const rushlight::Progress& progress) {
  display_.update(progress, steps_left(progress));
  if (options_.max_steps && progress.step() >= *options_.max_steps) return AfterStep::stop;
  if (interrupts_.requested()) return AfterStep::stop;
  // After the last step the epoch's own checkpoint follows, and no row may be older than a checkpoint.
  const bool last = progress.epoch_step() == progress.epoch_steps();
  if (options_.checkpoint_every && progress.step() % *options_.checkpoint_every == 0 && !last) {
    const Clock::time_point begin = Clock::now();
    trainer_.save(folder_.checkpoint());
    saving_seconds_ += seconds_since(begin);
  }
  return AfterStep::go_on;
}

void TrainingSession::finish_epoch(const Metrics& seen) {
  const Metrics held = trainer_.evaluate(data_.test);
  if (!std::isfinite(held.loss)) {
    throw Diverged(fmt::format("the test loss is {} after epoch {}: train again with a lower learning rate than {}",
                               held.loss, trainer_.epochs(), trainer_.learning_rate()));
  }
  const LogRow row{trainer_.epochs(), trainer_.steps(),  seen.loss,
                   seen.accuracy,     held.loss,         held.accuracy,
                   trainer_.learning_rate(), std::round(epoch_seconds_ * 1e3) / 1e3};
  folder_.append(row);
  trainer_.save(folder_.checkpoint());
  save(model_, folder_.model());
  print_row(row);
}

int TrainingSession::interrupted() {
  if (output_ == Output::json) {
    const nlohmann::ordered_json row{{"status", "interrupted"},
                                     {"run", folder_.path().string()},
                                     {"epochs", trainer_.epochs()},
                                     {"step", trainer_.steps()},
                                     {"checkpoint", folder_.checkpoint().string()}};
    console_.streams.out << row.dump() << std::endl;
  }
  console_.streams.err << fmt::format("rushlight: interrupted after step {}, which is saved; to go on: {} train --resume {}\n",
                                      trainer_.steps(), shell_word(console_.streams.program),
                                      shell_word(folder_.path().string()))
                       << std::flush;
  return kInterrupted;
}

bool TrainingSession::complete() const {
  return is_complete(options_, trainer_.epochs(), trainer_.steps());
}

std::uint64_t TrainingSession::steps_left(const rushlight::Progress& progress) const {
  const auto epochs = static_cast<std::uint64_t>(options_.epochs);
  const std::uint64_t left = (epochs - progress.epoch()) * progress.epoch_steps() - progress.epoch_step();
  return options_.max_steps ? std::min(left, *options_.max_steps - progress.step()) : left;
}

void TrainingSession::print_header() const {
  if (output_ != Output::table) return;
  console_.streams.out << "epoch  train loss  train accuracy  test loss  test accuracy  seconds" << std::endl;
}

void TrainingSession::print_row(const LogRow& row) const {
  if (output_ == Output::json) console_.streams.out << to_json(row) << std::endl;
  if (output_ != Output::table) return;
  console_.streams.out << fmt::format("{:>5}  {:>10.4f}  {:>14.4f}  {:>9.4f}  {:>13.4f}  {:>7.2f}", row.epoch,
                                      row.train_loss, row.train_accuracy, row.test_loss, row.test_accuracy, row.seconds)
                       << std::endl;
}

}  // namespace rushlight::app
