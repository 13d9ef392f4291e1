#include "src/train/model_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>

#include <algorithm>
#include <utility>

#include "kernels/initial_weights.h"
#include "src/train/inference.h"

namespace rushlight {
namespace {

void check_modules(std::span<const Module> modules) {
  if (modules.empty()) throw InvalidArgument("a Sequential needs at least one Linear, but has no module");
  if (modules.size() >= kMaxNodes) {
    throw InvalidArgument(
        fmt::format("a Sequential has fewer than {} modules, but {} were given", kMaxNodes, modules.size()));
  }
  const Linear* before = nullptr;
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const Linear* const linear = std::get_if<Linear>(&modules[i]);
    if (linear == nullptr) continue;
    if (before != nullptr && before->out_features() != linear->in_features()) {
      throw InvalidArgument(fmt::format("module {}, {}, must take the {} features that the Linear before it gives", i,
                                        to_string(modules[i]), before->out_features()));
    }
    before = linear;
  }
  if (before == nullptr) throw InvalidArgument("a Sequential needs at least one Linear, but has none");
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

const Tensor* find(std::span<const Tensor> tensors, const std::string& name) {
  const auto at = std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return at == tensors.end() ? nullptr : &*at;
}

void check_shape(const Parameter& expected, const Tensor& found) {
  if (found.shape != expected.shape) {
    throw InvalidArgument(fmt::format("tensor {} must have shape {}, but has {}", expected.name,
                                      shape_text(expected.shape), shape_text(found.shape)));
  }
  if (static_cast<std::int64_t>(found.values.size()) != expected.count()) {
    throw InvalidArgument(fmt::format("tensor {} of shape {} must have {} values, but has {}", expected.name,
                                      shape_text(expected.shape), expected.count(), found.values.size()));
  }
}

/// The tensors in the order of the layout.
std::vector<const Tensor*> match(const ParameterLayout& layout, std::span<const Tensor> tensors) {
  std::vector<const Tensor*> matched;
  for (const Parameter& parameter : layout.parameters()) {
    const Tensor* const tensor = find(tensors, parameter.name);
    if (tensor == nullptr) {
      throw InvalidArgument(
          fmt::format("tensor {} of shape {} is missing", parameter.name, shape_text(parameter.shape)));
    }
    check_shape(parameter, *tensor);
    matched.push_back(tensor);
  }
  for (const Tensor& tensor : tensors) {
    if (std::find(matched.begin(), matched.end(), &tensor) == matched.end()) {
      throw InvalidArgument(fmt::format("tensor {} of shape {} belongs to no module of this network, or is there twice",
                                        tensor.name, shape_text(tensor.shape)));
    }
  }
  return matched;
}

}  // namespace

ModelState::ModelState(std::vector<Module> modules, std::vector<Member> members)
    : modules_(std::move(modules)), members_(std::move(members)), backend_(open_backend(Device::cpu())) {
  check_modules(modules_);
  layout_ = std::make_shared<ParameterLayout>(modules_, *backend_);
}

ModelState::~ModelState() = default;

std::int64_t ModelState::in_features() const {
  return layout_->parameters().front().shape[1];
}

std::int64_t ModelState::out_features() const {
  return layout_->parameters().back().shape[0];
}

void ModelState::require_initialized() const {
  if (!initialized()) {
    throw InvalidArgument("the model has no weights yet: call initialize(), load_state_dict() or load() first");
  }
}

MemoryPlan ModelState::plan() const {
  return {{{MemoryUse::parameters, "parameters", align_up(layout_->bytes(models()))}}};
}

void ModelState::allocate() {
  if (initialized()) return;
  memory_ = Buffer(backend_, plan().bytes());
  backend_->fill_zero(memory_.data(), memory_.bytes());
}

ParameterBlock ModelState::parameters() const {
  return {static_cast<float*>(static_cast<void*>(memory_.data())), models(), layout_->size()};
}

void ModelState::initialize() {
  allocate();
  for (const Parameter& parameter : layout_->parameters()) {
    std::vector<float> values(static_cast<std::size_t>(parameter.count()));
    for (std::int64_t k = 0; k < models(); ++k) {
      const Member& member = members_[static_cast<std::size_t>(k)];
      const RandomStream stream{member.seed, Purpose::initial_weights, parameter.node, member.model};
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = uniform_element(stream, parameter.kind, i, parameter.bound);
      }
      backend_->upload(parameters().rows(parameter, k), values.data());
    }
  }
}

void ModelState::move_to(const Device& device) {
  if (device != backend_->device()) move_to(open_backend(device));
}

void ModelState::move_to(std::shared_ptr<Backend> backend) {
  std::vector<std::vector<Tensor>> tensors;
  for (std::int64_t k = 0; initialized() && k < models(); ++k) tensors.push_back(state_dict(k));
  auto layout = std::make_shared<ParameterLayout>(modules_, *backend);
  Buffer memory;
  if (initialized()) memory = Buffer(backend, align_up(layout->bytes(models())));
  inference_.reset();
  backend_ = std::move(backend);
  layout_ = std::move(layout);
  memory_ = std::move(memory);
  if (!initialized()) return;
  backend_->fill_zero(memory_.data(), memory_.bytes());
  for (std::int64_t k = 0; k < models(); ++k) {
    upload(parameters(), k, match(*layout_, tensors[static_cast<std::size_t>(k)]));
  }
}

std::vector<Tensor> ModelState::download(const ParameterBlock& block, std::int64_t model,
                                         const std::string& prefix) const {
  std::vector<Tensor> tensors;
  for (const Parameter& parameter : layout_->parameters()) {
    Tensor tensor{prefix + parameter.name, parameter.shape,
                  std::vector<float>(static_cast<std::size_t>(parameter.count()))};
    backend_->download(tensor.values.data(), block.rows(parameter, model));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

void ModelState::upload(const ParameterBlock& block, std::int64_t model, std::span<const Tensor* const> tensors) const {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    backend_->upload(block.rows(layout_->parameters()[i], model), tensors[i]->values.data());
  }
}

std::vector<Tensor> ModelState::state_dict(std::int64_t model) const {
  require_initialized();
  return download(parameters(), model);
}

void ModelState::load_state_dict(std::int64_t model, std::span<const Tensor> tensors) {
  const std::vector<const Tensor*> matched = match(*layout_, tensors);
  allocate();
  upload(parameters(), model, matched);
}

Inference& ModelState::inference(std::int64_t rows, Mode mode) {
  require_initialized();
  if (!inference_ || inference_->shape().rows != rows || inference_->shape().mode != mode) {
    inference_.reset();
    inference_ = std::make_unique<Inference>(*this, rows, mode);
  }
  return *inference_;
}

}  // namespace rushlight
