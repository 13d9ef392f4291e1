// Settings from a TOML file.
#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/io.h>

#include <toml++/toml.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "src/app/settings.h"

namespace rushlight {
namespace {

constexpr std::int64_t kMostConfigBytes = 1 << 20;

struct Place {
  const std::filesystem::path& file;
  std::string key;
  const toml::node& node;

  [[noreturn]] void fail(const std::string& expected) const {
    throw FormatError(
        fmt::format("{}, line {}: {} must be {}", file.string(), node.source().begin.line, key, expected));
  }
};

template <class T>
T integer(const Place& place, const toml::node& node) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || (std::is_unsigned_v<T> && *value < 0)) place.fail("a whole number");
  const auto result = static_cast<T>(*value);
  if (static_cast<std::int64_t>(result) != *value) place.fail("a smaller number");
  return result;
}

struct Assigner {
  const Place& place;

  void operator()(std::string* target) const {
    const auto value = place.node.value_exact<std::string>();
    if (!value) place.fail("a text in quotes");
    *target = *value;
  }
  void operator()(double* target) const {
    const auto value = place.node.value<double>();
    if (!place.node.is_number() || !value) place.fail("a number");
    *target = *value;
  }
  void operator()(bool* target) const {
    const auto value = place.node.value_exact<bool>();
    if (!value) place.fail("true or false");
    *target = *value;
  }
  void operator()(Widths* target) const {
    const toml::array* const array = place.node.as_array();
    if (array == nullptr) place.fail("a list of widths, as [512, 512]");
    target->clear();
    for (const toml::node& width : *array) target->push_back(integer<std::int64_t>(place, width));
  }
  // In quotes beyond the whole numbers of TOML, which end at 2^63.
  void operator()(std::uint64_t* target) const {
    const auto text = place.node.value_exact<std::string>();
    if (!text) {
      *target = integer<std::uint64_t>(place, place.node);
      return;
    }
    const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), *target);
    if (error != std::errc() || stop != text->data() + text->size()) place.fail("a whole number below 2^64");
  }
  template <class T>
  void operator()(T* target) const {
    *target = integer<T>(place, place.node);
  }
};

toml::table parse(const std::filesystem::path& file) {
  const std::string text = read_file(file, kMostConfigBytes);
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw FormatError(
        fmt::format("{}, line {}: {}", file.string(), error.source().begin.line, std::string(error.description())));
  }
}

}  // namespace

void read_config(const std::filesystem::path& file, Settings& settings, const CLI::App* command) {
  const toml::table config = parse(file);
  const std::vector<Setting> table = table_of(settings);
  for (const auto& [key, node] : config) {
    std::string name(key.str());
    std::replace(name.begin(), name.end(), '-', '_');
    const auto setting = std::find_if(table.begin(), table.end(), [&](const Setting& s) { return s.key() == name; });
    const Place place{file, name, node};
    if (setting == table.end()) place.fail("one of the options of `rushlight train`, but is none");
    if (command != nullptr && given(*command, *setting)) continue;
    std::visit(Assigner{place}, setting->value);
  }
}

}  // namespace rushlight
