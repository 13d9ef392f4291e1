// The flow of `rushlight train`: set up, epochs, files, resume.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "src/app/cli.h"
#include "src/app/run_folder.h"
#include "src/app/settings.h"
#include "src/app/talk.h"

namespace rushlight {

struct TrainRequest {
  Settings settings;
  std::string out;     ///< Empty: runs/lab-<number>.
  std::string resume;  ///< Empty: a new run.
  Talk talk = Talk::table;
};

/// @throws Error as the library does; returns kDone or kInterrupted.
int train(const TrainRequest& request, Streams streams);

}  // namespace rushlight
