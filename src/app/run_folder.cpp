#include "src/app/run_folder.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

namespace rushlight {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostLogBytes = std::int64_t{1} << 30;

/// Whether this process made the folder.
bool make_folder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error && error != std::errc::file_exists) {
    throw FormatError(fmt::format("{}: the run's folder cannot be made: {}", folder.string(), error.message()));
  }
  return made;
}

void make_parents(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(fs::absolute(folder).parent_path(), error);
  if (error) {
    throw FormatError(fmt::format("{}: the folder above it cannot be made: {}", folder.string(), error.message()));
  }
}

fs::path next_folder() {
  make_parents("runs/lab-1");
  for (int number = 1;; ++number) {
    fs::path folder = fmt::format("runs/lab-{}", number);
    if (make_folder(folder)) return folder;
  }
}

// A start that was killed early leaves a lock and maybe a temporary file, both hidden.
bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with('.')) return false;
  }
  return !error;
}

fs::path asked_folder(const fs::path& folder) {
  make_parents(folder);
  if (make_folder(folder)) return folder;
  std::error_code error;
  if (fs::is_directory(folder, error) && holds_nothing(folder)) return folder;
  const bool run = fs::exists(folder / "config.toml", error);
  throw InvalidArgument(run ? fmt::format("{} already holds a run: go on with it by --resume {}, or name a new folder",
                                          folder.string(), folder.string())
                            : fmt::format("{} exists and is no empty folder: name a new one", folder.string()));
}

std::optional<std::uint64_t> step_of(const std::string& line) {
  const auto row = nlohmann::json::parse(line, nullptr, false);
  if (!row.is_object() || !row.contains("step") || !row["step"].is_number_unsigned()) return std::nullopt;
  return row["step"].get<std::uint64_t>();
}

}  // namespace

std::string EpochRow::json() const {
  nlohmann::ordered_json row;
  row["epoch"] = epoch;
  row["step"] = step;
  row["train_loss"] = train.loss;
  row["train_accuracy"] = train.accuracy;
  row["test_loss"] = test.loss;
  row["test_accuracy"] = test.accuracy;
  row["lr"] = lr;
  row["seconds"] = seconds;
  return row.dump();
}

RunFolder RunFolder::create(const std::string& asked, const std::string& config) {
  const fs::path path = asked.empty() ? next_folder() : asked_folder(asked);
  RunFolder folder(path, FolderLock(path));
  remove_stale_temporaries(path);
  write_file(folder.config(), config);
  return folder;
}

fs::path require_config(const fs::path& folder) {
  std::error_code error;
  fs::path config = folder / "config.toml";
  if (fs::is_regular_file(config, error)) return config;
  throw FormatError(
      fmt::format("{}: there is no config.toml, so this is no folder of a run: start one by `rushlight "
                  "train --out {}`",
                  folder.string(), folder.string()));
}

RunFolder RunFolder::open(const fs::path& path) {
  require_config(path);
  RunFolder folder(path, FolderLock(path));
  remove_stale_temporaries(path);
  return folder;
}

bool holds_checkpoint(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "checkpoint.safetensors", error);
}

bool RunFolder::has_checkpoint() const {
  return holds_checkpoint(path_);
}

void RunFolder::append(const EpochRow& row) const {
  append_file(log(), row.json() + "\n");
}

void RunFolder::trim_log(std::uint64_t step) const {
  std::error_code error;
  if (!fs::exists(log(), error)) return;
  if (!fs::is_regular_file(log(), error)) {
    throw FormatError(fmt::format("{}: a file was expected, but this is none: move it away", log().string()));
  }
  const std::string text = read_file(log(), kMostLogBytes);
  std::string kept;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    const auto row_step = step_of(line);
    if (!row_step || *row_step <= step) kept += line + "\n";
  }
  if (kept != text) write_file(log(), kept);
}

}  // namespace rushlight
