#include "src/train/checkpoint.h"

#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/io.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "src/io/model_description.h"
#include "src/io/safetensors.h"

namespace rushlight {
namespace {

constexpr const char* kFirstMoments = "optimizer.exp_avg.";
constexpr const char* kSecondMoments = "optimizer.exp_avg_sq.";

/// The metadata of a checkpoint, read with errors that name the file and the key.
class Metadata {
 public:
  explicit Metadata(const SafetensorsReader& reader) : reader_(reader) {
    if (text("rushlight_format") != "1") fail("rushlight_format", "1");
  }

  const std::string& text(const std::string& key) const {
    const auto at = reader_.metadata().find(key);
    if (at == reader_.metadata().end()) {
      throw FormatError(
          fmt::format("{}: the metadata has no \"{}\", so this is no checkpoint of a training: give a "
                      "checkpoint.safetensors, or start a new run from these weights",
                      reader_.file().string(), key));
    }
    return at->second;
  }

  template <class T>
  T number(const std::string& key, int base = 10) const {
    const std::string& value = text(key);
    T result{};
    const char* const end = value.data() + value.size();
    std::from_chars_result parsed;
    if constexpr (std::is_floating_point_v<T>) {
      parsed = std::from_chars(value.data(), end, result);
      if (!std::isfinite(result)) fail(key, "a finite number");
    } else {
      parsed = std::from_chars(value.data(), end, result, base);
    }
    if (parsed.ec != std::errc() || parsed.ptr != end) fail(key, "a number");
    return result;
  }

  /// @throws FormatError that says what the training has.
  void require(const std::string& key, const std::string& expected) const {
    if (text(key) != expected) fail(key, expected);
  }

  [[noreturn]] void fail(const std::string& key, const std::string& expected) const {
    throw FormatError(fmt::format("{}: the metadata's \"{}\" must be {}, but is {}", reader_.file().string(), key,
                                  expected, text(key)));
  }

