// A run's folder: config.toml, log.jsonl, checkpoint.safetensors, model.safetensors.
#pragma once

#include <rushlight/io.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace rushlight::app {

/// An epoch's row of log.jsonl.
struct LogRow {
  std::uint64_t epoch = 0;  ///< From 1.
  std::uint64_t step = 0;
  double train_loss = 0;
  double train_accuracy = 0;
  double test_loss = 0;
  double test_accuracy = 0;
  double lr = 0;
  double seconds = 0;  ///< Of the training alone.
};

/// One line of JSON, without a newline.
std::string to_json(const LogRow& row);

/// The rows of `log` up to the checkpoint, without a torn last line. `file` is for messages.
/// @throws FormatError that names the line, if one before the last is no row.
std::string rows_until(const std::string& log, const CheckpointInfo& checkpoint, const std::filesystem::path& file);

/// @throws InvalidArgument if something is at `folder`, FormatError if the folder around it is missing.
void check_new_run(const std::filesystem::path& folder);

/// Locked while it lives.
class RunFolder {
 public:
  /// Makes `out`, or `runs/<name>-<number>` with the first number that is free.
  static RunFolder create(const std::optional<std::filesystem::path>& out, const std::string& name);

  /// @throws FormatError if there is no run in it, or another process uses it.
  static RunFolder open(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path checkpoint() const { return path_ / "checkpoint.safetensors"; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }

  /// What the checkpoint says, or nothing where a run stopped before its first one.
  /// @throws FormatError if it is missing though the run has a model, or damaged.
  std::optional<CheckpointInfo> checkpoint_info() const;

  void append(const LogRow& row) const;

  /// Makes the log and the model those of the checkpoint, after a crash between two writes.
  void repair(const std::optional<CheckpointInfo>& checkpoint) const;

 private:
  explicit RunFolder(const std::filesystem::path& path);

  std::filesystem::path path_;
  FolderLock lock_;
};

/// `FILE`, or the model in a run's folder.
std::filesystem::path model_file(const std::filesystem::path& file_or_run);

}  // namespace rushlight::app
