#include "src/train/resident_data.h"

#include <fmt/format.h>
#include <rushlight/error.h>

namespace rushlight {

ResidentData::ResidentData(const std::shared_ptr<Backend>& backend, const Dataset& data)
    : data_(data), pixels_(data.pixels().data()), labels_(data.has_labels() ? data.labels().data() : nullptr) {
  if (backend->reads_host_memory()) return;
  const auto pixels = static_cast<std::int64_t>(data.pixels().size_bytes());
  const auto labels = static_cast<std::int64_t>(data.labels().size_bytes());
  try {
    memory_ = Buffer(backend, align_up(pixels) + align_up(labels));
  } catch (const DeviceError& error) {
    throw DeviceError(
        fmt::format("the data set ({}, {} samples) does not fit: {}", data.name(), data.size(), error.what()));
  }
  backend->upload({memory_.data(), pixels}, pixels_);
  pixels_ = static_cast<const std::uint8_t*>(static_cast<void*>(memory_.data()));
  if (labels_ == nullptr) return;
  std::byte* const after = memory_.data() + align_up(pixels);
  backend->upload({after, labels}, labels_);
  labels_ = static_cast<const std::int32_t*>(static_cast<void*>(after));
}

}  // namespace rushlight
