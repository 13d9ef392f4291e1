// Data sets from a formula, which tests/goldens/make_training.py has as well.
#pragma once

#include <rushlight/dataset.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace rushlight {

/// Byte i of the stream `seed`: well mixed, so that samples are all different.
inline std::uint8_t small_data_byte(std::uint32_t i, std::uint32_t seed) {
  std::uint32_t x = (i + 1) * 2654435761U + seed * 40503U;
  x = (x ^ (x >> 15)) * 739982445U;
  return static_cast<std::uint8_t>((x ^ (x >> 13)) >> 24);
}

/// Sample i's label is (3 i + 1) mod classes.
inline Dataset small_data(std::int64_t samples, std::int64_t features, std::int64_t classes, std::uint32_t seed = 0) {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < samples * features; ++i) {
    pixels.push_back(small_data_byte(static_cast<std::uint32_t>(i), seed));
  }
  for (std::int64_t i = 0; i < samples; ++i) labels.push_back(static_cast<std::int32_t>((3 * i + 1) % classes));
  return Dataset(std::move(pixels), std::move(labels), {features}, "small data");
}

}  // namespace rushlight
