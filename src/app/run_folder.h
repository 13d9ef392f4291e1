// A run's folder: config.toml, log.jsonl, checkpoint.safetensors, model.safetensors. docs/files.md tells their order.
#pragma once

#include <rushlight/io.h>
#include <rushlight/trainer.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace rushlight {

/// One epoch, as a row of log.jsonl.
struct EpochRow {
  std::uint64_t epoch;  ///< From 1.
  std::uint64_t step;
  Metrics train;
  Metrics test;
  double lr;
  double seconds;  ///< The training alone.

  std::string json() const;
};

/// The config.toml of a run. @throws FormatError if there is none.
std::filesystem::path require_config(const std::filesystem::path& folder);

/// Whether the run in this folder saved a checkpoint.
bool holds_checkpoint(const std::filesystem::path& folder);

/// Locked while it lives.
class RunFolder {
 public:
  /// A new folder: `asked`, or runs/lab-<number>. @throws InvalidArgument if it exists and is not empty; FormatError.
  static RunFolder create(const std::string& asked, const std::string& config);
  /// A folder that has a config.toml; stale temporaries are removed. @throws FormatError.
  static RunFolder open(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path checkpoint() const { return path_ / "checkpoint.safetensors"; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }

  bool has_checkpoint() const;

  void append(const EpochRow& row) const;
  /// Drops rows of epochs that the checkpoint does not hold, and a torn last line.
  void trim_log(std::uint64_t step) const;

 private:
  RunFolder(std::filesystem::path path, FolderLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  FolderLock lock_;
};

}  // namespace rushlight
