#include "src/app/data_location.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace rushlight {

std::filesystem::path find_data(const std::string& asked) {
  if (!asked.empty()) return asked;
  const char* const variable = std::getenv("RUSHLIGHT_DATA");
  if (variable != nullptr && *variable != '\0') return variable;
  for (const char* const folder : {"data", "/usr/share/datasets/fashion-mnist"}) {
    if (is_idx_folder(folder)) return folder;
  }
  return {};
}

std::filesystem::path require_data(const std::string& asked) {
  std::filesystem::path found = find_data(asked);
  if (!found.empty()) return found;
  throw FormatError(
      "no images were found in ./data or /usr/share/datasets/fashion-mnist: install Debian's dataset-fashion-mnist, or "
      "name a folder with MNIST's four files by --data or $RUSHLIGHT_DATA");
}

std::filesystem::path model_file(const std::filesystem::path& file_or_run) {
  std::error_code ignored;
  return std::filesystem::is_directory(file_or_run, ignored) ? file_or_run / "model.safetensors" : file_or_run;
}

LoadedModel open_model(const std::filesystem::path& file_or_run) {
  const std::filesystem::path file = model_file(file_or_run);
  LoadedModel loaded = load(file);
  for (const Tensor& tensor : loaded.model.state_dict()) {
    const auto at =
        std::find_if(tensor.values.begin(), tensor.values.end(), [](float value) { return !std::isfinite(value); });
    if (at == tensor.values.end()) continue;
    throw FormatError(
        fmt::format("{}: element {} of {} is {} as float32, but weights must be finite: choose another file",
                    file.string(), at - tensor.values.begin(), tensor.name, *at));
  }
  return loaded;
}

}  // namespace rushlight
