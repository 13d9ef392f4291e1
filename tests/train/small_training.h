// What the tests of the training loop share: a small network with dropout, its data, and its weights at a glance.
#pragma once

#include <rushlight/trainer.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/support/small_data.h"

namespace rushlight {

constexpr std::int64_t kFeatures = 13, kClasses = 5, kBatch = 7;

inline std::vector<Module> small_modules(double p = 0.3) {
  return {Linear(kFeatures, 17), ReLU(), Dropout(p), Linear(17, 9), ReLU(), Dropout(p), Linear(9, kClasses)};
}

inline Sequential small_model(const Device& device, double p = 0.3, std::uint64_t seed = 777) {
  Sequential model(small_modules(p));
  model.to(device).initialize(XavierUniform{}, {.seed = seed});
  return model;
}

inline Sequential small_model(double p = 0.3, std::uint64_t seed = 777) {
  return small_model(Device::cpu(), p, seed);
}

inline Trainer small_trainer(Sequential& model, double lr = 1e-2, Shuffle shuffle = Shuffle::keyed) {
  return Trainer(model, CrossEntropyLoss{}, Adam{{.lr = lr}}, {.batch = kBatch, .shuffle = shuffle});
}

/// 23 samples: three batches and two samples over.
inline Dataset epoch_data() {
  return small_data(23, kFeatures, kClasses);
}

/// All parameters, one after another.
inline std::vector<float> weights(const Sequential& model) {
  std::vector<float> all;
  for (const Tensor& tensor : model.state_dict()) all.insert(all.end(), tensor.values.begin(), tensor.values.end());
  return all;
}

/// A callback that stops an epoch after its step `last`.
inline StepCallback stop_after(std::uint64_t last) {
  return [last](const Progress& progress) { return progress.epoch_step() < last ? AfterStep::go_on : AfterStep::stop; };
}

}  // namespace rushlight
