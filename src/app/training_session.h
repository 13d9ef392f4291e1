// A run from where its trainer stands to its end: epochs, rows, files, interrupts.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/sequential.h>
#include <rushlight/trainer.h>

#include <cstdint>

#include "src/app/interrupt.h"
#include "src/app/progress_bar.h"
#include "src/app/run_folder.h"
#include "src/app/streams.h"
#include "src/app/train_options.h"

namespace rushlight::app {

/// Whether a training that stands there has nothing left to do.
bool is_complete(const TrainOptions& options, std::uint64_t epochs, std::uint64_t steps);

/// The table's or JSON's last word: `complete`, `stopped` (max-steps) or `interrupted`.
void report_end(const char* status, const TrainOptions& options, const RunFolder& folder, std::uint64_t epochs,
                std::uint64_t steps, Output output, const Console& console);

class TrainingSession {
 public:
  struct Data {
    Dataset train;
    Dataset test;
  };

  TrainingSession(const TrainOptions& options, const RunFolder& folder, const Data& data, Sequential& model,
                  Trainer& trainer, Output output, const Console& console);

  /// @return the exit code. @throws Diverged that names the last good checkpoint; FormatError if a file cannot be
  /// written.
  int run();

 private:
  int run_epochs();
  Metrics train_epoch();
  AfterStep after_step(const rushlight::Progress& progress);
  void finish_epoch(const Metrics& seen);
  int interrupted();
  bool complete() const;
  std::uint64_t steps_left(const rushlight::Progress& progress) const;
  void print_header() const;
  void print_row(const LogRow& row) const;

  const TrainOptions& options_;
  const RunFolder& folder_;
  const Data& data_;
  Sequential& model_;
  Trainer& trainer_;
  Output output_;
  const Console& console_;
  InterruptGuard interrupts_;
  ProgressDisplay display_;
  double epoch_seconds_ = 0;
  double saving_seconds_ = 0;
};

}  // namespace rushlight::app
