#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>
#include <rushlight/rushlight.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "src/app/commands.h"
#include "src/app/data_location.h"
#include "src/app/device_options.h"

namespace rushlight {
namespace {

constexpr const char* kPredictExamples = R"(
Examples:
  rushlight predict runs/lab-1 t10k-images-idx3-ubyte.gz                     a row an image
  rushlight predict runs/lab-1 t10k-images-idx3-ubyte.gz --index 7 --draw    draw one image, and say what it is
  rushlight predict model.safetensors images-idx3-ubyte --top 3 --json       the three best classes, as JSON lines
)";

struct PredictArguments {
  std::string file;
  std::string input;
  std::int64_t top = 1;
  std::int64_t index = 0;
  bool one = false;
  bool logits = false;
  bool draw = false;
  bool raw_pixels = false;
  bool json = false;
  DeviceOptions device;
};

struct Guess {
  std::int64_t label;
  float probability;
};

std::vector<Guess> best(const Predictions& predictions, std::int64_t i, std::int64_t top) {
  const std::vector<float> probabilities = predictions.probabilities(i);
  std::vector<Guess> guesses;
  for (std::size_t c = 0; c < probabilities.size(); ++c) {
    guesses.push_back({static_cast<std::int64_t>(c), probabilities[c]});
  }
  std::stable_sort(guesses.begin(), guesses.end(),
                   [](const Guess& a, const Guess& b) { return a.probability > b.probability; });
  guesses.resize(static_cast<std::size_t>(std::min<std::int64_t>(top, predictions.classes())));
  return guesses;
}

void draw(const Dataset& image, Streams streams) {
  constexpr std::string_view kShades = " .:-=+*#%@";
  if (image.shape().size() != 2) {
    throw InvalidArgument(fmt::format("--draw needs images of two dimensions, but {} has samples of [{}]", image.name(),
                                      fmt::join(image.shape(), ", ")));
  }
  const auto pixels = image.pixels();
  const auto width = static_cast<std::size_t>(image.shape()[1]);
  for (std::size_t begin = 0; begin < pixels.size(); begin += width) {
    for (const std::uint8_t pixel : pixels.subspan(begin, width)) {
      const char shade = kShades[pixel * kShades.size() / 256];
      streams.out << shade << shade;
    }
    streams.out << '\n';
  }
}

std::string json_row(const PredictArguments& arguments, const Predictions& predictions, std::int64_t i,
                     std::int64_t index) {
  nlohmann::ordered_json row;
  row["index"] = index;
  if (arguments.logits) {
    row["logits"] = std::vector<float>(predictions.logits(i).begin(), predictions.logits(i).end());
    return row.dump();
  }
  const std::vector<Guess> guesses = best(predictions, i, arguments.top);
  row["class"] = guesses.front().label;
  row["probability"] = guesses.front().probability;
  for (const Guess& guess : guesses) {
    if (arguments.top > 1) row["top"].push_back({{"class", guess.label}, {"probability", guess.probability}});
  }
  return row.dump();
}

std::string plain_row(const PredictArguments& arguments, const Predictions& predictions, std::int64_t i,
                      std::int64_t index) {
  std::string row = fmt::format("{}", index);
  if (arguments.logits) return row + fmt::format("\t{:.9g}", fmt::join(predictions.logits(i), "\t"));
  for (const Guess& guess : best(predictions, i, arguments.top)) {
    row += fmt::format("\t{}\t{:.6f}", guess.label, guess.probability);
  }
  return row;
}

std::string heading(const PredictArguments& arguments, const Predictions& predictions) {
  if (arguments.logits) return "index\tlogits";
  std::string text = "index";
  for (std::int64_t k = 0; k < std::min(arguments.top, predictions.classes()); ++k) text += "\tclass\tprobability";
  return text;
}

/// A class that is the highest of numbers that are none would be made up.
void check_finite(const Predictions& predictions, const PredictArguments& arguments, const Dataset& data) {
  for (std::int64_t i = 0; i < predictions.size(); ++i) {
    const auto logits = predictions.logits(i);
    const auto at = std::find_if(logits.begin(), logits.end(), [](float logit) { return !std::isfinite(logit); });
    if (at == logits.end()) continue;
    throw FormatError(fmt::format("{}: output {} for image {} of {} is {}: its weights are too large for these images",
                                  arguments.file, at - logits.begin(), data.first() + i, data.name(), *at));
  }
}

int run_predict(const PredictArguments& arguments, Streams streams) {
  LoadedModel loaded = open_model(arguments.file);
  if (!loaded.inferred.empty()) streams.err << loaded.inferred << std::endl;
  Dataset data = load_idx(arguments.input);
  if (arguments.one) data = data.rows(arguments.index, 1);
  if (arguments.draw && data.size() > 1) throw InvalidArgument("--draw draws one image: choose it by --index");
  loaded.model.to(arguments.device.choose(streams.err));
  const Predictions predictions =
      loaded.model.predict(data, {.pixels = arguments.raw_pixels ? PixelScale::raw : PixelScale::unit, .mc_pass = {}});
  check_finite(predictions, arguments, data);
  if (arguments.draw) draw(data, streams);
  if (!arguments.json) streams.out << heading(arguments, predictions) << '\n';
  for (std::int64_t i = 0; i < predictions.size(); ++i) {
    const std::int64_t index = data.first() + i;
    streams.out << (arguments.json ? json_row(arguments, predictions, i, index)
                                   : plain_row(arguments, predictions, i, index))
                << '\n';
  }
  streams.out << std::flush;
  return kDone;
}

}  // namespace

void add_predict_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("predict", "Classes of images");
  const auto arguments = std::make_shared<PredictArguments>();
  command->add_option("FILE", arguments->file, "A model file, or a run's folder")->required();
  command->add_option("INPUT", arguments->input, "An IDX file of images, .gz or not")->required();
  CLI::Option* const top = command->add_option("--top", arguments->top, "The so many best classes")
                               ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31))
                               ->capture_default_str();
  command->add_flag("--logits", arguments->logits, "The network's outputs instead of a class")->excludes(top);
  CLI::Option* const index = command->add_option("--index", arguments->index, "This image alone, counted from 0");
  command->add_flag("--draw", arguments->draw, "Draw the image first")->needs(index);
  command->add_flag("--raw-pixels", arguments->raw_pixels, "Feed pixels as 0 to 255 instead of 0 to 1");
  arguments->device.add_to(*command);
  command->add_flag("--json", arguments->json, "A JSON line an image");
  command->footer(kPredictExamples);
  command->callback([=, &chosen] {
    arguments->one = index->count() > 0;
    chosen = [=] { return run_predict(*arguments, streams); };
  });
}

}  // namespace rushlight
