#include "src/train/training.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <cmath>
#include <utility>

#include "src/train/inference.h"

namespace rushlight {

void check_batch(std::int64_t batch) {
  if (batch < 1 || batch >= std::int64_t{1} << 31) {
    throw InvalidArgument(
        fmt::format("a batch has at least 1 sample and fewer than 2147483648, but {} was given", batch));
  }
}

TrainingPlan::TrainingPlan(const ModelState& model, const AdamOptions& options, std::int64_t batch)
    : gradients(layout.add(MemoryUse::gradients, "gradients", model.layout()->bytes(model.models()))),
      pass(model.modules(), *model.layout(), *model.backend(), {model.models(), batch, Mode::train}, layout),
      adam(options, model.models(), model.layout()->size(), layout),
      parameter_layout_(*model.layout()),
      updates_by_layer_(model.backend()->updates_by_layer()) {}

Program TrainingPlan::step(std::byte* arena, const ParameterBlock& parameters, const BatchSource& source) const {
  const ParameterBlock block{gradients.in<float>(arena), parameters.models, parameters.size};
  Network::LayerDone update_layer;
  if (updates_by_layer_) {
    update_layer = [&](Program& program, std::uint32_t linear) {
      append_update(program, fmt::format("{}.Adam", linear), arena, parameters, parameter_layout_.extent(linear));
    };
  }
  Program program;
  pass.append_forward(program, arena, parameters, source);
  adam.append_corrections(program, arena, pass.state(arena));
  pass.append_backward(program, arena, parameters, block, update_layer);
  if (!updates_by_layer_) append_update(program, "Adam", arena, parameters, {0, parameters.size});
  pass.append_advance(program, arena);
  return program;
}

void TrainingPlan::append_update(Program& program, std::string name, std::byte* arena, const ParameterBlock& parameters,
                                 const ParameterLayout::Extent& extent) const {
  const ParameterBlock block{gradients.in<float>(arena), parameters.models, parameters.size};
  adam.append_update(program, std::move(name), arena, extent.offset, parameters.part(extent),
                     block.part(extent).as_const());
}

Training::Training(std::shared_ptr<ModelState> model, const AdamOptions& options, TrainerOptions trainer_options)
    : model_(std::move(model)),
      backend_(model_->backend()),
      layout_(model_->layout()),
      optimizer_(options),
      options_(trainer_options),
      plan_(*model_, options, trainer_options.batch),
      arena_(backend_, plan_.layout.bytes()) {
  backend_->fill_zero(arena_.data(), arena_.bytes());
  members_ = model_->members();
  plan_.pass.initialize(*backend_, arena_.data(), members_);
  plan_.adam.initialize(*backend_, arena_.data());
}

ParameterBlock Training::first_moments() const {
  return block(plan_.adam.first_moments(arena_.data()));
}

ParameterBlock Training::second_moments() const {
  return block(plan_.adam.second_moments(arena_.data()));
}

void Training::require_same_device() const {
  if (model_->backend() == backend_) return;
  throw InvalidArgument("the model moved to another device after its Trainer was built: build a new Trainer");
}

void Training::check_data(const Dataset& data) const {
  check_features(*model_, data);
  check_labels(*model_, data);
  if (data.size() < options_.batch) {
    throw InvalidArgument(
        fmt::format("an epoch needs at least one batch of {} samples, but {} has {}: choose a smaller "
                    "batch",
                    options_.batch, data.name(), data.size()));
  }
  if (static_cast<std::uint64_t>(data.size()) > kMaxSteps) {
    throw InvalidArgument(fmt::format("a data set has at most 2^32 samples, but {} has {}", data.name(), data.size()));
  }
}

void Training::check_steps(std::uint64_t count) const {
  if (clock_.step + count > kMaxSteps - 1)
    throw InvalidArgument("a training has at most 2^32 - 1 steps, which are done");
}

void Training::follow_seeds() {
  if (members_ == model_->members()) return;
  members_ = model_->members();
  plan_.pass.set_members(*backend_, arena_.data(), members_);
  epoch_program_.reset();
}

void Training::ready(const Dataset& data) {
  require_same_device();
  check_data(data);
  make_ready(data);
}

void Training::make_ready(const Dataset& data) {
  if (!resident_ || !resident_->data().same_view(data)) {
    epoch_program_.reset();
    resident_ = std::make_unique<ResidentData>(backend_, data);
  }
  follow_seeds();
  if (!epoch_program_) {
    epoch_program_ = program({.pixels = resident_->pixels(),
                              .labels = resident_->labels(),
                              .order = options_.shuffle == Shuffle::keyed ? SampleOrder::shuffled : SampleOrder::file,
                              .shuffle_seed = members_.front().seed});
  }
}

void Training::begin_epoch(const Dataset& data) {
  require_same_device();
  check_data(data);
  const DataIdentity identity = DataIdentity::of(data);
  if (clock_.epoch_step > 0 && identity != data_) {
    throw InvalidArgument(
        fmt::format("an epoch was stopped after step {} of it and must go on with the same data (hash "
                    "{:016x}, {} samples), but {} has hash {:016x} and {} samples",
                    clock_.epoch_step, data_.hash, data_.size, data.name(), identity.hash, identity.size));
  }
  make_ready(data);
  data_ = identity;
  if (clock_.epoch_step == 0) clear_sums();
  set_state(clock_.epoch_step * static_cast<std::uint64_t>(options_.batch), static_cast<std::uint64_t>(data.size()));
}

void Training::run_steps(std::uint64_t count) {
  check_steps(count);
  epoch_program_->run(static_cast<std::int64_t>(count));
  clock_.step += count;
  clock_.epoch_step += count;
}

void Training::end_epoch() {
  ++clock_.epoch;
  clock_.epoch_step = 0;
}

std::vector<EpochSums> Training::sums() const {
  std::vector<EpochSums> sums(static_cast<std::size_t>(model_->models()));
  download_values(*backend_, sums.data(), plan_.pass.sums(arena_.data()), model_->models());
  return sums;
}

void Training::run_single_step(const Dataset& batch) {
  require_same_device();
  check_data(batch);
  check_steps(1);
  follow_seeds();
  const auto pixels = static_cast<std::int64_t>(batch.pixels().size_bytes());
  const auto labels = static_cast<std::int64_t>(batch.labels().size_bytes());
  if (!single_program_) {
    staging_ = Buffer(backend_, align_up(pixels) + align_up(labels));
    void* const after = staging_.data() + align_up(pixels);
    single_program_ = program({.pixels = static_cast<const std::uint8_t*>(static_cast<void*>(staging_.data())),
                               .labels = static_cast<const std::int32_t*>(after)});
  }
  backend_->upload({staging_.data(), pixels}, batch.pixels().data());
  backend_->upload({staging_.data() + align_up(pixels), labels}, batch.labels().data());
  clear_sums();
  set_state(0, static_cast<std::uint64_t>(batch.size()));
  single_program_->run(1);
  ++clock_.step;
}

void Training::set_rate(double lr) {
  optimizer_.lr = Adam({.lr = lr}).options().lr;
  plan_.adam.set_rate(*backend_, arena_.data(), lr);
}

void Training::resume(const TrainingClock& clock, const DataIdentity& data, const EpochSums& sums, double lr) {
  clock_ = clock;
  data_ = data;
  resident_.reset();
  members_ = model_->members();
  epoch_program_.reset();
  plan_.pass.initialize(*backend_, arena_.data(), members_);
  upload_values(*backend_, plan_.pass.sums(arena_.data()), &sums, 1);
  set_rate(lr);
}

void Training::set_state(std::uint64_t position, std::uint64_t samples) {
  const PassState state{.step = clock_.step, .epoch = clock_.epoch, .position = position, .samples = samples};
  upload_values(*backend_, plan_.pass.state(arena_.data()), &state, 1);
}

void Training::clear_sums() {
  backend_->fill_zero(plan_.pass.sums(arena_.data()), model_->models() * static_cast<std::int64_t>(sizeof(EpochSums)));
}

}  // namespace rushlight
