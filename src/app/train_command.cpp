#include <fmt/format.h>
#include <rushlight/error.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "src/app/commands.h"
#include "src/app/training_run.h"

namespace rushlight {
namespace {

constexpr const char* kTrainExamples = R"(
Examples:
  rushlight train                                   the lab: 784-512-512-512-512-10, dropout 0.3, 15 epochs
  rushlight train --dropout 0 --out runs/plain      the same without dropout
  rushlight train --limit-train 5000 --epochs 30    few images: overfitting shows best
  rushlight train --resume runs/lab-1 --epochs 30   go on where the run stopped
  rushlight train --config runs/lab-1/config.toml   run it again
)";

struct TrainArguments {
  TrainRequest request;
  std::string config;
  bool json = false;
  bool quiet = false;
};

/// A resumed run's settings are its config's; the command line may change those that change no bit of it.
void settle_resumed(const CLI::App& command, TrainRequest& request) {
  Settings recorded;
  read_config(require_config(request.resume), recorded, nullptr);
  const std::vector<Setting> asked = table_of(request.settings), kept = table_of(recorded);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!given(command, asked[i])) {
      copy_value(kept[i], asked[i]);
    } else if (asked[i].on_resume == OnResume::must_stay && asked[i].text() != kept[i].text()) {
      throw InvalidArgument(
          fmt::format("{} of the run in {} is {} and cannot become {} midway: start a new run from its "
                      "weights with --init-from {}",
                      asked[i].option(), request.resume, kept[i].text(), asked[i].text(), request.resume));
    }
  }
}

/// A shell's unset variable would otherwise start a new run in place of the one that was meant.
std::string not_empty(const std::string& path) {
  return path.empty() ? "needs a path, but was given an empty text" : "";
}

int run_train(const CLI::App& command, TrainArguments& arguments, Streams streams) {
  TrainRequest& request = arguments.request;
  request.talk = arguments.json ? Talk::json : arguments.quiet ? Talk::quiet : Talk::table;
  if (!request.resume.empty()) {
    settle_resumed(command, request);
  } else if (!arguments.config.empty()) {
    read_config(arguments.config, request.settings, &command);
  }
  return train(request, streams);
}

}  // namespace

void add_train_command(CLI::App& app, Streams streams, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("train", "Train a network; alone, the dropout lab");
  const auto arguments = std::make_shared<TrainArguments>();
  add_options(*command, arguments->request.settings);
  CLI::Option* const out =
      command->add_option("--out", arguments->request.out, "The run's folder, new; else runs/lab-<number>");
  CLI::Option* const resume =
      command->add_option("--resume", arguments->request.resume, "Go on with the run in this folder");
  CLI::Option* const config =
      command->add_option("--config", arguments->config, "Settings from this TOML file; the command line wins");
  resume->excludes(out)->excludes(config);
  for (CLI::Option* const path : {out, resume, config}) path->check(not_empty);
  CLI::Option* const json = command->add_flag("--json", arguments->json, "A JSON line an epoch on stdout");
  command->add_flag("--quiet", arguments->quiet, "Say nothing but errors")->excludes(json);
  command->footer(kTrainExamples);
  command->callback([=, &chosen] { chosen = [=] { return run_train(*command, *arguments, streams); }; });
}

}  // namespace rushlight
