// Damaged checkpoints are refused or load, never crash, and an error leaves the trainer as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>
#include <rushlight/io.h>
#include <rushlight/trainer.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "src/io/safetensors.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/rewrite.h"
#include "tests/train/small_training.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Metadata = std::map<std::string, std::string>;

class CheckpointDamageTest : public testing::Test {
 protected:
  CheckpointDamageTest() {
    trainer_.train_epoch(data_, stop_after(2));
    trainer_.save(folder_ / "whole");
    whole_ = raw_bytes(folder_ / "whole");
    trainer_.train_epoch(data_);
    state_ = state();
    weights_ = weights(model_);
  }

  /// Everything that a checkpoint keeps, which is everything that counts.
  std::string state() const {
    trainer_.save(folder_ / "state");
    return raw_bytes(folder_ / "state");
  }

  /// Whether the bytes were refused; if so, nothing may have changed.
  bool refused(const std::string& bytes) {
    put_raw_bytes(folder_ / "damaged", bytes);
    try {
      trainer_.load(folder_ / "damaged");
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr("damaged"));
      EXPECT_EQ(weights(model_), weights_);
      EXPECT_EQ(trainer_.steps(), 3U);
      return true;
    }
    trainer_.load(folder_ / "state");
    return false;
  }

  /// Writes the file `from` anew as `to`, with changes.
  template <class Change>
  void rewrite(const std::string& from, const std::string& to, Change change) const {
    rewrite_safetensors(folder_ / from, folder_ / to, change);
  }

  /// What is said of a file with these changes.
  template <class Change>
  std::string message_after(Change change) {
    rewrite("whole", "changed", change);
    const std::string message = message_of<FormatError>([&] { trainer_.load(folder_ / "changed"); });
    EXPECT_EQ(state(), state_);
    return message;
  }

  std::string message_with(const std::string& key, const std::string& value) {
    return message_after([&](Metadata& metadata, std::vector<Tensor>&) { metadata.at(key) = value; });
  }

  TemporaryFolder folder_;
  Dataset data_ = small_data(11, 3, 2);
  Sequential model_{Linear(3, 2), Dropout(0.3)};
  Trainer trainer_{(model_.initialize(XavierUniform{}), model_), CrossEntropyLoss{}, Adam{}, {.batch = 3}};
  std::string whole_, state_;
  std::vector<float> weights_;
};

TEST_F(CheckpointDamageTest, AFileCutOffAtAnyByteIsRefused) {
  for (std::size_t length = 0; length < whole_.size(); ++length) EXPECT_TRUE(refused(whole_.substr(0, length)));
  EXPECT_TRUE(refused(whole_ + "x"));
  EXPECT_FALSE(refused(whole_));
  EXPECT_EQ(state(), state_);
}

TEST_F(CheckpointDamageTest, AFlippedHeaderByteIsRefusedOrLoads) {
  const auto header = static_cast<std::size_t>(SafetensorsReader(folder_ / "whole").entries().front().begin);
  int count = 0;
  for (std::size_t position = 0; position < header; ++position) {
    for (const int mask : {0x01, 0x08, 0x80}) {
      std::string damaged = whole_;
      damaged[position] = static_cast<char>(damaged[position] ^ mask);
      count += refused(damaged) ? 1 : 0;
    }
  }
  EXPECT_GT(count, static_cast<int>(header) * 2);
  EXPECT_EQ(state(), state_);
}

