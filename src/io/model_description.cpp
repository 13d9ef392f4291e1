#include "src/io/model_description.h"

#include <rushlight/error.h>

#include "src/io/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>

namespace rushlight {
namespace {

using Json = nlohmann::ordered_json;

// The longest Sequential needs less; a bound on what a damaged file may make the parser remember.
constexpr std::size_t kLongestDescription = std::size_t{1} << 19;
constexpr int kDeepest = 3;

struct Describe {
  Json operator()(const Linear& linear) const {
    return {{"type", "Linear"},
            {"in_features", linear.in_features()},
            {"out_features", linear.out_features()},
            {"bias", linear.bias() == Bias::present}};
  }
  Json operator()(const ReLU&) const { return {{"type", "ReLU"}}; }
  Json operator()(const Dropout& dropout) const { return {{"type", "Dropout"}, {"p", dropout.p()}}; }
};

// Where a message points: the file and the module's index in it.
class Place {
 public:
  Place(const std::string& where, std::size_t index) : where_(where), index_(index) {}

  [[noreturn]] void fail(const std::string& problem) const {
    throw FormatError(
        fmt::format("{}: module {} of rushlight_model {}; the file is damaged or of a later version, save "
                    "it anew",
                    where_, index_, problem));
  }

  const Json& value(const Json& module, const char* key, bool fits(const Json&), std::string_view expected) const {
    const auto found = module.find(key);
    if (found == module.end() || !fits(*found)) fail(fmt::format("should have {} as {}", expected, key));
    return *found;
  }

 private:
  const std::string& where_;
  std::size_t index_;
};

bool is_string(const Json& value) {
  return value.is_string();
}
bool is_number(const Json& value) {
  return value.is_number();
}
bool is_boolean(const Json& value) {
  return value.is_boolean();
}
bool is_size(const Json& value) {
  return value.is_number_unsigned() &&
         value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
}

Linear parse_linear(const Json& module, const Place& place) {
  const auto in = place.value(module, "in_features", is_size, "an integer from 1").get<std::int64_t>();
  const auto out = place.value(module, "out_features", is_size, "an integer from 1").get<std::int64_t>();
  const bool bias = place.value(module, "bias", is_boolean, "true or false").get<bool>();
  return Linear(in, out, bias ? Bias::present : Bias::absent);
}

Module parse_module(const Json& module, const Place& place) try {
  if (!module.is_object()) place.fail("is no object");
  const auto type = place.value(module, "type", is_string, "a string").get<std::string>();
  std::size_t keys = 0;
  const Module parsed = [&]() -> Module {
    if (type == "Linear") {
      keys = 4;
      return parse_linear(module, place);
    }
    if (type == "Dropout") {
      keys = 2;
      return Dropout(place.value(module, "p", is_number, "a number from 0 to 1").get<double>());
    }
    keys = 1;
    if (type == "ReLU") return ReLU();
    place.fail(fmt::format("has the type {}, but Linear, ReLU or Dropout was expected", quoted_name(type)));
  }();
  if (module.size() != keys) place.fail(fmt::format("has {} keys, but a {} has {}", module.size(), type, keys));
  return parsed;
} catch (const InvalidArgument& error) {
  place.fail(fmt::format("is impossible ({})", error.what()));
}

Json parse_text(std::string_view description, const std::string& where) try {
  return Json::parse(description, [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepest) throw FormatError(where + ": rushlight_model is nested too deeply; save the file anew");
    return true;
  });
} catch (const Json::exception&) {
  throw FormatError(where + ": rushlight_model is not valid JSON; the file is damaged, save it anew");
}

}  // namespace

std::string describe_modules(std::span<const Module> modules) {
  Json list = Json::array();
  for (const Module& module : modules) list.push_back(std::visit(Describe{}, module));
  return Json{{"modules", std::move(list)}}.dump();
}

std::vector<Module> parse_modules(std::string_view description, const std::string& where) {
  if (description.size() > kLongestDescription) {
    throw FormatError(
        fmt::format("{}: rushlight_model has {} bytes, but no model needs more than {}; save the file anew", where,
                    description.size(), kLongestDescription));
  }
  const Json parsed = parse_text(description, where);
  const auto list = parsed.find("modules");
  if (!parsed.is_object() || parsed.size() != 1 || list == parsed.end() || !list->is_array()) {
    throw FormatError(where + ": rushlight_model should be an object with the list modules alone; save the file anew");
  }
  std::vector<Module> modules;
  for (const Json& module : *list) modules.push_back(parse_module(module, Place(where, modules.size())));
  return modules;
}

}  // namespace rushlight
