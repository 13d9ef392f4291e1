// What the views of a data set share.
#pragma once

#include <rushlight/dataset.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rushlight {

struct Dataset::Storage {
  std::vector<std::uint8_t> features;  // [samples, shape...]
  std::vector<std::int32_t> labels;    // [samples], or empty.
  std::vector<std::int64_t> shape;
  std::string name;
  std::uint64_t hash = 0;
  std::int64_t samples = 0;
  std::int64_t sample_features = 0;
  std::int64_t classes = 0;
};

}  // namespace rushlight
