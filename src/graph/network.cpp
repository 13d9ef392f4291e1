#include "src/graph/network.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <algorithm>
#include <utility>

namespace rushlight {
namespace {

constexpr std::int64_t kMaxActivation = std::int64_t{1} << 50;

std::int64_t width(const Operation& operation) {
  if (const Product* const product = std::get_if<Product>(&operation)) return product->out;
  return std::get<Pointwise>(operation).width;
}

std::int64_t workspace_of(const std::unique_ptr<MatmulPlan>& plan) {
  return plan ? plan->workspace_bytes() : 0;
}

std::int64_t input_width(const Operation& operation) {
  if (const Product* const product = std::get_if<Product>(&operation)) return product->in;
  return std::get<Pointwise>(operation).width;
}

std::string name_of(const Operation& operation) {
  if (const Product* const product = std::get_if<Product>(&operation)) return fmt::format("{}.matmul", product->linear);
  const Pointwise& pointwise = std::get<Pointwise>(operation);
  std::string name;
  const auto join = [&name](const std::optional<std::uint32_t>& module, const char* what) {
    if (module) name += fmt::format("{}{}.{}", name.empty() ? "" : "+", *module, what);
  };
  join(pointwise.bias, "bias");
  join(pointwise.relu, "relu");
  join(pointwise.dropout, "dropout");
  return name;
}

}  // namespace

Network::Network(std::span<const Module> modules, const ParameterLayout& parameters, Backend& backend, PassShape shape,
                 MemoryLayout& layout)
    : layout_(parameters), shape_(shape), operations_(lower(modules, shape.mode)) {
  for (const Operation& operation : operations_) {
    const Pointwise* const pointwise = std::get_if<Pointwise>(&operation);
    const bool drops = pointwise != nullptr && pointwise->dropout;
    const DropoutRate rate = drops ? dropout_rate(std::get<Dropout>(modules[*pointwise->dropout]).p()) : DropoutRate{};
    rates_.insert(rates_.end(), static_cast<std::size_t>(shape_.models), rate);
  }
  member_slot_ = layout.add(MemoryUse::state, "members", shape_.models * static_cast<std::int64_t>(sizeof(Member)));
  rate_slot_ =
      layout.add(MemoryUse::state, "dropout rates", static_cast<std::int64_t>(rates_.size() * sizeof(DropoutRate)));
  plan_results(layout, backend);
  plan_products(backend);
  if (shape_.mode == Mode::train) plan_backward(backend, layout);
  std::int64_t workspace = 0;
  for (const ProductPlans& plans : products_) {
    workspace = std::max({workspace, workspace_of(plans.forward), workspace_of(plans.weight_gradient),
                          workspace_of(plans.input_gradient)});
  }
  workspace_ = layout.add(MemoryUse::workspace, "matrix products", workspace);
}

PlannedMatrix Network::matrix(std::int64_t cols, const Backend& backend) const {
  const std::int64_t stride = backend.row_stride(cols);
  if (shape_.rows > kMaxActivation / stride / shape_.models) {
    throw InvalidArgument(
        fmt::format("a batch of {} rows of {} activations is more than a device can hold: choose a "
                    "smaller batch",
                    shape_.rows, cols));
  }
  return {{}, shape_.models, shape_.rows, cols, stride};
}

// A pointwise operation works in place where nobody needs its input afterwards.
void Network::plan_results(MemoryLayout& layout, const Backend& backend) {
  const bool train = shape_.mode == Mode::train;
  input_ = matrix(input_width(operations_.front()), backend);
  input_.models = 1;
  input_.slot = layout.add(MemoryUse::activations, "input", input_.bytes());
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    PlannedMatrix result = matrix(width(operations_[i]), backend);
    const bool in_place = i > 0 && std::holds_alternative<Pointwise>(operations_[i]) &&
                          (!train || std::holds_alternative<Product>(operations_[i - 1]));
    if (in_place) {
      result.slot = results_.back().slot;
    } else if (train) {
      result.slot =
          layout.add(MemoryUse::activations, fmt::format("result of {}", name_of(operations_[i])), result.bytes());
    }
    results_.push_back(result);
    turns_.push_back(in_place && i > 0 ? turns_.back() : (turns_.empty() ? 0 : 1 - turns_.back()));
  }
  if (!train) take_turns(layout);
}