TEST_F(CheckpointDamageTest, AbsurdNumbersAreRefusedByName) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> absurd{
      {"step",
       {"-1", "", "nan", "1e3", "1.5", " 2", "18446744073709551616", "18446744073709551615", "4294967296", "1"}},
      {"epoch", {"-1", "x", "18446744073709551616", "1", "4294967296"}},
      {"epoch_step", {"-1", "4", "18446744073709551615"}},
      {"epoch_samples", {"-6", "5", "7", "18446744073709551615", "nan"}},
      {"epoch_correct", {"-1", "7", "18446744073709551616"}},
      {"epoch_loss_sum", {"nan", "inf", "-inf", "-0.5", "1e999", "", "0x1p3", "1,5"}},
      {"data_first", {"-1", "9223372036854775808", "nan"}},
      {"data_samples", {"-1", "9223372036854775808"}},
      {"data_hash", {"", "xyz", "10000000000000000f", "-1"}},
      {"rushlight_seed", {"-1", "18446744073709551616", "nan", ""}},
      {"lr", {"-0.001", "nan", "inf", "1e999", "", "fast"}},
      {"batch", {"0", "3.0", "-3"}},
      {"optimizer", {"sgd"}},
      {"rushlight_format", {"2", ""}}};
  for (const auto& [key, values] : absurd) {
    for (const std::string& value : values) {
      SCOPED_TRACE(key + " = '" + value + "'");
      EXPECT_THAT(message_with(key, value), AllOf(HasSubstr("changed"), HasSubstr("\"" + key + "\"")));
    }
  }
}

TEST_F(CheckpointDamageTest, NumbersThatContradictEachOtherAreRefused) {
  EXPECT_THAT(message_with("data_samples", "5"), HasSubstr("no more than the batches"));
  EXPECT_THAT(message_with("epoch_step", "3"), HasSubstr("no less than epoch_step"));
  EXPECT_THAT(message_with("epoch_step", "1"), HasSubstr("epoch_step times batch"));
}

TEST_F(CheckpointDamageTest, EveryEntryOfTheMetadataIsNeeded) {
  const Metadata metadata = SafetensorsReader(folder_ / "whole").metadata();
  EXPECT_EQ(metadata.size(), 19U);
  for (const auto& [key, value] : metadata) {
    const auto remove = [&key = key](Metadata& changed, std::vector<Tensor>&) { changed.erase(key); };
    EXPECT_THAT(message_after(remove), AllOf(HasSubstr("no \"" + key + "\""), HasSubstr("no checkpoint")));
  }
}

TEST_F(CheckpointDamageTest, EveryTensorIsNeededInItsShape) {
  const auto reader = SafetensorsReader(folder_ / "whole");
  ASSERT_EQ(reader.entries().size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string name = reader.entries()[i].name;
    const auto remove = [i](Metadata&, std::vector<Tensor>& tensors) {
      tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
    };
    EXPECT_THAT(message_after(remove), AllOf(HasSubstr(name + " of the shape"), HasSubstr("missing")));
    const auto reshape = [i](Metadata&, std::vector<Tensor>& tensors) { tensors[i].shape.push_back(1); };
    EXPECT_THAT(message_after(reshape), AllOf(HasSubstr(name + " of the shape"), HasSubstr("another shape")));
  }
}

TEST_F(CheckpointDamageTest, AModelFileIsNoCheckpoint) {
  save(model_, folder_ / "model");
  EXPECT_THAT(message_of<FormatError>([&] { trainer_.load(folder_ / "model"); }),
              AllOf(HasSubstr("no checkpoint"), HasSubstr("start a new run")));
  EXPECT_THAT(message_of<FormatError>([&] { read_checkpoint_info(folder_ / "model"); }), HasSubstr("no checkpoint"));
  EXPECT_EQ(state(), state_);
}

// Steps are numbered in 32 bits: one more would draw the first step's masks again.
TEST_F(CheckpointDamageTest, ATrainingEndsAtTheLastStepThatItCanNumber) {
  rewrite("state", "late", [](Metadata& metadata, std::vector<Tensor>&) { metadata["step"] = "4294967294"; });
  trainer_.load(folder_ / "late");
  EXPECT_NO_THROW(trainer_.step(data_.rows(0, 3)));
  EXPECT_THAT(message_of<InvalidArgument>([&] { trainer_.step(data_.rows(0, 3)); }), HasSubstr("2^32 - 1 steps"));
  EXPECT_THAT(message_of<InvalidArgument>([&] { trainer_.train_epoch(data_); }), HasSubstr("2^32 - 1 steps"));
  EXPECT_EQ(trainer_.steps(), 4294967295U);
}

}  // namespace
}  // namespace rushlight
