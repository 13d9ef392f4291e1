#include "src/train/resident_data.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <utility>

namespace rushlight {

ResidentData::ResidentData(std::shared_ptr<Backend> backend, const Dataset& data, DataCopy use)
    : backend_(std::move(backend)),
      data_(data),
      pixels_(data.pixels().data()),
      labels_(data.has_labels() ? data.labels().data() : nullptr) {
  if (use == DataCopy::if_needed && backend_->reads_host_memory()) return;
  const std::int64_t pixels = align_up(static_cast<std::int64_t>(data.pixels().size_bytes()));
  try {
    memory_ = Buffer(backend_, pixels + align_up(static_cast<std::int64_t>(data.labels().size_bytes())));
  } catch (const DeviceError& error) {
    throw DeviceError(
        fmt::format("the data set ({}, {} samples) does not fit: {}", data.name(), data.size(), error.what()));
  }
  pixels_ = static_cast<const std::uint8_t*>(static_cast<void*>(memory_.data()));
  if (data.has_labels()) labels_ = static_cast<const std::int32_t*>(static_cast<void*>(memory_.data() + pixels));
  copy();
}

bool ResidentData::replace(const Dataset& data) {
  if (memory_.bytes() == 0 || data.pixels().size() != data_.pixels().size() ||
      data.has_labels() != data_.has_labels()) {
    return false;
  }
  data_ = data;
  copy();
  return true;
}

void ResidentData::copy() {
  const auto pixels = static_cast<std::int64_t>(data_.pixels().size_bytes());
  backend_->upload({memory_.data(), pixels}, data_.pixels().data());
  if (!data_.has_labels()) return;
  const auto labels = static_cast<std::int64_t>(data_.labels().size_bytes());
  backend_->upload({memory_.data() + align_up(pixels), labels}, data_.labels().data());
}

}  // namespace rushlight
