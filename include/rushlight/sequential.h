// A network: modules in a row, their parameters, and the passes without gradients.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/device.h>
#include <rushlight/init.h>
#include <rushlight/loss.h>
#include <rushlight/memory_plan.h>
#include <rushlight/metrics.h>
#include <rushlight/module.h>
#include <rushlight/optimizer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rushlight {

/// train: dropout on, gradients. eval: dropout off. mc: dropout on, no gradients (Monte Carlo dropout; Gal and
/// Ghahramani, ICML 2016).
enum class Mode { train, eval, mc };

/// How a pixel of 0 to 255 becomes the network's input: divided by 255, or as it is.
enum class PixelScale { unit, raw };

/// A named parameter on the host: dense, row-major, as in PyTorch's `state_dict`.
struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct PredictOptions {
  PixelScale pixels = PixelScale::unit;
  /// Set: mc mode, and the index of the pass; the same index draws the same masks.
  std::optional<std::uint32_t> mc_pass = {};
};

/// Logits on the host for a number of samples.
class Predictions {
 public:
  /// `logits` is [samples, classes], row-major.
  Predictions(std::vector<float> logits, std::int64_t classes);

  std::int64_t size() const;
  std::int64_t classes() const { return classes_; }
  std::span<const float> logits(std::int64_t i) const;     ///< [classes]. @throws InvalidArgument out of range.
  std::vector<float> probabilities(std::int64_t i) const;  ///< softmax of the logits.
  std::int64_t label(std::int64_t i) const;                ///< The class of the highest logit, the first of equal ones.

 private:
  std::vector<float> logits_;
  std::int64_t classes_;
};

class ModelState;

/// Owns the parameters, on one device. Move-only. Not thread-safe. Modules are checked when it is built; memory is
/// taken by `initialize`, `load_state_dict` or `load`.
class Sequential {
 public:
  /// @throws InvalidArgument if there is no module, 4,096 or more, no Linear, or a Linear whose inputs are not the
  /// outputs before it.
  explicit Sequential(std::vector<Module> modules);

  template <class... Modules>
  explicit Sequential(Linear first, Modules... rest)
      : Sequential(std::vector<Module>{Module(std::move(first)), Module(std::move(rest))...}) {}

  Sequential(Sequential&&) noexcept;
  Sequential& operator=(Sequential&&) noexcept;
  ~Sequential();

  const std::vector<Module>& modules() const;
  std::int64_t in_features() const;
  std::int64_t out_features() const;
  std::int64_t parameter_count() const;

  /// Draws all parameters from the seed, which the random draws of training use as well. Resets nothing else.
  Sequential& initialize(XavierUniform, InitOptions options = {});
  bool initialized() const;
  std::uint64_t seed() const;

  /// Moves the parameters. @throws DeviceError if the device cannot be opened or has too little memory; InvalidArgument
  /// if its threads are not in [0, 4096].
  Sequential& to(const Device& device);
  Device device() const;

  Sequential& train();
  Sequential& eval();
  Mode mode() const;

  /// Copies of all parameters, in module order: `0.weight`, `0.bias`, `3.weight`, ...
  std::vector<Tensor> state_dict() const;

  /// Replaces all parameters. Names, shapes and number must fit; the order is free. On an error nothing changes.
  /// @throws InvalidArgument that names the tensor, the shape expected and the shape found.
  Sequential& load_state_dict(std::span<const Tensor> tensors);

  /// Logits of every sample, in order; memory for one batch at a time.
  /// @throws InvalidArgument if the features differ from the inputs, the model is not initialized, or it is in train
  /// mode and no `mc_pass` is set.
  Predictions predict(const Dataset& data, const PredictOptions& options = {});

  /// Mean loss and accuracy over `data` in eval mode, whatever `mode()` is; no gradients.
  /// @throws InvalidArgument as `predict`, and if there are no labels or a label is not below the outputs.
  Metrics evaluate(const Dataset& data, CrossEntropyLoss loss = {}, PixelScale pixels = PixelScale::unit);

  /// For the trainer. The state stays where it is when the Sequential moves.
  const std::shared_ptr<ModelState>& state() const { return state_; }

 private:
  std::shared_ptr<ModelState> state_;
};

/// The memory that training with this batch size takes (train), or a pass of this batch size without gradients (eval,
/// mc), besides data sets. Takes no memory itself.
/// @throws InvalidArgument if `batch` is not in [1, 2^31).
MemoryPlan plan_memory(const Sequential& model, std::int64_t batch, Mode mode);

/// Takes that memory and gives it back, so that what does not fit shows before weights are drawn.
/// @throws InvalidArgument as plan_memory; DeviceError that says what is missing.
void require_memory(const Sequential& model, std::int64_t batch, Mode mode);

}  // namespace rushlight
