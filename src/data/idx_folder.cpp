#include <fmt/format.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>

#include <optional>
#include <system_error>

namespace rushlight {
namespace {

struct Names {
  const char* images;
  const char* labels;
};

Names names_of(Split split) {
  if (split == Split::train) return {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
  return {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
}

std::optional<std::filesystem::path> find(const std::filesystem::path& folder, const std::string& name) {
  for (const char* const suffix : {"", ".gz"}) {
    std::error_code ignored;
    const std::filesystem::path file = folder / (name + suffix);
    if (std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return std::nullopt;
}

std::filesystem::path require(const std::filesystem::path& folder, const std::string& name) {
  if (const auto file = find(folder, name)) return *file;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw FormatError(
        fmt::format("{}: a folder with the four files of MNIST or Fashion-MNIST was expected, but there {}",
                    folder.string(), std::filesystem::exists(folder, ignored) ? "is a file" : "is nothing"));
  }
  throw FormatError(
      fmt::format("{}: neither {} nor {}.gz is in this folder: name a folder with the four files of MNIST "
                  "or Fashion-MNIST (on Debian, the package dataset-fashion-mnist)",
                  folder.string(), name, name));
}

}  // namespace

Dataset load_idx_folder(const std::filesystem::path& folder, Split split) {
  const Names names = names_of(split);
  const std::filesystem::path images = require(folder, names.images);
  return load_idx(images, require(folder, names.labels));
}

bool is_idx_folder(const std::filesystem::path& folder) {
  for (const Split split : {Split::train, Split::test}) {
    const Names names = names_of(split);
    if (!find(folder, names.images) || !find(folder, names.labels)) return false;
  }
  return true;
}

}  // namespace rushlight
