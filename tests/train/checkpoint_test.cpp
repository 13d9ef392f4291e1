#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/io.h>
#include <rushlight/trainer.h>

#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "src/io/safetensors.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/devices.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

/// A training of the small network, and what of it a checkpoint must keep.
struct CheckpointedRun {
  explicit CheckpointedRun(const Device& device, std::uint64_t seed = 777)
      : model(small_model(device, 0.3, seed)), trainer(small_trainer(model)) {}

  /// Trains until `step` steps are done in all.
  void train_to(std::uint64_t step) {
    while (trainer.steps() < step) {
      trainer.train_epoch(data, [step](const Progress& progress) {
        return progress.step() < step ? AfterStep::go_on : AfterStep::stop;
      });
    }
  }

  Dataset data = epoch_data();
  Sequential model;
  Trainer trainer;
};

class SavedCheckpoints {
 protected:
  std::string saved(const Trainer& trainer, const std::string& name = "checkpoint") const {
    trainer.save(folder_ / name);
    return raw_bytes(folder_ / name);
  }

  TemporaryFolder folder_;
};

class CheckpointTest : public OnEachDevice, protected SavedCheckpoints {};
class CheckpointFileTest : public testing::Test, protected SavedCheckpoints {};
INSTANTIATE_TEST_SUITE_P(Devices, CheckpointTest, testing::ValuesIn(device_cases()), backend_case_name);

TEST_P(CheckpointTest, AtWhateverStepATrainingIsSavedItGoesOnToTheSameBits) {
  const std::uint64_t last = device().kind == Device::Kind::cpu ? 10 : 4;  // An emulated GPU takes its time.
  CheckpointedRun whole(device());
  whole.train_to(last + 1);
  const std::string expected = saved(whole.trainer);
  for (std::uint64_t step = 0; step <= last; ++step) {
    CheckpointedRun before(device()), after(device(), 4711);  // Weights and seed come from the file.
    before.train_to(step);
    const std::string at_save = saved(before.trainer, "middle");
    if (step % 2 == 0) after.train_to(2);  // What the trainer did before does not matter.
    after.trainer.load(folder_ / "middle");
    EXPECT_EQ(after.trainer.steps(), step);
    EXPECT_EQ(saved(after.trainer, "again"), at_save) << step;
    after.train_to(last + 1);
    EXPECT_EQ(saved(after.trainer, "end"), expected) << step;
    EXPECT_EQ(weights(after.model), weights(whole.model)) << step;
  }
}

TEST_P(CheckpointTest, AnEpochThatGoesOnHasTheMetricsOfAWholeOne) {
  CheckpointedRun whole(device()), before(device()), after(device());
  const Metrics expected = whole.trainer.train_epoch(whole.data);
  before.train_to(2);
  before.trainer.save(folder_ / "middle");
  after.trainer.load(folder_ / "middle");
  EXPECT_EQ(after.trainer.epoch_steps(), 2U);
  const Metrics found = after.trainer.train_epoch(after.data);
  EXPECT_EQ(found.loss, expected.loss);
  EXPECT_EQ(found.accuracy, expected.accuracy);
  EXPECT_EQ(found.samples, expected.samples);
}

TEST_P(CheckpointTest, TheLearningRateOfTheMomentIsKept) {
  CheckpointedRun before(device()), after(device());
  before.train_to(2);
  before.trainer.set_learning_rate(0.1234567890123456789);
  before.trainer.save(folder_ / "middle");
  after.trainer.load(folder_ / "middle");
  EXPECT_EQ(after.trainer.learning_rate(), 0.1234567890123456789);
  before.train_to(5);
  after.train_to(5);
  EXPECT_EQ(weights(after.model), weights(before.model));
}

TEST_P(CheckpointTest, SavingLaterThanInitializingAnewKeepsTheSeedThatIsUsed) {
  CheckpointedRun before(device()), after(device());
  before.train_to(2);
  before.model.initialize(XavierUniform{}, {.seed = 12});
  before.trainer.save(folder_ / "middle");
  after.trainer.load(folder_ / "middle");
  before.train_to(7);
  after.train_to(7);
  EXPECT_EQ(weights(after.model), weights(before.model));
}

TEST_F(CheckpointFileTest, HoldsWhatTheDocumentSays) {
  CheckpointedRun run(Device::cpu(), 18'446'744'073'709'551'615ULL);
  run.train_to(5);
  run.trainer.save(folder_ / "checkpoint");
  const SafetensorsReader reader(folder_ / "checkpoint");
  const std::map<std::string, std::string> metadata = reader.metadata();
  const std::vector<std::pair<std::string, std::string>> facts{{"rushlight_format", "1"},
                                                               {"rushlight_seed", "18446744073709551615"},
                                                               {"step", "5"},
                                                               {"epoch", "1"},
                                                               {"epoch_step", "2"},
                                                               {"epoch_samples", "14"},
                                                               {"data_first", "0"},
                                                               {"data_samples", "23"},
                                                               {"batch", "7"},
                                                               {"shuffle", "keyed"},
                                                               {"optimizer", "adam"},
                                                               {"lr", "0.01"},
                                                               {"beta1", "0.9"},
                                                               {"beta2", "0.999"},
                                                               {"eps", "1e-08"}};
  for (const auto& [key, value] : facts) EXPECT_THAT(metadata, Contains(Pair(key, value)));
  std::vector<std::string> names;
  for (const TensorEntry& entry : reader.entries()) names.push_back(entry.name);
  std::vector<std::string> expected;
  for (const char* const prefix : {"", "optimizer.exp_avg.", "optimizer.exp_avg_sq."}) {
    for (const char* const name : {"0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias"}) {
      expected.push_back(std::string(prefix) + name);
    }
  }
  EXPECT_EQ(names, expected);
  const CheckpointInfo info = read_checkpoint_info(folder_ / "checkpoint");
  EXPECT_EQ(info.data_hash, run.data.hash());
  EXPECT_THAT((std::vector{info.step, info.epoch, info.epoch_step, info.seed}), ElementsAre(5, 1, 2, ~0ULL));
}