 private:
  const SafetensorsReader& reader_;
};

/// What must be the same for a training to go on.
std::map<std::string, std::string> settings(const Training& training) {
  const AdamOptions& adam = training.optimizer();
  return {{"rushlight_model", describe_modules(training.model().modules())},
          {"batch", std::to_string(training.options().batch)},
          {"shuffle", training.options().shuffle == Shuffle::keyed ? "keyed" : "off"},
          {"optimizer", "adam"},
          {"beta1", fmt::format("{}", adam.beta1)},
          {"beta2", fmt::format("{}", adam.beta2)},
          {"eps", fmt::format("{}", adam.eps)}};
}

std::map<std::string, std::string> metadata_of(const Training& training, const EpochSums& sums) {
  std::map<std::string, std::string> metadata = settings(training);
  const TrainingClock& clock = training.clock();
  const bool midway = clock.epoch_step > 0;
  metadata.emplace("rushlight_format", "1");
  metadata["rushlight_seed"] = std::to_string(training.model().members().front().seed);
  metadata["step"] = std::to_string(clock.step);
  metadata["epoch"] = std::to_string(clock.epoch);
  metadata["epoch_step"] = std::to_string(clock.epoch_step);
  metadata["data_hash"] = fmt::format("{:016x}", training.data().hash);
  metadata["data_first"] = std::to_string(training.data().first);
  metadata["data_samples"] = std::to_string(training.data().size);
  metadata["epoch_loss_sum"] = fmt::format("{}", midway ? sums.loss : 0.0);
  metadata["epoch_correct"] = std::to_string(midway ? sums.correct : 0);
  metadata["epoch_samples"] = std::to_string(midway ? sums.samples : 0);
  metadata["lr"] = fmt::format("{}", training.optimizer().lr);
  return metadata;
}

TrainingClock read_clock(const Metadata& metadata, const DataIdentity& data, std::int64_t batch) {
  const TrainingClock clock{metadata.number<std::uint64_t>("step"), metadata.number<std::uint64_t>("epoch"),
                            metadata.number<std::uint64_t>("epoch_step")};
  if (data.first < 0) metadata.fail("data_first", "0 or more");
  if (data.size < 0) metadata.fail("data_samples", "0 or more");
  if (clock.epoch_step > static_cast<std::uint64_t>(data.size / batch)) {
    metadata.fail("epoch_step", "no more than the batches of data_samples");
  }
  if (clock.step >= kMaxSteps || clock.step < clock.epoch_step) {
    metadata.fail("step", "below 2^32 and no less than epoch_step");
  }
  if (clock.epoch > clock.step - clock.epoch_step) metadata.fail("epoch", "no more than the steps before epoch_step");
  return clock;
}

EpochSums read_sums(const Metadata& metadata, const TrainingClock& clock, std::int64_t batch) {
  const EpochSums sums{metadata.number<double>("epoch_loss_sum"), metadata.number<std::uint64_t>("epoch_correct"),
                       metadata.number<std::uint64_t>("epoch_samples")};
  if (sums.loss < 0.0) metadata.fail("epoch_loss_sum", "0 or more");
  if (sums.samples != clock.epoch_step * static_cast<std::uint64_t>(batch)) {
    metadata.fail("epoch_samples", "epoch_step times batch");
  }
  if (sums.correct > sums.samples) metadata.fail("epoch_correct", "no more than epoch_samples");
  return sums;
}

void append(std::vector<Tensor>& to, std::vector<Tensor> tensors) {
  std::move(tensors.begin(), tensors.end(), std::back_inserter(to));
}

void check_finite(const Tensor& tensor) {
  const auto at =
      std::find_if(tensor.values.begin(), tensor.values.end(), [](float value) { return !std::isfinite(value); });
  if (at == tensor.values.end()) return;
  throw Diverged(fmt::format("nothing was saved, as element {} of {} is {}: train again with a lower learning rate",
                             at - tensor.values.begin(), tensor.name, *at));
}

/// A block's tensors in the order of the layout. @throws FormatError naming the tensor.
std::vector<Tensor> read_block(const SafetensorsReader& reader, const ParameterLayout& layout,
                               const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (const Parameter& parameter : layout.parameters()) {
    const std::string name = prefix + parameter.name;
    const TensorEntry* const entry = reader.find(name);
    if (entry == nullptr || entry->shape != parameter.shape) {
      throw FormatError(fmt::format("{}: tensor {} of the shape that the model has is {}", reader.file().string(), name,
                                    entry == nullptr ? "missing" : "there with another shape"));
    }
    tensors.push_back({name, parameter.shape, reader.read(*entry)});
  }
  return tensors;
}

std::vector<const Tensor*> pointers(const std::vector<Tensor>& tensors) {
  std::vector<const Tensor*> result;
  for (const Tensor& tensor : tensors) result.push_back(&tensor);
  return result;
}

}  // namespace

void save_checkpoint(const Training& training, const std::filesystem::path& file) {
  const EpochSums sums = training.sums().front();
  if (!std::isfinite(sums.loss)) {
    throw Diverged(
        fmt::format("nothing was saved, as the epoch's loss is {}: train again with a lower learning rate", sums.loss));
  }
  const ModelState& model = training.model();
  std::vector<Tensor> tensors = model.state_dict(0);
  append(tensors, model.download(training.first_moments(), 0, kFirstMoments));
  append(tensors, model.download(training.second_moments(), 0, kSecondMoments));
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) {
    check_finite(tensor);
    views.push_back({tensor.name, tensor.shape, tensor.values});
  }
  write_safetensors(file, views, metadata_of(training, sums));
}

void load_checkpoint(Training& training, const std::filesystem::path& file) {
  training.require_same_device();
  const SafetensorsReader reader(file);
  const Metadata metadata(reader);
  for (const auto& [key, value] : settings(training)) metadata.require(key, value);
  ModelState& model = training.model();
  const std::int64_t batch = training.options().batch;
  const DataIdentity data{metadata.number<std::uint64_t>("data_hash", 16), metadata.number<std::int64_t>("data_first"),
                          metadata.number<std::int64_t>("data_samples")};
  const TrainingClock clock = read_clock(metadata, data, batch);
  const EpochSums sums = read_sums(metadata, clock, batch);
  const auto seed = metadata.number<std::uint64_t>("rushlight_seed");
  const auto lr = metadata.number<double>("lr");
  if (lr < 0.0) metadata.fail("lr", "0 or more");
  const std::vector<Tensor> weights = read_block(reader, *model.layout(), "");
  const std::vector<Tensor> first = read_block(reader, *model.layout(), kFirstMoments);
  const std::vector<Tensor> second = read_block(reader, *model.layout(), kSecondMoments);

  model.set_seed(0, seed);
  model.upload(model.parameters(), 0, pointers(weights));
  model.upload(training.first_moments(), 0, pointers(first));
  model.upload(training.second_moments(), 0, pointers(second));
  training.resume(clock, data, sums, lr);
}

CheckpointInfo read_checkpoint_info(const std::filesystem::path& file) {
  const SafetensorsReader reader(file);
  const Metadata metadata(reader);
  return {metadata.number<std::uint64_t>("step"), metadata.number<std::uint64_t>("epoch"),
          metadata.number<std::uint64_t>("epoch_step"), metadata.number<std::uint64_t>("rushlight_seed"),
          metadata.number<std::uint64_t>("data_hash", 16)};
}

}  // namespace rushlight
