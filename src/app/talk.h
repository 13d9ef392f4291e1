// What a run tells a person while it trains: a bar on a terminal, lines in a pipe, rows of the table.
#pragma once

#include <rushlight/trainer.h>

#include <chrono>
#include <string>

#include "src/app/cli.h"
#include "src/app/run_folder.h"

namespace rushlight {

enum class Talk { table, json, quiet };

class Reporter {
 public:
  Reporter(Streams streams, Talk talk, std::int64_t epochs, std::int64_t batch);

  /// A sentence on stderr, unless quiet.
  void say(const std::string& sentence);
  void begin_epoch(std::uint64_t epoch_step);  ///< From this step of it on.
  /// After a step: now and then the bar or a line.
  void step(const Progress& progress);
  void row(const EpochRow& row);
  /// Takes the bar off the terminal.
  void clear();

  double epoch_seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string line(const Progress& progress, int width) const;

  Streams streams_;
  Talk talk_;
  std::int64_t epochs_;
  std::int64_t batch_;
  bool terminal_;
  bool header_shown_ = false;
  bool bar_shown_ = false;
  Clock::time_point epoch_start_, last_shown_;
  std::uint64_t first_step_ = 0;  // Where the epoch, or the rest of one, began.
};

}  // namespace rushlight