TEST_F(CheckpointFileTest, AnotherTrainingIsRefusedAndNothingChanges) {
  CheckpointedRun run(Device::cpu());
  run.train_to(4);
  run.trainer.save(folder_ / "whole");
  const auto refused = [&](std::vector<Module> modules, AdamOptions adam, TrainerOptions options) {
    Sequential model(std::move(modules));
    model.initialize(XavierUniform{}, {.seed = 5});
    Trainer trainer(model, CrossEntropyLoss{}, Adam{adam}, options);
    const std::string before = saved(trainer, "before");
    const std::string message = message_of<FormatError>([&] { trainer.load(folder_ / "whole"); });
    EXPECT_EQ(saved(trainer, "before"), before);
    EXPECT_THAT(message, HasSubstr((folder_ / "whole").string()));
    return message;
  };
  const TrainerOptions options{.batch = kBatch};
  std::vector<Module> wider = small_modules();
  wider[3] = Linear(17, 10);
  wider[6] = Linear(10, kClasses);
  EXPECT_THAT(refused(wider, {}, options), AllOf(HasSubstr("rushlight_model"), HasSubstr("\"out_features\":10")));
  EXPECT_THAT(refused(small_modules(0.4), {}, options), AllOf(HasSubstr("rushlight_model"), HasSubstr("0.4")));
  EXPECT_THAT(refused(small_modules(), {}, {.batch = 8}), AllOf(HasSubstr("\"batch\" must be 8"), HasSubstr("is 7")));
  EXPECT_THAT(refused(small_modules(), {}, {.batch = kBatch, .shuffle = Shuffle::off}),
              AllOf(HasSubstr("\"shuffle\" must be off"), HasSubstr("is keyed")));
  EXPECT_THAT(refused(small_modules(), {.beta1 = 0.8}, options), HasSubstr("\"beta1\" must be 0.8"));
  EXPECT_THAT(refused(small_modules(), {.beta2 = 0.99}, options), HasSubstr("\"beta2\" must be 0.99"));
  EXPECT_THAT(refused(small_modules(), {.eps = 1e-7}, options), HasSubstr("\"eps\" must be 1e-07"));
}

TEST_F(CheckpointFileTest, OtherDataInTheMiddleOfAnEpochIsRefused) {
  CheckpointedRun before(Device::cpu()), after(Device::cpu());
  before.train_to(4);
  before.trainer.save(folder_ / "middle");
  after.trainer.load(folder_ / "middle");
  const Dataset other = small_data(23, kFeatures, kClasses, 2);
  EXPECT_THAT(message_of<InvalidArgument>([&] { after.trainer.train_epoch(other); }), HasSubstr("same data"));
  EXPECT_NO_THROW(after.trainer.train_epoch(after.data));
}

// The model's new device would get the file's weights although the trainer cannot go on there.
TEST_P(CheckpointTest, LoadingAfterTheModelMovedToAnotherDeviceChangesNothing) {
  CheckpointedRun before(device()), after(device(), 5);
  before.train_to(4);
  before.trainer.save(folder_ / "middle");
  after.model.to(Device::cpu(1));
  const std::vector<float> expected = weights(after.model);
  EXPECT_THAT(message_of<InvalidArgument>([&] { after.trainer.load(folder_ / "middle"); }), HasSubstr("new Trainer"));
  EXPECT_EQ(weights(after.model), expected);
  EXPECT_EQ(after.model.seed(), 5U);
}

TEST_P(CheckpointTest, NothingIsSavedFromNumbersThatAreNotFinite) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    CheckpointedRun run(device());
    run.train_to(2);
    const std::string before = saved(run.trainer);
    std::vector<Tensor> state = run.model.state_dict();
    state[2].values[3] = value;
    run.model.load_state_dict(state);
    EXPECT_THAT(message_of<Diverged>([&] { run.trainer.save(folder_ / "checkpoint"); }),
                AllOf(HasSubstr("element 3 of 3.weight"), HasSubstr("nothing was saved")));
    EXPECT_EQ(raw_bytes(folder_ / "checkpoint"), before);
    EXPECT_THAT(folder_.names(), ElementsAre("checkpoint"));
  }
}

TEST_P(CheckpointTest, NothingIsSavedFromASumThatIsNotFinite) {
  CheckpointedRun run(device());
  const std::string before = saved(run.trainer);
  const std::vector<Tensor> good = run.model.state_dict();
  std::vector<Tensor> bad = good;
  bad.back().values[0] = std::numeric_limits<float>::infinity();
  run.model.load_state_dict(bad);
  EXPECT_THROW(run.train_to(1), Diverged);
  run.model.load_state_dict(good);  // The weights are finite again, the epoch's sum is not.
  EXPECT_THAT(message_of<Diverged>([&] { run.trainer.save(folder_ / "checkpoint"); }), HasSubstr("epoch's loss"));
  EXPECT_EQ(raw_bytes(folder_ / "checkpoint"), before);
}

TEST_F(CheckpointFileTest, AFolderThatIsMissingIsNamed) {
  CheckpointedRun run(Device::cpu());
  EXPECT_THAT(message_of<FormatError>([&] { run.trainer.save(folder_ / "none/checkpoint"); }), HasSubstr("none"));
  EXPECT_THAT(message_of<FormatError>([&] { run.trainer.load(folder_ / "missing"); }), HasSubstr("missing"));
}

}  // namespace
}  // namespace rushlight
