#include "src/app/run_folder.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

namespace rushlight::app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLongestLog = std::int64_t{1} << 30;

[[noreturn]] void cannot_make(const fs::path& folder, const std::error_code& error) {
  throw FormatError(
      fmt::format("cannot make the folder {}: {}; give another one with --out", folder.string(), error.message()));
}

// A folder that a start cut off left behind has a lock and maybe a temporary file: both are hidden.
bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with('.')) return false;
  }
  return !error;
}

fs::path make_numbered(const std::string& name) {
  std::error_code error;
  fs::create_directories("runs", error);
  if (error) cannot_make("runs", error);
  for (std::uint64_t number = 1;; ++number) {
    const fs::path folder = fs::path("runs") / fmt::format("{}-{}", name, number);
    if (fs::create_directory(folder, error)) return folder;
    if (error && error != std::errc::file_exists) cannot_make(folder, error);
  }
}

fs::path make(const fs::path& folder) {
  check_new_run(folder);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) cannot_make(folder, error);
  return folder;
}

struct Stand {
  std::uint64_t epoch;
  std::uint64_t step;
};

std::optional<Stand> stand_of(std::string_view line) {
  const nlohmann::json row = nlohmann::json::parse(line, nullptr, false);
  if (!row.is_object()) return std::nullopt;
  const auto epoch = row.find("epoch");
  const auto step = row.find("step");
  if (epoch == row.end() || step == row.end()) return std::nullopt;
  if (!epoch->is_number_unsigned() || !step->is_number_unsigned()) return std::nullopt;
  return Stand{epoch->get<std::uint64_t>(), step->get<std::uint64_t>()};
}

bool is_older(const fs::path& file, const fs::path& than) {
  std::error_code error;
  const auto time = fs::last_write_time(file, error);
  return error || time < fs::last_write_time(than, error);
}

}  // namespace

std::string to_json(const LogRow& row) {
  return nlohmann::ordered_json{{"epoch", row.epoch},
                                {"step", row.step},
                                {"train_loss", row.train_loss},
                                {"train_accuracy", row.train_accuracy},
                                {"test_loss", row.test_loss},
                                {"test_accuracy", row.test_accuracy},
                                {"lr", row.lr},
                                {"seconds", row.seconds}}
      .dump();
}

std::string rows_until(const std::string& log, const CheckpointInfo& checkpoint, const fs::path& file) {
  std::string kept;
  std::size_t number = 1;
  for (std::size_t begin = 0; begin < log.size(); ++number) {
    const std::size_t end = log.find('\n', begin);
    if (end == std::string::npos) break;
    const auto stand = stand_of(std::string_view(log).substr(begin, end - begin));
    if (!stand && end + 1 < log.size()) {
      throw FormatError(fmt::format("{}, line {}: this is no row of a run's log: mend the line, or remove the file",
                                    file.string(), number));
    }
    if (stand && stand->epoch <= checkpoint.epoch && stand->step <= checkpoint.step) {
      kept.append(log, begin, end + 1 - begin);
    }
    begin = end + 1;
  }
  return kept;
}

void check_new_run(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / "config.toml", error)) {
    throw InvalidArgument(
        fmt::format("there is a run in {} already: give another folder with --out, or go on with it "
                    "by --resume {}",
                    folder.string(), folder.string()));
  }
  if (fs::is_directory(folder, error) ? !holds_nothing(folder) : fs::exists(fs::symlink_status(folder, error))) {
    throw InvalidArgument(
        fmt::format("--out {}: something else is there already, and nothing is overwritten: give a "
                    "folder that is new",
                    folder.string()));
  }
  const fs::path parent = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  if (!parent.empty() && !fs::is_directory(parent, error)) {
    throw FormatError(
        fmt::format("--out {}: the folder {} is missing: make it first", folder.string(), parent.string()));
  }
}

RunFolder::RunFolder(const fs::path& path) : path_(path), lock_(path) {
  remove_stale_temporaries(path_);
}

RunFolder RunFolder::create(const std::optional<fs::path>& out, const std::string& name) {
  RunFolder folder(out ? make(*out) : make_numbered(name));
  check_new_run(folder.path());  // Another process may have been here before the lock.
  return folder;
}

RunFolder RunFolder::open(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_regular_file(folder / "config.toml", error)) {
    throw FormatError(fmt::format("{} holds no run, as there is no config.toml in it: start one with --out {}",
                                  folder.string(), folder.string()));
  }
  return RunFolder(folder);
}

std::optional<CheckpointInfo> RunFolder::checkpoint_info() const {
  std::error_code error;
  if (fs::exists(checkpoint(), error)) return read_checkpoint_info(checkpoint());
  if (fs::exists(model(), error)) {
    throw FormatError(fmt::format("{} is missing, so this run cannot go on: start a new one with --init-from {}",
                                  checkpoint().string(), model().string()));
  }
  return std::nullopt;
}

void RunFolder::append(const LogRow& row) const {
  append_file(log(), to_json(row) + "\n");
}

void RunFolder::repair(const std::optional<CheckpointInfo>& checkpoint) const {
  std::error_code error;
  if (fs::exists(log(), error)) {
    const std::string text = read_file(log(), kLongestLog);
    const std::string kept = rows_until(text, checkpoint.value_or(CheckpointInfo{}), log());
    if (kept != text) write_file(log(), kept);
  }
  if (checkpoint && is_older(model(), this->checkpoint())) save(load(this->checkpoint()).model, model());
}

fs::path model_file(const fs::path& file_or_run) {
  std::error_code error;
  return fs::is_directory(file_or_run, error) ? file_or_run / "model.safetensors" : file_or_run;
}

}  // namespace rushlight::app
