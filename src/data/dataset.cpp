#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/dataset.h>
#include <rushlight/error.h>

#include <algorithm>
#include <utility>

#include "src/data/hash.h"
#include "src/data/storage.h"

namespace rushlight {
namespace {

std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t result = 1;
  for (const std::int64_t size : shape) {
    if (size < 1 || __builtin_mul_overflow(result, size, &result)) {
      throw InvalidArgument(fmt::format("a sample's sizes must be positive and their product below 2^63, but are [{}]",
                                        fmt::join(shape, ", ")));
    }
  }
  return result;
}

std::int64_t class_count(const std::vector<std::int32_t>& labels) {
  std::int32_t highest = -1;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) throw InvalidArgument(fmt::format("label {} is {}, but labels count from 0", i, labels[i]));
    highest = std::max(highest, labels[i]);
  }
  return std::int64_t{highest} + 1;
}

std::span<const std::uint8_t> label_bytes(const std::vector<std::int32_t>& labels) {
  return {static_cast<const std::uint8_t*>(static_cast<const void*>(labels.data())),
          labels.size() * sizeof(std::int32_t)};
}

std::shared_ptr<const Dataset::Storage> store(std::vector<std::uint8_t> features, std::vector<std::int32_t> labels,
                                              std::vector<std::int64_t> shape, std::string name) {
  auto storage = std::make_shared<Dataset::Storage>();
  storage->sample_features = product(shape);
  const auto bytes = static_cast<std::int64_t>(features.size());
  storage->samples = bytes / storage->sample_features;
  if (storage->samples < 1 || bytes % storage->sample_features != 0) {
    throw InvalidArgument(fmt::format("{}: {} feature bytes are no whole number of samples of {}", name, bytes,
                                      storage->sample_features));
  }
  if (!labels.empty() && static_cast<std::int64_t>(labels.size()) != storage->samples) {
    throw InvalidArgument(
        fmt::format("{}: {} samples must have as many labels, but have {}", name, storage->samples, labels.size()));
  }
  storage->classes = class_count(labels);
  Hash hash;
  hash.add(features);
  hash.add(label_bytes(labels));
  storage->hash = hash.value();
  storage->features = std::move(features);
  storage->labels = std::move(labels);
  storage->shape = std::move(shape);
  storage->name = std::move(name);
  return storage;
}

}  // namespace

Dataset::Dataset(std::vector<std::uint8_t> features, std::vector<std::int32_t> labels, std::vector<std::int64_t> shape,
                 std::string name)
    : Dataset(store(std::move(features), std::move(labels), std::move(shape), std::move(name))) {}

Dataset::Dataset(std::shared_ptr<const Storage> storage) : storage_(std::move(storage)), count_(storage_->samples) {}

std::int64_t Dataset::features() const {
  return storage_->sample_features;
}

const std::vector<std::int64_t>& Dataset::shape() const {
  return storage_->shape;
}

std::int64_t Dataset::classes() const {
  return storage_->classes;
}

bool Dataset::has_labels() const {
  return !storage_->labels.empty();
}

const std::string& Dataset::name() const {
  return storage_->name;
}

std::uint64_t Dataset::hash() const {
  return storage_->hash;
}

std::span<const std::uint8_t> Dataset::pixels() const {
  return std::span(storage_->features)
      .subspan(static_cast<std::size_t>(first_ * features()), static_cast<std::size_t>(count_ * features()));
}

std::span<const std::uint8_t> Dataset::sample(std::int64_t i) const {
  return rows(i, 1).pixels();
}

std::span<const std::int32_t> Dataset::labels() const {
  if (!has_labels()) return {};
  return std::span(storage_->labels).subspan(static_cast<std::size_t>(first_), static_cast<std::size_t>(count_));
}

Dataset Dataset::rows(std::int64_t first, std::int64_t count) const {
  if (first < 0 || count < 1 || first > count_ - count) {
    throw InvalidArgument(fmt::format("{}: {} samples from {} on were asked for, but there are {}, counted from 0",
                                      name(), count, first, count_));
  }
  Dataset view = *this;
  view.first_ = first_ + first;
  view.count_ = count;
  return view;
}

bool Dataset::same_view(const Dataset& other) const {
  return storage_ == other.storage_ && first_ == other.first_ && count_ == other.count_;
}

}  // namespace rushlight
