#include "src/io/foreign_model.h"

#include <rushlight/error.h>

#include "src/io/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

namespace rushlight {
namespace {

constexpr std::int64_t kReluGap = 2;
constexpr std::int64_t kReluDropoutGap = 3;
constexpr std::size_t kMostModulesPrinted = 24;

struct Name {
  std::string_view prefix;  // With its dot; empty in a bare Sequential.
  std::int64_t index;
  std::string_view parameter;
};

struct FoundLinear {
  const TensorEntry* weight = nullptr;
  const TensorEntry* bias = nullptr;
};

using Linears = std::map<std::int64_t, FoundLinear>;

[[noreturn]] void fail(const SafetensorsReader& reader, const std::string& problem) {
  throw FormatError(fmt::format("{}: {}", quoted_path(reader.file()), problem));
}

// No sign, no leading zero: `01.weight` would become another name.
std::optional<std::int64_t> parse_index(std::string_view text) {
  std::int64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool plain = error == std::errc() && end == text.data() + text.size() && index >= 0;
  return plain && text == std::to_string(index) ? std::optional(index) : std::nullopt;
}

std::optional<Name> parse_name(std::string_view name) {
  const std::size_t last = name.rfind('.');
  if (last == std::string_view::npos) return std::nullopt;
  const std::string_view parameter = name.substr(last + 1);
  if (parameter != "weight" && parameter != "bias") return std::nullopt;
  const std::size_t before = last == 0 ? std::string_view::npos : name.rfind('.', last - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::optional<std::int64_t> index = parse_index(name.substr(begin, last - begin));
  return index ? std::optional(Name{name.substr(0, begin), *index, parameter}) : std::nullopt;
}

Name expect_name(const SafetensorsReader& reader, const TensorEntry& entry) {
  const std::optional<Name> name = parse_name(entry.name);
  if (name) return *name;
  fail(reader, fmt::format("tensor {} fits no layer; without rushlight metadata only N.weight and N.bias of a "
                           "torch.nn.Sequential of Linear, ReLU and Dropout are understood; save such a state_dict",
                           quoted_name(entry.name)));
}

void add(Linears& linears, const SafetensorsReader& reader, const TensorEntry& entry, const Name& name) {
  FoundLinear& linear = linears[name.index];
  if (name.parameter == "bias") {
    linear.bias = &entry;
    return;
  }
  if (entry.shape.size() != 2) {
    fail(reader, fmt::format("tensor {} has the shape {}, but a Linear's weight of shape [out, in] was expected; other "
                             "layers with parameters are not supported",
                             quoted_name(entry.name), shape_text(entry.shape)));
  }
  linear.weight = &entry;
}

struct Found {
  std::string prefix;
  Linears linears;
};

Found find_linears(const SafetensorsReader& reader) {
  if (reader.entries().empty()) fail(reader, "has no tensors, but at least one Linear's weight was expected");
  const TensorEntry& first = reader.entries().front();
  Found found{std::string(expect_name(reader, first).prefix), {}};
  for (const TensorEntry& entry : reader.entries()) {
    const Name name = expect_name(reader, entry);
    if (name.prefix != found.prefix) {
      fail(reader, fmt::format("tensors {} and {} belong to two modules, but those of one torch.nn.Sequential were "
                               "expected; save the Sequential's own state_dict",
                               quoted_name(first.name), quoted_name(entry.name)));
    }
    add(found.linears, reader, entry, name);
  }
  return found;
}

void check_bias(const SafetensorsReader& reader, const FoundLinear& linear) {
  if (!linear.weight) {
    fail(reader,
         fmt::format("tensor {} has no weight beside it, but a bias belongs to a Linear; save the whole state_dict",
                     quoted_name(linear.bias->name)));
  }
  const std::int64_t out = linear.weight->shape[0];
  if (linear.bias && linear.bias->shape != std::vector{out}) {
    fail(reader, fmt::format("tensor {} has the shape {}, but [{}] was expected, as {} has the shape {}",
                             quoted_name(linear.bias->name), shape_text(linear.bias->shape), out,
                             quoted_name(linear.weight->name), shape_text(linear.weight->shape)));
  }
}

void check_follows(const SafetensorsReader& reader, const TensorEntry& before, const TensorEntry& after,
                   std::int64_t gap) {
  if (before.shape[0] != after.shape[1]) {
    fail(reader, fmt::format("tensor {} gives {} features, but {} takes {}; are they of one torch.nn.Sequential?",
                             quoted_name(before.name), before.shape[0], quoted_name(after.name), after.shape[1]));
  }
  if (gap == kReluGap || gap == kReluDropoutGap) return;
  const std::string_view reason = gap < kReluGap
                                      ? "leave no index for the ReLU between them"
                                      : "have more between them than the ReLU and Dropout that can be guessed";
  fail(reader,
       fmt::format("tensors {} and {} {}; expected a torch.nn.Sequential as Linear, ReLU, Linear or Linear, ReLU, "
                   "Dropout, Linear; save it in that form",
                   quoted_name(before.name), quoted_name(after.name), reason));
}

Linear make_linear(const SafetensorsReader& reader, const FoundLinear& found) try {
  return Linear(found.weight->shape[1], found.weight->shape[0], found.bias ? Bias::present : Bias::absent);
} catch (const InvalidArgument& error) {
  fail(reader, fmt::format("tensor {} has the shape {}, which no Linear has ({})", quoted_name(found.weight->name),
                           shape_text(found.weight->shape), error.what()));
}

void append_activation(std::vector<Module>& modules, std::int64_t gap) {
  modules.emplace_back(ReLU());
  if (gap == kReluDropoutGap) modules.emplace_back(Dropout(0));
}

std::string modules_text(const std::vector<Module>& modules) {
  std::string text;
  for (std::size_t i = 0; i < std::min(modules.size(), kMostModulesPrinted); ++i) {
    text += (i == 0 ? "" : ", ") + to_string(modules[i]);
  }
  if (modules.size() > kMostModulesPrinted) text += fmt::format(", ... ({} modules)", modules.size());
  return text;
}

std::string inferred_text(const SafetensorsReader& reader, const Found& found, const std::vector<Module>& modules) {
  std::string text = fmt::format("{} has no rushlight metadata; guessed from its tensors: {}",
                                 quoted_path(reader.file()), modules_text(modules));
  if (found.linears.size() > 1) text += "; ReLU is assumed between Linears";
  const bool dropout = std::any_of(modules.begin(), modules.end(),
                                   [](const Module& module) { return std::holds_alternative<Dropout>(module); });
  if (dropout) text += "; where two modules stand between Linears, the second is taken for a Dropout of unknown p";
  const auto& [first, linear] = *found.linears.begin();
  if (!found.prefix.empty()) text += fmt::format("; the prefix {} is left out of the names", quoted_name(found.prefix));
  if (first > 0) {
    text += fmt::format("; modules before {} are taken to change no value, as nn.Flatten, and its index becomes 0",
                        quoted_name(linear.weight->name));
  }
  return text;
}

}  // namespace

ForeignModel infer_model(const SafetensorsReader& reader) {
  const Found found = find_linears(reader);
  for (const auto& [index, linear] : found.linears) check_bias(reader, linear);
  ForeignModel model;
  const FoundLinear* before = nullptr;
  std::int64_t before_index = 0;
  for (const auto& [index, linear] : found.linears) {
    if (before) {
      check_follows(reader, *before->weight, *linear.weight, index - before_index);
      append_activation(model.modules, index - before_index);
    }
    const std::size_t number = model.modules.size();
    model.modules.emplace_back(make_linear(reader, linear));
    model.sources.push_back({fmt::format("{}.weight", number), linear.weight});
    if (linear.bias) model.sources.push_back({fmt::format("{}.bias", number), linear.bias});
    before = &linear;
    before_index = index;
  }
  model.inferred = inferred_text(reader, found, model.modules);
  return model;
}

}  // namespace rushlight
