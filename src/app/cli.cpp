#include "src/app/cli.h"

#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/version.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <new>

#include "src/app/commands.h"

namespace rushlight {
namespace {

int fail(Streams streams, int code, const std::string& message) {
  streams.err << "rushlight: " << message << std::endl;
  return code;
}

int guarded(Streams streams, const std::function<int()>& body) {
  try {
    return body();
  } catch (const FormatError& error) {
    return fail(streams, kBadData, error.what());
  } catch (const DeviceError& error) {
    return fail(streams, kNoDevice, error.what());
  } catch (const Diverged& error) {
    return fail(streams, kDiverged, error.what());
  } catch (const Error& error) {
    return fail(streams, kWrongUsage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(streams, kNoDevice, "this machine has too little memory for that: choose a smaller batch or network");
  } catch (const std::exception& error) {
    return fail(streams, kBadData, error.what());
  }
}

int parse_and_run(int argc, const char* const* argv, Streams streams) {
  CLI::App app("Trains multi-layer perceptrons, evaluates them and predicts with them.", "rushlight");
  app.set_version_flag("--version", version_details(), "Commit, compilers and backends of this build");
  app.require_subcommand(1);
  std::function<int()> chosen;
  add_train_command(app, streams, chosen);
  add_eval_command(app, streams, chosen);
  add_predict_command(app, streams, chosen);
  add_plan_command(app, streams, chosen);
  add_doctor_command(app, streams, chosen);
  add_bench_command(app, streams, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    streams.out << app.help();
    return kDone;
  } catch (const CLI::CallForVersion& version) {
    streams.out << version.what();
    return kDone;
  } catch (const CLI::ParseError& error) {
    const auto subcommands = app.get_subcommands();
    if (subcommands.empty() && argc > 1 && *argv[1] != '-') {
      return fail(streams, kWrongUsage,
                  fmt::format("there is no command \"{}\" (`rushlight --help` shows those there are)", argv[1]));
    }
    const std::string name = subcommands.empty() ? "" : " " + subcommands.front()->get_name();
    return fail(streams, kWrongUsage, fmt::format("{} (`rushlight{} --help` shows what there is)", error.what(), name));
  }
  return chosen();
}

}  // namespace

int run(int argc, const char* const* argv, Streams streams) {
  const int code = guarded(streams, [&] { return parse_and_run(argc, argv, streams); });
  if (code != kDone || streams.out.flush()) return code;
  return fail(streams, kBadData,
              "the results could not all be written to stdout: free some space, or send them elsewhere");
}

}  // namespace rushlight
