// A safetensors file written anew, with changes.
#pragma once

#include <rushlight/sequential.h>

#include <filesystem>
#include <vector>

#include "src/io/safetensors.h"

namespace rushlight {

/// change(metadata, tensors) alters what `from` holds before it is written as `to`.
template <class Change>
void rewrite_safetensors(const std::filesystem::path& from, const std::filesystem::path& to, Change change) {
  const SafetensorsReader reader(from);
  auto metadata = reader.metadata();
  std::vector<Tensor> tensors;
  for (const TensorEntry& entry : reader.entries()) tensors.push_back({entry.name, entry.shape, reader.read(entry)});
  change(metadata, tensors);
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) views.push_back({tensor.name, tensor.shape, tensor.values});
  write_safetensors(to, views, metadata);
}

}  // namespace rushlight