void Network::take_turns(MemoryLayout& layout) {
  std::int64_t bytes[2] = {0, 0};
  for (std::size_t i = 0; i < results_.size(); ++i) bytes[turns_[i]] = std::max(bytes[turns_[i]], results_[i].bytes());
  const Slot buffers[2] = {layout.add(MemoryUse::activations, "results, even", bytes[0]),
                           layout.add(MemoryUse::activations, "results, odd", bytes[1])};
  for (std::size_t i = 0; i < results_.size(); ++i) results_[i].slot = buffers[turns_[i]];
}

void Network::plan_products(Backend& backend) {
  products_.resize(operations_.size());
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Product* const one = std::get_if<Product>(&operations_[i]);
    if (one == nullptr) continue;
    const std::int64_t weight_stride = layout_.find(one->linear, InitialTensor::weight)->stride;
    products_[i].forward = backend.prepare({.models = shape_.models,
                                            .m = shape_.rows,
                                            .n = one->out,
                                            .k = one->in,
                                            .transpose_b = Transpose::yes,
                                            .a_stride = source(i).stride,
                                            .b_stride = weight_stride,
                                            .c_stride = results_[i].stride});
  }
}

void Network::plan_backward(Backend& backend, MemoryLayout& layout) {
  while (!std::holds_alternative<Product>(operations_[first_product_])) ++first_product_;
  std::int64_t bytes = 0;
  for (std::size_t i = first_product_; i < operations_.size(); ++i) {
    bytes = std::max(bytes, results_[i].bytes());
    const Product* const one = std::get_if<Product>(&operations_[i]);
    if (one == nullptr) continue;
    const std::int64_t weight_stride = layout_.find(one->linear, InitialTensor::weight)->stride;
    products_[i].weight_gradient = backend.prepare({.models = shape_.models,
                                                    .m = one->out,
                                                    .n = one->in,
                                                    .k = shape_.rows,
                                                    .transpose_a = Transpose::yes,
                                                    .a_stride = results_[i].stride,
                                                    .b_stride = source(i).stride,
                                                    .c_stride = weight_stride});
    if (i == first_product_) continue;
    products_[i].input_gradient = backend.prepare({.models = shape_.models,
                                                   .m = shape_.rows,
                                                   .n = one->in,
                                                   .k = one->out,
                                                   .a_stride = results_[i].stride,
                                                   .b_stride = weight_stride,
                                                   .c_stride = source(i).stride});
  }
  gradient_buffers_[0] = layout.add(MemoryUse::activations, "gradients of results, even", bytes);
  gradient_buffers_[1] = layout.add(MemoryUse::activations, "gradients of results, odd", bytes);
}

PlannedMatrix Network::gradient(std::size_t i, std::size_t buffer) const {
  PlannedMatrix planned = results_[i];
  planned.slot = gradient_buffers_[buffer];
  return planned;
}

PlannedMatrix Network::logits_gradient() const {
  return gradient(results_.size() - 1, 0);
}

void Network::initialize(Backend& backend, std::byte* arena, std::span<const Member> members) const {
  upload_values(backend, member_slot_.in<Member>(arena), members.data(), shape_.models);
  upload_values(backend, rate_slot_.in<DropoutRate>(arena), rates_.data(), static_cast<std::int64_t>(rates_.size()));
}

DropoutDraw Network::draw(std::size_t i, std::byte* arena, const PassState* state) const {
  const Pointwise& pointwise = std::get<Pointwise>(operations_[i]);
  if (!pointwise.dropout) return {};
  return {.members = member_slot_.in<const Member>(arena),
          .rates = rate_slot_.in<const DropoutRate>(arena) + i * static_cast<std::size_t>(shape_.models),
          .state = state,
          .node = *pointwise.dropout,
          .purpose = shape_.mode == Mode::mc ? Purpose::mc_dropout : Purpose::dropout};
}

