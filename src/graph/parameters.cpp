#include "src/graph/parameters.h"

#include <utility>

namespace rushlight {
namespace {

constexpr std::int64_t kFloat = sizeof(float);

}  // namespace

ParameterLayout::ParameterLayout(std::span<const Module> modules, const Backend& backend) {
  for (std::uint32_t node = 0; node < modules.size(); ++node) {
    const Linear* const linear = std::get_if<Linear>(&modules[node]);
    if (linear == nullptr) continue;
    const std::int64_t in = linear->in_features(), out = linear->out_features();
    add({.name = std::to_string(node) + ".weight",
         .shape = {out, in},
         .node = node,
         .kind = InitialTensor::weight,
         .bound = xavier_bound(in, out),
         .rows = out,
         .cols = in,
         .stride = backend.row_stride(in)});
    if (linear->bias() == Bias::absent) continue;
    add({.name = std::to_string(node) + ".bias",
         .shape = {out},
         .node = node,
         .kind = InitialTensor::bias,
         .bound = linear_bias_bound(in),
         .rows = 1,
         .cols = out,
         .stride = out});
  }
}

void ParameterLayout::add(Parameter parameter) {
  parameter.offset = size_;
  size_ += align_up(parameter.rows * parameter.stride * kFloat) / kFloat;
  parameters_.push_back(std::move(parameter));
}

const Parameter* ParameterLayout::find(std::uint32_t node, InitialTensor kind) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.node == node && parameter.kind == kind) return &parameter;
  }
  return nullptr;
}

ParameterLayout::Extent ParameterLayout::extent(std::uint32_t node) const {
  const std::int64_t begin = find(node, InitialTensor::weight)->offset;
  for (const Parameter& parameter : parameters_) {
    if (parameter.node > node) return {begin, parameter.offset - begin};
  }
  return {begin, size_ - begin};
}

Rows ParameterBlock::rows(const Parameter& parameter, std::int64_t model) const {
  return {data + model * size + parameter.offset, parameter.cols * kFloat, parameter.rows, parameter.stride * kFloat};
}

}  // namespace rushlight
