#include "src/train/random_data.h"

#include <random>
#include <utility>
#include <vector>

namespace rushlight {

Dataset random_data(std::int64_t samples, std::int64_t features, std::int64_t classes) {
  std::mt19937 generator(1);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(samples * features));
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(generator());
  std::vector<std::int32_t> labels(static_cast<std::size_t>(samples));
  for (std::int32_t& label : labels) label = static_cast<std::int32_t>(generator() % static_cast<unsigned>(classes));
  return {std::move(pixels), std::move(labels), {features}};
}

}  // namespace rushlight
