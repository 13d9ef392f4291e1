#include "src/app/training_run.h"

#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/rushlight.h>

#include <cmath>
#include <future>
#include <nlohmann/json.hpp>
#include <numeric>

#include "src/app/data_location.h"
#include "src/app/interruption.h"

namespace rushlight {
namespace {

struct Data {
  Dataset train;
  Dataset test;
};

// Both files at once where a thread is to be had: inflating them is most of the time before the first step.
Data load_data(const Settings& settings) {
  std::future<Dataset> test = std::async([&] { return load_idx_folder(settings.data, Split::test); });
  Dataset train = load_idx_folder(settings.data, Split::train);
  if (settings.limit_train > train.size()) {
    throw InvalidArgument(
        fmt::format("--limit-train is {}, but {} has {} samples", settings.limit_train, train.name(), train.size()));
  }
  if (settings.limit_train > 0) train = train.rows(0, settings.limit_train);
  return {train, test.get()};
}

/// A run goes on, and is run again, from any folder.
std::string absolute_path(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

/// A run that has a checkpoint no longer needs the file of --init-from.
enum class Weights { drawn_or_given, from_checkpoint };

Sequential build_model(const Settings& settings, const Dataset& train, const Device& device, Weights weights) {
  Sequential model(modules_of(settings, train.features(), train.classes()));
  model.to(device);
  require_memory(model, settings.batch, Mode::train);  // Drawing the weights of a large network takes minutes.
  model.initialize(XavierUniform{}, {.seed = settings.seed});
  if (!settings.init_from.empty() && weights == Weights::drawn_or_given) {
    model.load_state_dict(open_model(settings.init_from).model.state_dict());
  }
  return model;
}

void check_same_data(const std::filesystem::path& checkpoint, const Dataset& train) {
  const std::uint64_t expected = read_checkpoint_info(checkpoint).data_hash;
  if (expected == train.hash()) return;
  throw FormatError(
      fmt::format("{} was trained on data with hash {:016x}, but {} has {:016x}: name the data of that run "
                  "by --data, or start a new one with --init-from",
                  checkpoint.string(), expected, train.name(), train.hash()));
}

/// What the trainer would find only after the run's folder is there.
void check_data(const Settings& settings, const Data& data) {
  if (settings.batch > data.train.size()) {
    throw InvalidArgument(fmt::format("--batch is {}, but there are only {} training samples: choose a smaller one",
                                      settings.batch, data.train.size()));
  }
  if (data.test.features() != data.train.features() || data.test.classes() > data.train.classes()) {
    throw FormatError(fmt::format(
        "{}: the training images have {} pixels and {} classes, but the test images {} and {}: name a folder "
        "whose files belong together",
        settings.data, data.train.features(), data.train.classes(), data.test.features(), data.test.classes()));
  }
}

/// A config.toml that was edited by hand would tell of another run than the one that goes on.
void check_same_settings(const RunFolder& folder, const Settings& settings, const Trainer& trainer) {
  const std::uint64_t seed = read_checkpoint_info(folder.checkpoint()).seed;
  if (trainer.learning_rate() == settings.lr && seed == settings.seed) return;
  throw FormatError(fmt::format(
      "{} says lr {} and seed {}, but its checkpoint was trained with {} and {}: put these back, or start a "
      "new run with --init-from {}",
      folder.config().string(), settings.lr, settings.seed, trainer.learning_rate(), seed, folder.path().string()));
}

/// Puts a resumed run's files in order and the trainer where its checkpoint stands.
void restore(const RunFolder& folder, const Settings& settings, const Data& data, Sequential& model, Trainer& trainer) {
  const bool trained = folder.has_checkpoint();
  if (trained) {
    check_same_data(folder.checkpoint(), data.train);
    trainer.load(folder.checkpoint());
    check_same_settings(folder, settings, trainer);
  }
  folder.trim_log(trainer.steps());
  if (trained) save(model, folder.model());
  const std::string config = config_text(settings);
  if (read_file(folder.config()) != config) write_file(folder.config(), config);
}

/// One run from where it stands to its end, or to an interruption.
class Run {
 public:
  Run(const Settings& settings, const RunFolder& folder, Data data, Sequential& model, Trainer& trainer,
      Reporter& reporter)
      : settings_(settings),
        folder_(folder),
        data_(std::move(data)),
        model_(model),
        trainer_(trainer),
        reporter_(reporter) {}

  int go() try { return go_on(); } catch (const Diverged& error) {
    reporter_.clear();
    throw Diverged(fmt::format("{}; {}", error.what(),
                               folder_.has_checkpoint() ? fmt::format("the last good checkpoint is {}, of step {}",
                                                                      folder_.checkpoint().string(),
                                                                      read_checkpoint_info(folder_.checkpoint()).step)
                                                        : "no checkpoint was saved before"));
  }

  bool finished() const {
    return trainer_.epochs() >= static_cast<std::uint64_t>(settings_.epochs) || at_max_steps(trainer_.steps());
  }

 private:
  int go_on() {
    const InterruptionWatch watch;
    while (!finished()) {
      epoch(watch);
      if (!watch.interrupted()) continue;
      if (trainer_.epoch_steps() > 0) save_all();
      reporter_.say(fmt::format("stopped after step {}, saved; go on with: rushlight train --resume {}",
                                trainer_.steps(), folder_.path().string()));
      return kInterrupted;
    }
    if (trainer_.epoch_steps() > 0) save_all();
    return kDone;
  }

  bool at_max_steps(std::uint64_t step) const { return settings_.max_steps > 0 && step >= settings_.max_steps; }

  void epoch(const InterruptionWatch& watch) {
    reporter_.begin_epoch(trainer_.epoch_steps());
    const auto after_step = [&](const Progress& progress) {
      reporter_.step(progress);
      if (checkpoint_due(progress)) trainer_.save(folder_.checkpoint());
      return watch.interrupted() || at_max_steps(progress.step()) ? AfterStep::stop : AfterStep::go_on;
    };
    const Metrics seen = trainer_.train_epoch(data_.train, after_step, steps_at_once());
    if (trainer_.epoch_steps() > 0) return;
    const double seconds = reporter_.epoch_seconds();
    const EpochRow row{trainer_.epochs(),        trainer_.steps(), seen, trainer_.evaluate(data_.test),
                       trainer_.learning_rate(), seconds};
    if (!std::isfinite(row.test.loss)) {
      throw Diverged(fmt::format("the test loss is {} after epoch {}: train again with a lower learning rate than {}",
                                 row.test.loss, row.epoch, row.lr));
    }
    folder_.append(row);
    save_all();
    reporter_.row(row);
  }

  // A GPU takes many steps as one; none of them may be followed by something that the user asked for.
  std::uint64_t steps_at_once() const {
    constexpr std::uint64_t kMost = 64;
    if (model_.device().kind == Device::Kind::cpu) return 1;
    return std::gcd(std::gcd(kMost, settings_.checkpoint_every), settings_.max_steps);
  }

  // The checkpoint of an epoch's end follows its row of the log.
  bool checkpoint_due(const Progress& progress) const {
    return settings_.checkpoint_every > 0 && progress.step() % settings_.checkpoint_every == 0 &&
           progress.epoch_step() < progress.epoch_steps();
  }

  void save_all() {
    trainer_.save(folder_.checkpoint());
    save(model_, folder_.model());
  }

  const Settings& settings_;
  const RunFolder& folder_;
  Data data_;
  Sequential& model_;
  Trainer& trainer_;
  Reporter& reporter_;
};

void show_files(const RunFolder& folder, const TrainRequest& request, Streams streams) {
  if (request.talk == Talk::json) {
    nlohmann::ordered_json files;
    files["run"] = folder.path().string();
    files["model"] = folder.model().string();
    streams.out << files.dump() << std::endl;
  } else if (request.talk == Talk::table) {
    streams.out << fmt::format("\nrun    {}\nmodel  {}\nlog    {}\n", folder.path().string(), folder.model().string(),
                               folder.log().string())
                << std::flush;
  }
}

}  // namespace

int train(const TrainRequest& request, Streams streams) {
  Settings settings = request.settings;
  check(settings);
  Reporter reporter(streams, request.talk, settings.epochs, settings.batch);
  const DeviceChoice choice = choose_device(settings);
  if (settings.device == "auto") reporter.say("device: " + choice.reason);
  settings.data = absolute_path(require_data(settings.data));
  if (!settings.init_from.empty()) settings.init_from = absolute_path(settings.init_from);
  reporter.say("data: " + settings.data);
  Data data = load_data(settings);
  check_data(settings, data);
  const bool resumed = !request.resume.empty();
  const bool trained = resumed && holds_checkpoint(request.resume);
  Sequential model =
      build_model(settings, data.train, choice.device, trained ? Weights::from_checkpoint : Weights::drawn_or_given);
  Trainer trainer(model, CrossEntropyLoss{}, Adam{{.lr = settings.lr}},
                  {.batch = settings.batch, .shuffle = settings.no_shuffle ? Shuffle::off : Shuffle::keyed});
  trainer.reserve(data.train, data.test);
  const RunFolder folder =
      resumed ? RunFolder::open(request.resume) : RunFolder::create(request.out, config_text(settings));
  if (resumed) restore(folder, settings, data, model, trainer);
  Run run(settings, folder, std::move(data), model, trainer, reporter);
  if (resumed && run.finished()) {
    reporter.say(fmt::format("{} is complete: {} epochs, {} steps; train longer with --epochs or --max-steps",
                             folder.path().string(), trainer.epochs(), trainer.steps()));
  }
  const int code = run.go();
  if (code == kDone) show_files(folder, request, streams);
  return code;
}

}  // namespace rushlight
