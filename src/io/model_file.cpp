// Models as safetensors files: written with a description of the modules, read with or without one.
#include <rushlight/error.h>
#include <rushlight/io.h>

#include "src/io/foreign_model.h"
#include "src/io/model_description.h"
#include "src/io/safetensors.h"
#include "src/io/text.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <set>
#include <string_view>

namespace rushlight {
namespace {

constexpr std::string_view kFormat = "rushlight_format";
constexpr std::string_view kModel = "rushlight_model";
constexpr std::string_view kSeed = "rushlight_seed";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kOptimizerPrefix = "optimizer.";

bool is_ours(const SafetensorsReader& reader) {
  const auto first = reader.metadata().lower_bound("rushlight_");
  return first != reader.metadata().end() && first->first.starts_with("rushlight_");
}

const std::string& expect_metadata(const SafetensorsReader& reader, std::string_view key) {
  const auto found = reader.metadata().find(std::string(key));
  if (found != reader.metadata().end()) return found->second;
  throw FormatError(
      fmt::format("{}: the metadata lacks {}; the file is damaged, save it anew", quoted_path(reader.file()), key));
}

void check_version(const SafetensorsReader& reader) {
  const std::string& version = expect_metadata(reader, kFormat);
  if (version == kVersion) return;
  throw FormatError(
      fmt::format("{}: rushlight_format is {}, but {} was expected; read it with the version that wrote it",
                  quoted_path(reader.file()), quoted_name(version), kVersion));
}

std::uint64_t parse_seed(const SafetensorsReader& reader) {
  const std::string& text = expect_metadata(reader, kSeed);
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error == std::errc() && end == text.data() + text.size()) return seed;
  throw FormatError(
      fmt::format("{}: rushlight_seed is {}, but an integer from 0 to 2^64 - 1 was expected; save the file "
                  "anew",
                  quoted_path(reader.file()), quoted_name(text)));
}

using EntriesByName = std::map<std::string_view, const TensorEntry*>;

const TensorEntry& expect_tensor(const SafetensorsReader& reader, const EntriesByName& entries, const std::string& name,
                                 const std::vector<std::int64_t>& shape) {
  const auto found = entries.find(name);
  if (found == entries.end()) {
    throw FormatError(
        fmt::format("{}: tensor {} of shape {} is missing, though rushlight_model needs it; save the file "
                    "anew",
                    quoted_path(reader.file()), quoted_name(name), shape_text(shape)));
  }
  if (found->second->shape != shape) {
    throw FormatError(fmt::format("{}: tensor {} has the shape {}, but rushlight_model needs {}; save the file anew",
                                  quoted_path(reader.file()), quoted_name(name), shape_text(found->second->shape),
                                  shape_text(shape)));
  }
  return *found->second;
}

std::vector<ParameterSource> find_parameters(const SafetensorsReader& reader, const std::vector<Module>& modules) {
  EntriesByName entries;
  for (const TensorEntry& entry : reader.entries()) entries.emplace(entry.name, &entry);
  std::vector<ParameterSource> sources;
  const auto add = [&](std::string name, const std::vector<std::int64_t>& shape) {
    const TensorEntry& entry = expect_tensor(reader, entries, name, shape);
    sources.push_back({std::move(name), &entry});
  };
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const auto* linear = std::get_if<Linear>(&modules[i]);
    if (!linear) continue;
    add(fmt::format("{}.weight", i), {linear->out_features(), linear->in_features()});
    if (linear->bias() == Bias::present) add(fmt::format("{}.bias", i), {linear->out_features()});
  }
  return sources;
}

void check_nothing_left(const SafetensorsReader& reader, const std::vector<ParameterSource>& sources) {
  std::set<std::string_view> known;
  for (const ParameterSource& source : sources) known.insert(source.name);
  for (const TensorEntry& entry : reader.entries()) {
    if (entry.name.starts_with(kOptimizerPrefix) || known.contains(entry.name)) continue;
    throw FormatError(fmt::format("{}: tensor {} belongs to no module of rushlight_model; save the file anew",
                                  quoted_path(reader.file()), quoted_name(entry.name)));
  }
}

Sequential build(const SafetensorsReader& reader, std::vector<Module> modules) try {
  return Sequential(std::move(modules));
} catch (const InvalidArgument& error) {
  throw FormatError(fmt::format("{}: its modules make no network: {}", quoted_path(reader.file()), error.what()));
}

// Every shape was compared with the file before this takes memory: the file's length justifies it.
void fill(Sequential& model, const SafetensorsReader& reader, const std::vector<ParameterSource>& sources,
          std::uint64_t seed) {
  std::vector<Tensor> tensors;
  for (const auto& [name, entry] : sources) tensors.push_back({name, entry->shape, reader.read(*entry)});
  model.initialize(XavierUniform{}, {.seed = seed}).load_state_dict(tensors).eval();
}

LoadedModel load_ours(const SafetensorsReader& reader) {
  check_version(reader);
  std::vector<Module> modules = parse_modules(expect_metadata(reader, kModel), quoted_path(reader.file()));
  const std::uint64_t seed = parse_seed(reader);
  const std::vector<ParameterSource> sources = find_parameters(reader, modules);
  check_nothing_left(reader, sources);
  LoadedModel loaded{build(reader, std::move(modules)), {}};
  fill(loaded.model, reader, sources, seed);
  return loaded;
}

LoadedModel load_foreign(const SafetensorsReader& reader) {
  ForeignModel foreign = infer_model(reader);
  LoadedModel loaded{build(reader, std::move(foreign.modules)), std::move(foreign.inferred)};
  fill(loaded.model, reader, foreign.sources, InitOptions{}.seed);
  return loaded;
}

}  // namespace

void save(const Sequential& model, const std::filesystem::path& file) {
  if (!model.initialized()) {
    throw InvalidArgument(fmt::format(
        "cannot save to {}: the model has no weights yet; call initialize or load_state_dict", quoted_path(file)));
  }
  const std::vector<Tensor> tensors = model.state_dict();
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors) views.push_back({tensor.name, tensor.shape, tensor.values});
  write_safetensors(file, views,
                    {{std::string(kFormat), std::string(kVersion)},
                     {std::string(kModel), describe_modules(model.modules())},
                     {std::string(kSeed), std::to_string(model.seed())}});
}

LoadedModel load(const std::filesystem::path& file) {
  const SafetensorsReader reader(file);
  return is_ours(reader) ? load_ours(reader) : load_foreign(reader);
}

}  // namespace rushlight
