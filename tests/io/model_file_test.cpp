#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>
#include <rushlight/io.h>
#include <rushlight/sequential.h>

#include <nlohmann/json.hpp>

#include "src/io/model_description.h"
#include "src/io/safetensors.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/goldens.h"
#include "tests/support/rewrite.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Sequential small_model(std::uint64_t seed) {
  Sequential model{Linear(5, 3), ReLU(), Dropout(0.25), Linear(3, 2, Bias::absent)};
  model.initialize(XavierUniform{}, {.seed = seed});
  return model;
}

using Metadata = std::map<std::string, std::string>;

class ModelFileTest : public testing::Test {
 protected:
  // What `save` writes, with changes to its metadata and tensors.
  template <class Change>
  std::string message_after(Change change) const {
    save(small_model(3), folder_ / "whole");
    rewrite_safetensors(folder_ / "whole", folder_ / "changed", change);
    return message_of<FormatError>([&] { load(folder_ / "changed"); });
  }

  TemporaryFolder folder_;
};

TEST_F(ModelFileTest, LoadsWhatWasSaved) {
  const std::uint64_t seed = 0xffffffffffffffffULL;
  const Sequential model = small_model(seed);
  save(model, folder_ / "m");
  const LoadedModel loaded = load(folder_ / "m");
  EXPECT_EQ(loaded.inferred, "");
  EXPECT_EQ(loaded.model.modules(), model.modules());
  EXPECT_EQ(loaded.model.seed(), seed);
  EXPECT_EQ(loaded.model.mode(), Mode::eval);
  const std::vector<Tensor> expected = model.state_dict();
  const std::vector<Tensor> found = loaded.model.state_dict();
  ASSERT_EQ(found.size(), 3U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].name, expected[i].name);
    EXPECT_EQ(found[i].shape, expected[i].shape);
    EXPECT_EQ(found[i].values, expected[i].values);
  }
}

TEST_F(ModelFileTest, HoldsTheSameBytesEachTimeAndNothingOfTheMachine) {
  save(small_model(7), folder_ / "one");
  save(small_model(7), folder_ / "two");
  EXPECT_EQ(raw_bytes(folder_ / "one"), raw_bytes(folder_ / "two"));
  const SafetensorsReader reader(folder_ / "one");
  EXPECT_THAT(reader.metadata(),
              UnorderedElementsAre(Pair("rushlight_format", "1"), Pair("rushlight_seed", "7"),
                                   Pair("rushlight_model", describe_modules(small_model(7).modules()))));
  std::vector<std::string> names;
  for (const TensorEntry& entry : reader.entries()) names.push_back(entry.name);
  EXPECT_THAT(names, ElementsAre("0.weight", "0.bias", "3.weight"));
}

TEST_F(ModelFileTest, RefusesAModelWithoutWeights) {
  const Sequential model{Linear(5, 3)};
  EXPECT_THAT(message_of<InvalidArgument>([&] { save(model, folder_ / "m"); }), HasSubstr("initialize"));
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(ModelFileTest, AgreesWithPyTorchOnItsModels) {
  const auto goldens = nlohmann::json::parse(raw_bytes(golden_path("safetensors.json")));
  for (const std::string name : {"torch_lab", "torch_stack_bf16", "torch_deep_f64", "torch_single_f16"}) {
    LoadedModel loaded = load(golden_path(name + ".safetensors"));
    EXPECT_THAT(loaded.inferred, HasSubstr(name));
    const std::int64_t in = loaded.model.in_features();
    const Dataset data(goldens[name]["pixels"].get<std::vector<std::uint8_t>>(), {}, {in});
    const auto logits = goldens[name]["logits"].get<std::vector<float>>();
    const Predictions predictions = loaded.model.predict(data);
    ASSERT_EQ(static_cast<std::size_t>(predictions.size() * predictions.classes()), logits.size()) << name;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const auto classes = static_cast<std::size_t>(predictions.classes());
      EXPECT_NEAR(predictions.logits(static_cast<std::int64_t>(i / classes))[i % classes], logits[i], 1e-6) << name;
    }
  }
}

