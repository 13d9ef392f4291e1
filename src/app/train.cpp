// `rushlight train`: a new run, or one that goes on.
#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/io.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "src/app/config_file.h"
#include "src/app/data_search.h"
#include "src/app/requests.h"
#include "src/app/run.h"
#include "src/app/run_folder.h"
#include "src/app/shell.h"
#include "src/app/train_options.h"
#include "src/app/training_session.h"

namespace rushlight::app {
namespace {

constexpr std::uint64_t kMostSteps = (std::uint64_t{1} << 32) - 1;

TrainingSession::Data load_data(const TrainOptions& options, const DataPlace& place, const Console& console) {
  Dataset train = load_idx_folder(place.folder, Split::train);
  if (options.limit_train && *options.limit_train > train.size()) {
    throw InvalidArgument(fmt::format("limit-train is {}, but {} has only {} training samples", *options.limit_train,
                                      place.folder.string(), train.size()));
  }
  if (options.limit_train) train = train.rows(0, *options.limit_train);
  TrainingSession::Data data{std::move(train), load_idx_folder(place.folder, Split::test)};
  console.say(fmt::format("data: {} ({}): {} to train, {} to test", place.folder.string(), place.reason,
                          describe(data.train), data.test.size()));
  return data;
}

// All that the trainer would find only after the run's folder is there.
void check_data(const TrainOptions& options, const TrainingSession::Data& data) {
  if (options.batch > data.train.size()) {
    throw InvalidArgument(fmt::format("the batch of {} is larger than the {} training samples: choose a smaller --batch",
                                      options.batch, data.train.size()));
  }
  if (data.test.features() != data.train.features()) {
    throw FormatError(fmt::format("the training images have {} pixels, but the test images have {}: give --data a "
                                  "folder whose four files belong together",
                                  data.train.features(), data.test.features()));
  }
  const auto epoch_steps = static_cast<std::uint64_t>(data.train.size() / options.batch);
  const std::uint64_t steps = epoch_steps * static_cast<std::uint64_t>(options.epochs);
  if (std::min(steps, options.max_steps.value_or(steps)) > kMostSteps) {
    throw InvalidArgument(fmt::format("{} epochs of {} steps are more than the {} steps that a training may have: "
                                      "choose fewer --epochs",
                                      options.epochs, epoch_steps, kMostSteps));
  }
}

std::string sizes_text(const std::vector<Linear>& layers) {
  std::string text = std::to_string(layers.front().in_features());
  for (const Linear& layer : layers) text += fmt::format("-{}", layer.out_features());
  return text;
}

std::vector<Linear> linears_of(const Sequential& model) {
  std::vector<Linear> layers;
  for (const Module& module : model.modules()) {
    if (const auto* const layer = std::get_if<Linear>(&module)) layers.push_back(*layer);
  }
  return layers;
}

// Layers go by their order: a file without Dropout has other numbers in its names.
void start_from(Sequential& model, const std::filesystem::path& given, const Console& console) {
  const std::filesystem::path file = model_file(given);
  const LoadedModel loaded = load(file);
  if (!loaded.inferred.empty()) console.say(loaded.inferred);
  const auto there = linears_of(loaded.model);
  const auto here = linears_of(model);
  if (there != here) {
    throw InvalidArgument(fmt::format("{} holds a network of {} units, but the options and the data make one of {}: "
                                      "give the --hidden of the file",
                                      file.string(), sizes_text(there), sizes_text(here)));
  }
  std::vector<Tensor> tensors = loaded.model.state_dict();
  const std::vector<Tensor> own = model.state_dict();
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].name = own[i].name;
  model.load_state_dict(tensors);
  console.say(fmt::format("weights: from {}", file.string()));
}

enum class Weights { fresh, in_checkpoint };

Sequential make_model(const TrainOptions& options, const TrainingSession::Data& data, Weights weights,
                      const Console& console) {
  const std::int64_t classes = std::max(data.train.classes(), data.test.classes());
  Sequential model = build_network(options, data.train.features(), classes);
  const DeviceChoice choice = choose_device(options.device, options.threads);
  console.say("device: " + choice.reason);
  model.initialize(XavierUniform{}, {.seed = options.seed}).to(choice.device);
  if (options.init_from && weights == Weights::fresh) start_from(model, *options.init_from, console);
  return model;
}

Trainer make_trainer(Sequential& model, const TrainOptions& options) {
  return Trainer(model, CrossEntropyLoss{}, Adam({.lr = options.lr}), {.batch = options.batch, .shuffle = options.shuffle});
}

std::string run_name(const std::optional<std::filesystem::path>& config) {
  const std::string stem = config ? config->stem().string() : "";
  return stem.empty() || stem == "config" ? "lab" : stem;
}

int start(const TrainRequest& request, const Console& console) {
  Settings settings = settings_of(request.given, request.config);
  const TrainOptions options = to_train_options(settings);
  if (request.out) check_new_run(*request.out);
  const DataPlace place = find_data(options.data);
  const TrainingSession::Data data = load_data(options, place, console);
  check_data(options, data);
  Sequential model = make_model(options, data, Weights::fresh, console);
  Trainer trainer = make_trainer(model, options);
  const RunFolder folder = RunFolder::create(request.out, run_name(request.config));
  settings["data"] = {place.folder.string(), {}};
  write_file(folder.config(), config_text(settings));
  console.say(fmt::format("run: {}", folder.path().string()));
  return TrainingSession(options, folder, data, model, trainer, request.output, console).run();
}

void check_unchanged(const Settings& stored, const Settings& given) {
  for (const auto& [key, entry] : given) {
    if (find_setting(key)->on_resume == OnResume::change) continue;
    const auto found = stored.find(key);
    const SettingValue before = found == stored.end() ? SettingValue() : found->second.value;
    if (before == entry.value) continue;
    entry.origin.fail(fmt::format("is {}, but the run has {}: a resumed run keeps it; to start a new run from the "
                                  "weights of this one, use --init-from",
                                  to_text(entry.value), to_text(before)));
  }
}

void check_hash(const TrainingSession::Data& data, const std::optional<CheckpointInfo>& checkpoint,
                const DataPlace& place) {
  if (!checkpoint || checkpoint->data_hash == data.train.hash()) return;
  throw FormatError(fmt::format("the training data in {} has the hash {:016x}, but the run was trained on data of hash "
                                "{:016x}: put the data of then there",
                                place.folder.string(), data.train.hash(), checkpoint->data_hash));
}

int resume(const TrainRequest& request, const Console& console) {
  const RunFolder folder = RunFolder::open(*request.resume);
  const Settings stored = merged(initial_settings(), read_config(folder.config()));
  check_unchanged(stored, request.given);
  const Settings settings = merged(stored, request.given);
  const TrainOptions options = to_train_options(settings);
  const auto checkpoint = folder.checkpoint_info();
  if (checkpoint && is_complete(options, checkpoint->epoch, checkpoint->step)) {
    folder.repair(checkpoint);
    report_end("complete", options, folder, checkpoint->epoch, checkpoint->step, request.output, console);
    return kDone;
  }
  const DataPlace place = find_data(options.data);
  const TrainingSession::Data data = load_data(options, place, console);
  check_hash(data, checkpoint, place);
  check_data(options, data);
  Sequential model = make_model(options, data, checkpoint ? Weights::in_checkpoint : Weights::fresh, console);
  Trainer trainer = make_trainer(model, options);
  if (checkpoint) trainer.load(folder.checkpoint());
  folder.repair(checkpoint);
  const std::string config = config_text(settings);
  if (config != read_file(folder.config())) write_file(folder.config(), config);
  console.say(fmt::format("run: {}, from step {} on", folder.path().string(), trainer.steps()));
  return TrainingSession(options, folder, data, model, trainer, request.output, console).run();
}

}  // namespace

Settings settings_of(const Settings& given, const std::optional<std::filesystem::path>& config) {
  Settings settings = initial_settings();
  if (config) settings = merged(std::move(settings), read_config(*config));
  return merged(std::move(settings), given);
}

int run_request(const TrainRequest& request, const Streams& streams) {
  const Console console{streams, request.talk};
  return request.resume ? resume(request, console) : start(request, console);
}

}  // namespace rushlight::app
