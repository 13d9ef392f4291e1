// What each command was asked for.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "src/app/settings.h"
#include "src/app/streams.h"

namespace rushlight::app {

struct TrainRequest {
  Settings given;  ///< On the command line.
  std::optional<std::filesystem::path> config;
  std::optional<std::filesystem::path> out;
  std::optional<std::filesystem::path> resume;
  Output output = Output::table;
  Talk talk = Talk::on;
};

struct PlanRequest {
  Settings given;
  std::optional<std::filesystem::path> config;
  std::optional<std::int64_t> inputs;
  std::optional<std::int64_t> outputs;
  Mode mode = Mode::train;
  Output output = Output::table;
};

struct EvalRequest {
  std::filesystem::path file;
  std::optional<std::filesystem::path> data;
  Split split = Split::test;
  PixelScale pixels = PixelScale::unit;
  std::string device = "auto";
  int threads = 0;
  Output output = Output::table;
};

enum class Answer { classes, logits };
enum class Picture { absent, drawn };

struct PredictRequest {
  std::filesystem::path file;
  std::filesystem::path input;
  Answer answer = Answer::classes;
  std::optional<std::int64_t> top;  ///< Classes a sample; unset: the likeliest one.
  std::optional<std::int64_t> index;
  Picture picture = Picture::absent;
  std::string device = "auto";
  int threads = 0;
  Output output = Output::table;
};

using Request = std::variant<TrainRequest, EvalRequest, PredictRequest, PlanRequest>;

/// Each runs to its exit code, or throws.
int run_request(const TrainRequest& request, const Streams& streams);
int run_request(const EvalRequest& request, const Streams& streams);
int run_request(const PredictRequest& request, const Streams& streams);
int run_request(const PlanRequest& request, const Streams& streams);

/// Loads a model onto a device, and says what was guessed and chosen.
Sequential load_model(const std::filesystem::path& file, const std::string& device, int threads,
                      const Console& console);

/// The initial settings, the file's and the command line's, each over the one before.
Settings settings_of(const Settings& given, const std::optional<std::filesystem::path>& config);

}  // namespace rushlight::app
