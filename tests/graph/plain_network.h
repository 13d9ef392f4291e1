// A Sequential in double precision, unit by unit: slow, plain, and written from the modules' mathematics alone.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/sequential.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/contract.h"

namespace rushlight {

class PlainNetwork {
 public:
  using Row = std::vector<double>;

  PlainNetwork(std::vector<Module> modules, const std::vector<Tensor>& state) : modules_(std::move(modules)) {
    for (const Tensor& tensor : state) parameters[tensor.name] = Row(tensor.values.begin(), tensor.values.end());
  }

  std::map<std::string, Row> parameters;

  /// Logits of the sample that draws its masks as row `row`; without a mask dropout is the identity.
  Row forward(Row x, std::uint32_t row, const std::optional<contract::Mask>& mask) const {
    for (std::uint32_t node = 0; node < modules_.size(); ++node) {
      if (const Linear* const linear = std::get_if<Linear>(&modules_[node])) x = product(*linear, node, x);
      if (std::holds_alternative<ReLU>(modules_[node])) {
        for (double& unit : x) unit = std::max(unit, 0.0);
      }
      const Dropout* const dropout = std::get_if<Dropout>(&modules_[node]);
      if (dropout == nullptr || !mask) continue;
      for (std::uint32_t column = 0; column < x.size(); ++column) {
        x[column] *= static_cast<double>(mask->factor(node, dropout->p(), row, column));
      }
    }
    return x;
  }

  /// The mean cross-entropy of the first `rows` samples, row i drawing as row i.
  double loss(const Dataset& data, std::int64_t rows, const std::optional<contract::Mask>& mask) const {
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const Row logits = forward(inputs(data, i), static_cast<std::uint32_t>(i), mask);
      double exponentials = 0;
      for (const double logit : logits) exponentials += std::exp(logit);
      const auto label = static_cast<std::size_t>(data.labels()[static_cast<std::size_t>(i)]);
      sum += std::log(exponentials) - logits[label];
    }
    return sum / static_cast<double>(rows);
  }

  static Row inputs(const Dataset& data, std::int64_t i) {
    Row result;
    for (const std::uint8_t pixel : data.sample(i)) result.push_back(pixel / 255.0);
    return result;
  }

 private:
  Row product(const Linear& linear, std::uint32_t node, const Row& x) const {
    const Row& weight = parameters.at(std::to_string(node) + ".weight");
    Row y(static_cast<std::size_t>(linear.out_features()));
    for (std::size_t out = 0; out < y.size(); ++out) {
      if (linear.bias() == Bias::present) y[out] = parameters.at(std::to_string(node) + ".bias")[out];
      for (std::size_t in = 0; in < x.size(); ++in) y[out] += weight[out * x.size() + in] * x[in];
    }
    return y;
  }

  std::vector<Module> modules_;
};

}  // namespace rushlight
