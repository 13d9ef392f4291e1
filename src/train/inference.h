// Passes without gradients: evaluation and prediction.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/sequential.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "src/backend/repeated_program.h"
#include "src/graph/pass.h"
#include "src/train/model_state.h"
#include "src/train/resident_data.h"

namespace rushlight {

/// As many rows at a time as give the products their full speed.
inline constexpr std::int64_t kInferenceRows = 1000;
inline std::int64_t rows_at_once(const Dataset& data) {
  return std::min(kInferenceRows, data.size());
}

/// @throws InvalidArgument if the features are not the model's inputs.
void check_features(const ModelState& model, const Dataset& data);
/// @throws InvalidArgument if there are no labels, or one is not below the model's outputs.
void check_labels(const ModelState& model, const Dataset& data);

Metrics to_metrics(const EpochSums& sums);

/// The plan of such a pass; allocates nothing.
struct InferencePlan {
  InferencePlan(const ModelState& model, std::int64_t rows, Mode mode);

  /// One batch, over memory that is laid out as planned.
  Program step(std::byte* arena, const ParameterBlock& parameters, const BatchSource& source) const;

  MemoryLayout layout;
  Pass pass;
};

enum class LossUse { wanted, unwanted };

/// Memory for one batch of `rows` samples; a last partial batch is padded. Looks at the model's parameters, whose
/// memory must not move meanwhile. Kept by the model itself.
class Inference {
 public:
  Inference(const ModelState& model, std::int64_t rows, Mode mode);

  /// What a call computes; another one than last time makes the program anew.
  struct Request {
    PixelScale scale;
    LossUse loss;
    bool operator==(const Request&) const = default;
  };

  const PassShape& shape() const { return plan_.pass.shape(); }

  /// Takes the memory that such a call on `data` needs.
  void ready(const ModelState& model, const Dataset& data, const Request& request);

  /// Each member's sums over `data`.
  std::vector<EpochSums> evaluate(const ModelState& model, const Dataset& data, PixelScale scale);

  /// Logits of one member, [samples, classes]. `mc_pass` counts in mc mode alone.
  std::vector<float> predict(const ModelState& model, const Dataset& data, PixelScale scale, std::uint32_t mc_pass,
                             std::int64_t member);

 private:
  /// Ready for the first of the batches, whose number is given back.
  std::int64_t start(const ModelState& model, const Dataset& data, const Request& request, std::uint32_t mc_pass);

  InferencePlan plan_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<const ParameterLayout> layout_;
  Buffer arena_;
  std::optional<Request> request_;
  std::unique_ptr<ResidentData> resident_;  // Of the last call: evaluation after each epoch copies nothing.
  std::optional<RepeatedProgram> program_;
};

}  // namespace rushlight
