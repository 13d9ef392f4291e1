#include "src/train/rehearsal.h"

#include <fmt/format.h>

#include <utility>

#include "src/train/random_data.h"

namespace rushlight {

Rehearsal::Rehearsal(const std::vector<Module>& modules, std::int64_t batch, Mode mode,
                     std::shared_ptr<Backend> backend, const std::optional<Dataset>& data)
    : state_(modules, {{InitOptions{}.seed, 0}}) {
  state_.move_to(std::move(backend));
  state_.initialize();
  data_ = std::make_unique<ResidentData>(
      state_.backend(), data ? *data : random_data(3 * batch, state_.in_features(), state_.out_features()));
  if (mode == Mode::train) {
    lay_out(training_.emplace(state_, AdamOptions{}, batch));
    training_->adam.initialize(*state_.backend(), arena_.data());
  } else {
    lay_out(inference_.emplace(state_, batch, mode));
  }
  rewind();
}

// Not the first batch: what ignores the position shows.
void Rehearsal::rewind() {
  const PassState state{.step = 1,
                        .epoch = 1,
                        .position = static_cast<std::uint64_t>(batch()),
                        .samples = static_cast<std::uint64_t>(samples()),
                        .first = 1};
  upload_values(*state_.backend(), pass().state(arena_.data()), &state, 1);
}

template <class Plan>
void Rehearsal::lay_out(const Plan& plan) {
  arena_ = Buffer(state_.backend(), plan.layout.bytes());
  plan_ = plan.layout.plan();
  state_.backend()->fill_zero(arena_.data(), arena_.bytes());
  plan.pass.initialize(*state_.backend(), arena_.data(), state_.members());
  const bool train = plan.pass.shape().mode == Mode::train;
  program_ = plan.step(arena_.data(), state_.parameters(),
                       {.pixels = data_->pixels(),
                        .labels = data_->labels(),
                        .order = train ? SampleOrder::shuffled : SampleOrder::file,
                        .shuffle_seed = InitOptions{}.seed});
}

std::vector<Region> Rehearsal::regions() const {
  std::vector<Region> regions;
  add_parameters(regions, "parameters", static_cast<std::byte*>(static_cast<void*>(state_.parameters().data)));
  std::byte* next = arena_.data();
  for (const MemoryPlanEntry& entry : plan_.entries) {
    std::byte* const data = std::exchange(next, next + entry.bytes);
    if (entry.use == MemoryUse::workspace) continue;
    if (entry.use == MemoryUse::gradients || entry.use == MemoryUse::moments) {
      add_parameters(regions, entry.name, data);
    } else {
      regions.push_back({entry.name, data, entry.bytes});
    }
  }
  return regions;
}

void Rehearsal::add_parameters(std::vector<Region>& regions, const std::string& of, std::byte* data) const {
  const std::vector<Parameter>& parameters = state_.layout()->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::int64_t begin = parameters[i].offset;
    const std::int64_t end = i + 1 < parameters.size() ? parameters[i + 1].offset : state_.layout()->size();
    regions.push_back(
        {fmt::format("{} of {}", of, parameters[i].name), data + bytes_of<float>(begin), bytes_of<float>(end - begin)});
  }
}

}  // namespace rushlight
