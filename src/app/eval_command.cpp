#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/rushlight.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "src/app/commands.h"
#include "src/app/data_location.h"
#include "src/app/device_options.h"

namespace rushlight {
namespace {

constexpr const char* kEvalExamples = R"(
Examples:
  rushlight eval runs/lab-1                          loss and accuracy on the 10,000 test images
  rushlight eval runs/lab-1 --split train            on the training images, dropout off
  rushlight eval model.safetensors --raw-pixels      the lesson's slip: pixels 0 to 255 for a network trained on 0 to 1
)";

struct EvalArguments {
  std::string file;
  std::string data;
  std::string split = "test";
  bool raw_pixels = false;
  bool json = false;
  DeviceOptions device;
};

int run_eval(const EvalArguments& arguments, Streams streams) {
  LoadedModel loaded = open_model(arguments.file);
  if (!loaded.inferred.empty()) streams.err << loaded.inferred << std::endl;
  const std::filesystem::path folder = require_data(arguments.data);
  const Dataset data = load_idx_folder(folder, arguments.split == "train" ? Split::train : Split::test);
  loaded.model.to(arguments.device.choose(streams.err));
  const PixelScale pixels = arguments.raw_pixels ? PixelScale::raw : PixelScale::unit;
  const Metrics metrics = loaded.model.evaluate(data, CrossEntropyLoss{}, pixels);
  if (!std::isfinite(metrics.loss)) {
    throw FormatError(fmt::format("{}: its loss on {} is {}: its weights are too large for these images",
                                  arguments.file, data.name(), metrics.loss));
  }
  if (arguments.json) {
    nlohmann::ordered_json result;
    result["loss"] = metrics.loss;
    result["accuracy"] = metrics.accuracy;
    result["samples"] = metrics.samples;
    streams.out << result.dump() << std::endl;
  } else {
    streams.out << fmt::format("loss      {:.4f}\naccuracy  {:.4f}\nsamples   {}\n", metrics.loss, metrics.accuracy,
                               metrics.samples)
                << std::flush;
  }
  return kDone;
}

}  // namespace

void add_eval_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("eval", "Loss and accuracy of a model on labelled images");
  const auto arguments = std::make_shared<EvalArguments>();
  command->add_option("FILE", arguments->file, "A model file, or a run's folder")->required();
  command->add_option("--data", arguments->data, "Folder with MNIST's four files; else where `train` looks");
  command->add_option("--split", arguments->split, "test or train")
      ->check(CLI::IsMember({"test", "train"}))
      ->capture_default_str();
  command->add_flag("--raw-pixels", arguments->raw_pixels, "Feed pixels as 0 to 255 instead of 0 to 1");
  arguments->device.add_to(*command);
  command->add_flag("--json", arguments->json, "One JSON line on stdout");
  command->footer(kEvalExamples);
  command->callback([=, &chosen] { chosen = [=] { return run_eval(*arguments, streams); }; });
}

}  // namespace rushlight