TEST_F(ModelFileTest, IgnoresMomentsOfACheckpoint) {
  save(small_model(3), folder_ / "whole");
  const SafetensorsReader reader(folder_ / "whole");
  const std::vector<Tensor> state = small_model(3).state_dict();
  std::vector<TensorView> views;
  for (const Tensor& tensor : state) views.push_back({tensor.name, tensor.shape, tensor.values});
  for (const Tensor& tensor : state) views.push_back({"optimizer.exp_avg." + tensor.name, tensor.shape, tensor.values});
  Metadata metadata = reader.metadata();
  metadata["step"] = "20";
  write_safetensors(folder_ / "checkpoint", views, metadata);
  EXPECT_EQ(load(folder_ / "checkpoint").model.state_dict().front().values, state.front().values);
}

TEST_F(ModelFileTest, NamesTheMetadataThatIsWrong) {
  const auto message = [this](const std::string& key, const std::string& value) {
    return message_after([&](Metadata& metadata, std::vector<Tensor>&) {
      metadata.erase(key);
      if (!value.empty()) metadata[key] = value;
    });
  };
  EXPECT_THAT(message("rushlight_format", ""), HasSubstr("lacks rushlight_format"));
  EXPECT_THAT(message("rushlight_format", "2"), AllOf(HasSubstr("'2'"), HasSubstr("1 was expected")));
  EXPECT_THAT(message("rushlight_model", ""), HasSubstr("lacks rushlight_model"));
  EXPECT_THAT(message("rushlight_model", "{"), HasSubstr("rushlight_model is not valid JSON"));
  EXPECT_THAT(message("rushlight_model", R"({"modules":[{"type":"ReLU"}]})"), HasSubstr("changed'"));
  EXPECT_THAT(message("rushlight_seed", ""), HasSubstr("lacks rushlight_seed"));
  for (const std::string seed : {"-1", "1x", " 1", "18446744073709551616"}) {
    EXPECT_THAT(message("rushlight_seed", seed), HasSubstr("rushlight_seed is '" + seed + "'"));
  }
}

TEST_F(ModelFileTest, NamesTheTensorThatIsWrong) {
  const auto message = [this](auto change) {
    return message_after([&](Metadata&, std::vector<Tensor>& tensors) { change(tensors); });
  };
  EXPECT_THAT(message([](auto& tensors) { tensors.pop_back(); }),
              AllOf(HasSubstr("'3.weight'"), HasSubstr("[2, 3]"), HasSubstr("missing")));
  EXPECT_THAT(message([](auto& tensors) {
                tensors[0].shape = {5, 3};
              }),
              AllOf(HasSubstr("'0.weight'"), HasSubstr("[5, 3]"), HasSubstr("[3, 5]")));
  EXPECT_THAT(message([](auto& tensors) {
                tensors.push_back({"3.bias", {1}, {0}});
              }),
              AllOf(HasSubstr("'3.bias'"), HasSubstr("no module")));
}

// 2^39 elements are a Linear that the constructor allows, but no memory that the file justifies.
TEST_F(ModelFileTest, TakesNoMemoryForAModelThatTheFileDoesNotHold) {
  const std::vector<Module> modules{Linear(1 << 20, 1 << 19)};
  const std::string message = message_after(
      [&](Metadata& metadata, std::vector<Tensor>&) { metadata["rushlight_model"] = describe_modules(modules); });
  EXPECT_THAT(message, AllOf(HasSubstr("'0.weight'"), HasSubstr("[524288, 1048576]")));
}

TEST_F(ModelFileTest, LoadsOrRefusesAnyFlippedHeaderByte) {
  save(small_model(3), folder_ / "whole");
  const std::string whole = raw_bytes(folder_ / "whole");
  const auto header = static_cast<std::size_t>(SafetensorsReader(folder_ / "whole").entries().front().begin);
  int refused = 0;
  for (std::size_t position = 0; position < header; ++position) {
    for (const int mask : {0x01, 0x80}) {
      std::string damaged = whole;
      damaged[position] = static_cast<char>(damaged[position] ^ mask);
      put_raw_bytes(folder_ / "damaged", damaged);
      try {
        load(folder_ / "damaged");
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 700);
}

}  // namespace
}  // namespace rushlight
