// The exact state of a training as a file: docs/files.md describes it.
#pragma once

#include <filesystem>

#include "src/train/training.h"

namespace rushlight {

/// As Trainer::save and Trainer::load.
void save_checkpoint(const Training& training, const std::filesystem::path& file);
void load_checkpoint(Training& training, const std::filesystem::path& file);

}  // namespace rushlight
