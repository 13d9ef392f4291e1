// From the JSON parser's events to tensor entries: a small state machine, so that depth and memory stay bounded.
#pragma once

#include "src/io/safetensors_header.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace rushlight {

/// The handler of `nlohmann::json::sax_parse`. Throws FormatError at the first event that has no place in a header.
/// Offsets in `entries` are as the header states them, from the first tensor's byte.
class SafetensorsEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit SafetensorsEvents(std::string file) : file_(std::move(file)) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool number_integer(std::int64_t) override { unexpected("a negative number"); }
  bool number_unsigned(std::uint64_t value) override;
  bool number_float(double, const std::string&) override { unexpected("a fraction or a number beyond 64 bits"); }
  bool string(std::string& value) override;
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }
  bool start_object(std::size_t) override;
  bool key(std::string& value) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string& last, const nlohmann::detail::exception& error) override;

 private:
  enum class Place { start, top, metadata, tensor, shape, offsets, end };

  [[noreturn]] void unexpected(std::string_view found) const;
  [[noreturn]] void fail(const std::string& problem) const;
  void tensor_key();
  void finish_tensor();

  std::string file_;  // Quoted.
  SafetensorsHeader header_;
  Place place_ = Place::start;
  std::string key_;   // The last one, wherever it stood.
  std::string name_;  // Of the tensor.
  std::unordered_set<std::string> names_;
  std::optional<TensorType> type_;
  std::optional<std::vector<std::int64_t>> shape_;
  std::optional<std::vector<std::int64_t>> offsets_;
};

}  // namespace rushlight
