// A run of PyTorch with the same weights, masks and batches: tests/goldens/make_training.py draws them on its own.
#include <gtest/gtest.h>
#include <rushlight/io.h>
#include <rushlight/trainer.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "src/io/safetensors.h"
#include "tests/support/devices.h"
#include "tests/support/goldens.h"
#include "tests/support/small_data.h"

namespace rushlight {
namespace {

class PyTorchTrainingTest : public OnEachDevice {
 protected:
  void prepare() override { model_.to(device()).initialize(XavierUniform{}, {.seed = 777}); }

  std::vector<float> golden(const std::string& name) const { return golden_.read(*golden_.find(name)); }

  // The largest difference over all parameters.
  double distance(const std::string& prefix) const {
    double worst = 0;
    for (const Tensor& tensor : model_.state_dict()) {
      const std::vector<float> expected = golden(prefix + tensor.name);
      EXPECT_EQ(tensor.values.size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(tensor.values[i]) - static_cast<double>(expected[i])));
      }
    }
    return worst;
  }

  SafetensorsReader golden_{golden_path("training.safetensors")};
  Sequential model_{Linear(20, 33), ReLU(), Dropout(0.3), Linear(33, 17), ReLU(), Dropout(0.5), Linear(17, 10)};
  Dataset data_ = small_data(61, 20, 10);
};
INSTANTIATE_TEST_SUITE_P(Devices, PyTorchTrainingTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(PyTorchTrainingTest, InitialWeightsAreTheContractsToTheBit) {
  EXPECT_EQ(distance("initial."), 0.0);
}

TEST_P(PyTorchTrainingTest, TwentyStepsWithDropoutFollowPyTorch) {
  const std::vector<float> losses = golden("losses");
  Trainer trainer(model_, CrossEntropyLoss{}, Adam{{.lr = 1e-3}}, {.batch = 7});
  double sum = 0;  // Of the epoch's losses, as PyTorch had them.
  while (trainer.steps() < losses.size()) {
    sum = 0;
    trainer.train_epoch(data_, [&](const Progress& progress) {
      sum += static_cast<double>(losses[progress.step() - 1]);
      EXPECT_NEAR(progress.metrics().loss, sum / static_cast<double>(progress.epoch_step()), 1e-5) << progress.step();
      return progress.step() < losses.size() ? AfterStep::go_on : AfterStep::stop;
    });
  }
  EXPECT_LT(distance("final."), 1e-5);
  EXPECT_GT(distance("initial."), 1e-3);
}

}  // namespace
}  // namespace rushlight
