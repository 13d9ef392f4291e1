// Optimizers.
#pragma once

namespace rushlight {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;  ///< Added outside the root, as in PyTorch.
};

/// m = m + (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g²;
/// p = p - lr / (1 - beta1^t) · m / (sqrt(v) / sqrt(1 - beta2^t) + eps).
/// Source: Kingma and Ba, "Adam", ICLR 2015, algorithm 1; eps as in torch.optim.Adam.
class Adam {
 public:
  /// @throws InvalidArgument if lr or eps is negative or not finite, or a beta is not in [0, 1).
  explicit Adam(AdamOptions options = {});

  const AdamOptions& options() const { return options_; }

 private:
  AdamOptions options_;
};

}  // namespace rushlight
