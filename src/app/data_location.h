// Where images and models are looked for.
#pragma once

#include <rushlight/dataset.h>
#include <rushlight/io.h>

#include <filesystem>
#include <string>

namespace rushlight {

/// `asked` if it is not empty; else the first of $RUSHLIGHT_DATA, ./data and Debian's Fashion-MNIST that holds the
/// files; an empty path if there is none.
std::filesystem::path find_data(const std::string& asked);

/// As `find_data`. @throws FormatError that says where it looked.
std::filesystem::path require_data(const std::string& asked);

/// A run's folder stands for its model file.
std::filesystem::path model_file(const std::filesystem::path& file_or_run);

/// Loads a model file or that of a run. @throws FormatError as `load`, and if a weight is not finite.
LoadedModel open_model(const std::filesystem::path& file_or_run);

}  // namespace rushlight