void Network::append_forward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                             const PassState* state) const {
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Matrix<const float> x = source(i).in(arena).as_const();
    const Matrix<float> y = results_[i].in(arena);
    if (const Product* const one = std::get_if<Product>(&operations_[i])) {
      const Matrix<float> weight = parameters.matrix(*layout_.find(one->linear, InitialTensor::weight));
      program.push_back({name_of(operations_[i]),
                         Matmul{products_[i].forward.get(), x, weight.as_const(), y, workspace_.in<void>(arena)}});
      continue;
    }
    const Pointwise& pointwise = std::get<Pointwise>(operations_[i]);
    program.push_back(
        {name_of(operations_[i]), Elementwise{BiasReluDropoutForward{x, bias(pointwise, parameters).as_const(), y,
                                                                     pointwise.activation(), draw(i, arena, state)}}});
  }
}

// A product's gradient of weights comes after the operation that takes its gradient of inputs, which so finds them in
// cache.
void Network::append_backward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                              const ParameterBlock& gradients, const PassState* state, const LayerDone& done) const {
  std::size_t buffer = 0;
  std::optional<std::size_t> waiting;  // A product, whose dy is in the other buffer.
  const auto finish = [&] {
    if (!waiting) return;
    const std::size_t i = *std::exchange(waiting, std::nullopt);
    program.push_back(weight_gradient(i, gradient(i, 1 - buffer).in(arena), arena, gradients));
    if (done) done(program, std::get<Product>(operations_[i]).linear);
  };
  for (std::size_t i = operations_.size(); i-- > first_product_;) {
    const Matrix<float> dy = gradient(i, buffer).in(arena);
    if (std::holds_alternative<Pointwise>(operations_[i])) {
      program.push_back(pointwise_backward(i, dy, arena, gradients, state));
      finish();
      continue;
    }
    finish();
    buffer = 1 - buffer;
    if (i > first_product_) {
      program.push_back(input_gradient(i, dy, gradient(i - 1, buffer).in(arena), arena, parameters));
    }
    waiting = i;
  }
  finish();
}

Node Network::pointwise_backward(std::size_t i, const Matrix<float>& dy, std::byte* arena,
                                 const ParameterBlock& gradients, const PassState* state) const {
  const Pointwise& pointwise = std::get<Pointwise>(operations_[i]);
  return {name_of(operations_[i]) + ".backward",
          ColumnReduction{BiasReluDropoutBackward{results_[i].in(arena).as_const(), dy.as_const(), dy,
                                                  bias(pointwise, gradients), pointwise.activation(),
                                                  draw(i, arena, state)}},
          Phase::backward};
}

Node Network::weight_gradient(std::size_t i, const Matrix<float>& dy, std::byte* arena,
                              const ParameterBlock& gradients) const {
  const Parameter& weight = *layout_.find(std::get<Product>(operations_[i]).linear, InitialTensor::weight);
  return {name_of(operations_[i]) + ".dw",
          Matmul{products_[i].weight_gradient.get(), dy.as_const(), source(i).in(arena).as_const(),
                 gradients.matrix(weight), workspace_.in<void>(arena)},
          Phase::backward};
}

Node Network::input_gradient(std::size_t i, const Matrix<float>& dy, const Matrix<float>& dx, std::byte* arena,
                             const ParameterBlock& parameters) const {
  const Parameter& weight = *layout_.find(std::get<Product>(operations_[i]).linear, InitialTensor::weight);
  return {name_of(operations_[i]) + ".dx",
          Matmul{products_[i].input_gradient.get(), dy.as_const(), parameters.matrix(weight).as_const(), dx,
                 workspace_.in<void>(arena)},
          Phase::backward};
}

Vector<float> Network::bias(const Pointwise& pointwise, const ParameterBlock& block) const {
  return pointwise.bias ? block.vector(layout_.find(*pointwise.bias, InitialTensor::bias)) : Vector<float>{};
}

}  // namespace rushlight
