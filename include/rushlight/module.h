// The modules of a Sequential: descriptions, without memory. They are copied freely.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace rushlight {

enum class Bias { present, absent };

/// y = x · weightᵀ + bias. Shapes: x [batch, in], weight [out, in], bias [out], y [batch, out], as torch.nn.Linear.
class Linear {
 public:
  /// @throws InvalidArgument if a size is not in [1, 2^31), or the weight would have 2^40 elements or more.
  Linear(std::int64_t in_features, std::int64_t out_features, Bias bias = Bias::present);

  std::int64_t in_features() const { return in_features_; }
  std::int64_t out_features() const { return out_features_; }
  Bias bias() const { return bias_; }

  bool operator==(const Linear&) const = default;

 private:
  std::int64_t in_features_;
  std::int64_t out_features_;
  Bias bias_;
};

/// y = x <= 0 ? 0 : x, element by element; keeps a NaN.
struct ReLU {
  bool operator==(const ReLU&) const = default;
};

/// While training: each unit is dropped with probability p, kept units are multiplied by the inverse of the share kept.
/// In eval mode the identity. Source: Srivastava et al., "Dropout", JMLR 15 (2014), section 4, scaled while training.
class Dropout {
 public:
  /// p is rounded to a multiple of 2^-16.
  /// @throws InvalidArgument if p is not in [0, 1], or is above 0 but rounds to 0.
  explicit Dropout(double p = 0.5);

  double p() const { return p_; }

  bool operator==(const Dropout&) const = default;

 private:
  double p_;
};

/// The closed set of modules. A module's index in its Sequential is its name in `state_dict` and its node number in the
/// random contract.
using Module = std::variant<Linear, ReLU, Dropout>;

/// As PyTorch prints it: `Linear(784, 512)`, `ReLU()`, `Dropout(0.3)`.
std::string to_string(const Module& module);

}  // namespace rushlight
