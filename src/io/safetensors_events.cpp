#include "src/io/safetensors_events.h"

#include <rushlight/error.h>

#include "src/io/text.h"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace rushlight {
namespace {

// More than any tensor has; a bound on what one entry may make us remember.
constexpr std::size_t kMostExtents = 32;
constexpr std::size_t kOffsets = 2;
constexpr std::string_view kMetadata = "__metadata__";

constexpr std::array kTypes{TensorType::f64, TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::i64,
                            TensorType::i32, TensorType::i16, TensorType::i8,  TensorType::u8,   TensorType::boolean};

std::optional<TensorType> type_of(std::string_view name) {
  for (const TensorType type : kTypes) {
    if (type_name(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace

bool SafetensorsEvents::number_unsigned(std::uint64_t value) {
  if (place_ != Place::shape && place_ != Place::offsets) unexpected("a number");
  if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) unexpected("a number of 2^63 or more");
  std::vector<std::int64_t>& list = place_ == Place::shape ? *shape_ : *offsets_;
  if (list.size() == (place_ == Place::shape ? kMostExtents : kOffsets)) unexpected("one number too many");
  list.push_back(static_cast<std::int64_t>(value));
  return true;
}

bool SafetensorsEvents::string(std::string& value) {
  if (place_ == Place::metadata) {
    header_.metadata.emplace(key_, std::move(value));
  } else if (place_ == Place::tensor && key_ == "dtype") {
    type_ = type_of(value);
    if (!type_) {
      fail(fmt::format("has the dtype {}, but F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL was expected",
                       quoted_name(value)));
    }
  } else {
    unexpected("a string");
  }
  return true;
}

bool SafetensorsEvents::start_object(std::size_t) {
  if (place_ == Place::start) {
    place_ = Place::top;
  } else if (place_ == Place::top) {
    place_ = key_ == kMetadata ? Place::metadata : Place::tensor;
    name_ = key_;
  } else {
    unexpected("an object");
  }
  return true;
}

bool SafetensorsEvents::key(std::string& value) {
  key_ = std::move(value);
  if (place_ == Place::top && !names_.insert(key_).second) {
    throw FormatError(fmt::format("{}: the safetensors header has two entries named {}; write the file anew", file_,
                                  quoted_name(key_)));
  }
  if (place_ == Place::metadata && header_.metadata.contains(key_)) {
    throw FormatError(fmt::format("{}: the safetensors metadata has two values for {}; write the file anew", file_,
                                  quoted_name(key_)));
  }
  if (place_ == Place::tensor) tensor_key();
  return true;
}

void SafetensorsEvents::tensor_key() {
  const bool known = key_ == "dtype" || key_ == "shape" || key_ == "data_offsets";
  if (!known)
    fail(fmt::format("has the key {}, but only dtype, shape and data_offsets belong there", quoted_name(key_)));
  const bool again = key_ == "dtype" ? type_.has_value() : key_ == "shape" ? shape_.has_value() : offsets_.has_value();
  if (again) fail(fmt::format("has two values for {}", key_));
}

bool SafetensorsEvents::end_object() {
  if (place_ == Place::tensor) finish_tensor();
  place_ = place_ == Place::top ? Place::end : Place::top;
  return true;
}

bool SafetensorsEvents::start_array(std::size_t) {
  if (place_ == Place::tensor && key_ == "shape") {
    place_ = Place::shape;
    shape_.emplace();
  } else if (place_ == Place::tensor && key_ == "data_offsets") {
    place_ = Place::offsets;
    offsets_.emplace();
  } else {
    unexpected("a list");
  }
  return true;
}

bool SafetensorsEvents::end_array() {
  place_ = Place::tensor;
  return true;
}

bool SafetensorsEvents::parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
  throw FormatError(
      fmt::format("{}: the safetensors header is not valid JSON at byte {} of the file; it is damaged, or "
                  "no safetensors file",
                  file_, static_cast<std::int64_t>(position) - 1 + kHeaderLengthBytes));
}

void SafetensorsEvents::finish_tensor() {
  if (!type_ || !shape_ || !offsets_) fail("lacks one of dtype, shape and data_offsets");
  if (offsets_->size() != kOffsets)
    fail("has no pair of data_offsets, where the two offsets of its bytes were expected");
  const std::int64_t begin = offsets_->front();
  if (offsets_->back() < begin) fail(fmt::format("ends at offset {}, before its begin {}", offsets_->back(), begin));
  header_.entries.push_back({std::move(name_), *type_, std::move(*shape_), begin, offsets_->back() - begin});
  type_.reset();
  shape_.reset();
  offsets_.reset();
}

void SafetensorsEvents::unexpected(std::string_view found) const {
  const auto expected = [this]() -> std::string_view {
    switch (place_) {
      case Place::metadata:
        return "a string as each value of __metadata__";
      case Place::tensor:
        return "a string as dtype, and lists as shape and data_offsets";
      case Place::shape:
        return "up to 32 integers from 0 as shape";
      case Place::offsets:
        return "two integers from 0 as data_offsets";
      default:
        return "an object for each tensor";
    }
  }();
  throw FormatError(fmt::format("{}: the safetensors header has {} at {}, where {} was expected; write the file anew",
                                file_, found, quoted_name(place_ == Place::start ? "start" : key_), expected));
}

void SafetensorsEvents::fail(const std::string& problem) const {
  throw FormatError(fmt::format("{}: tensor {} {}; write the file anew", file_, quoted_name(name_), problem));
}

}  // namespace rushlight
