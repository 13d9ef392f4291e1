#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/sequential.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/train/inference.h"
#include "src/train/model_state.h"

namespace rushlight {
namespace {

ModelState& use(const std::shared_ptr<ModelState>& state) {
  if (!state) throw InvalidArgument("this Sequential was moved from: use the one that it was moved to");
  return *state;
}

Mode inference_mode(const ModelState& state, const PredictOptions& options) {
  if (options.mc_pass) return Mode::mc;
  if (state.mode() == Mode::train) {
    throw InvalidArgument("predict() needs eval mode: call eval() first, or set mc_pass to predict with dropout on");
  }
  return Mode::eval;
}

}  // namespace

Predictions::Predictions(std::vector<float> logits, std::int64_t classes)
    : logits_(std::move(logits)), classes_(classes) {
  if (classes < 1 || logits_.size() % static_cast<std::size_t>(classes) != 0) {
    throw InvalidArgument(fmt::format("{} logits are no whole rows of {} classes", logits_.size(), classes));
  }
}

std::int64_t Predictions::size() const {
  return static_cast<std::int64_t>(logits_.size()) / classes_;
}

std::span<const float> Predictions::logits(std::int64_t i) const {
  if (i < 0 || i >= size()) {
    throw InvalidArgument(fmt::format("prediction {} was asked for, but there are {}, counted from 0", i, size()));
  }
  return std::span(logits_).subspan(static_cast<std::size_t>(i * classes_), static_cast<std::size_t>(classes_));
}

std::vector<float> Predictions::probabilities(std::int64_t i) const {
  const auto row = logits(i);
  const double highest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float logit : row) sum += std::exp(logit - highest);
  std::vector<float> result;
  for (const float logit : row) result.push_back(static_cast<float>(std::exp(logit - highest) / sum));
  return result;
}

std::int64_t Predictions::label(std::int64_t i) const {
  const auto row = logits(i);
  return std::max_element(row.begin(), row.end()) - row.begin();
}

Sequential::Sequential(std::vector<Module> modules)
    : state_(std::make_shared<ModelState>(std::move(modules), std::vector<Member>{{InitOptions{}.seed, 0}})) {}

Sequential::Sequential(Sequential&&) noexcept = default;
Sequential& Sequential::operator=(Sequential&&) noexcept = default;
Sequential::~Sequential() = default;

const std::vector<Module>& Sequential::modules() const {
  return use(state_).modules();
}

std::int64_t Sequential::in_features() const {
  return use(state_).in_features();
}

std::int64_t Sequential::out_features() const {
  return use(state_).out_features();
}

std::int64_t Sequential::parameter_count() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : use(state_).layout()->parameters()) count += parameter.count();
  return count;
}

Sequential& Sequential::initialize(XavierUniform, InitOptions options) {
  ModelState& state = use(state_);
  state.set_seed(0, options.seed);
  state.initialize();
  return *this;
}

bool Sequential::initialized() const {
  return use(state_).initialized();
}

std::uint64_t Sequential::seed() const {
  return use(state_).members().front().seed;
}

Sequential& Sequential::to(const Device& device) {
  use(state_).move_to(device);
  return *this;
}

Device Sequential::device() const {
  return use(state_).backend()->device();
}

Sequential& Sequential::train() {
  use(state_).set_mode(Mode::train);
  return *this;
}

Sequential& Sequential::eval() {
  use(state_).set_mode(Mode::eval);
  return *this;
}

Mode Sequential::mode() const {
  return use(state_).mode();
}

std::vector<Tensor> Sequential::state_dict() const {
  return use(state_).state_dict(0);
}

Sequential& Sequential::load_state_dict(std::span<const Tensor> tensors) {
  use(state_).load_state_dict(0, tensors);
  return *this;
}

Predictions Sequential::predict(const Dataset& data, const PredictOptions& options) {
  ModelState& state = use(state_);
  state.require_initialized();
  check_features(state, data);
  const Mode mode = inference_mode(state, options);
  Inference& inference = state.inference(rows_at_once(data), mode);
  return {inference.predict(state, data, options.pixels, options.mc_pass.value_or(0), 0), state.out_features()};
}

Metrics Sequential::evaluate(const Dataset& data, CrossEntropyLoss, PixelScale pixels) {
  ModelState& state = use(state_);
  state.require_initialized();
  check_features(state, data);
  check_labels(state, data);
  return to_metrics(state.inference(rows_at_once(data), Mode::eval).evaluate(state, data, pixels).front());
}

}  // namespace rushlight
