// Files of tests/goldens, made by the scripts beside them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/io/safetensors.h"

namespace rushlight {

/// RUSHLIGHT_GOLDENS names their folder where a build was carried to another machine.
inline std::filesystem::path golden_path(const std::string& name) {
  const char* const folder = std::getenv("RUSHLIGHT_GOLDENS");
  return std::filesystem::path(folder != nullptr ? folder : RUSHLIGHT_SOURCE_DIR "/tests/goldens") / name;
}

/// One list of vectors of the random contract.
inline nlohmann::json random_contract(const char* list) {
  std::ifstream stream(golden_path("random_contract.json"));
  return nlohmann::json::parse(stream).at(list);
}

/// A tensor of formulas.safetensors, row-major.
inline std::vector<float> golden_tensor(const std::string& name) {
  const SafetensorsReader reader(golden_path("formulas.safetensors"));
  const TensorEntry* const entry = reader.find(name);
  if (entry == nullptr) throw std::runtime_error("formulas.safetensors has no tensor " + name);
  return reader.read(*entry);
}

}  // namespace rushlight
