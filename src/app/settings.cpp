#include "src/app/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rushlight/error.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace rushlight {
namespace {

Widths parse_widths(const std::string& text) {
  Widths widths;
  if (text == "none") return widths;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    std::int64_t width = 0;
    if (!CLI::detail::lexical_cast(part, width) || width < 1) {
      throw CLI::ValidationError("--hidden",
                                 "takes widths of 1 or more with commas between, as 512,256, or `none`, but "
                                 "was given \"" +
                                     text + "\"");
    }
    widths.push_back(width);
  }
  return widths;
}

// CLI11's own conversion takes -1 for 2^64 - 1, and the nearest number for one that is too large.
template <class T>
T parse_whole(const std::string& option, const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end) return value;
  throw CLI::ValidationError(
      option, fmt::format("takes a whole number up to {}, but was given \"{}\"", std::numeric_limits<T>::max(), text));
}

struct OptionAdder {
  CLI::App& command;
  const Setting& setting;

  void operator()(bool* value) const { command.add_flag(setting.option(), *value, setting.help); }
  void operator()(Widths* value) const {
    command
        .add_option_function<std::string>(
            setting.option(), [value](const std::string& text) { *value = parse_widths(text); }, setting.help)
        ->type_name("WIDTHS")
        ->default_str(fmt::format("{}", fmt::join(*value, ",")));
  }
  template <class T>
  void operator()(T* value) const {
    if constexpr (std::is_integral_v<T>) {
      const auto assign = [value, option = setting.option()](const std::string& text) {
        *value = parse_whole<T>(option, text);
      };
      command.add_option_function<std::string>(setting.option(), assign, setting.help)
          ->type_name("N")
          ->default_str(fmt::format("{}", *value));
    } else {
      command.add_option(setting.option(), *value, setting.help)->capture_default_str();
    }
  }
};

struct TomlText {
  std::string operator()(const std::string* value) const { return nlohmann::json(*value).dump(); }
  std::string operator()(const Widths* value) const { return fmt::format("[{}]", fmt::join(*value, ", ")); }
  std::string operator()(const double* value) const {
    const std::string text = fmt::format("{}", *value);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  // TOML's whole numbers end at 2^63.
  std::string operator()(const std::uint64_t* value) const {
    const std::string text = fmt::format("{}", *value);
    return std::in_range<std::int64_t>(*value) ? text : "\"" + text + "\"";
  }
  template <class T>
  std::string operator()(const T* value) const {
    return fmt::format("{}", *value);
  }
};

void check_choice(const char* option, const std::string& value, const char* only) {
  if (value == only) return;
  throw InvalidArgument(fmt::format("{} must be {}, but is \"{}\"", option, only, value));
}

}  // namespace

std::string Setting::key() const {
  std::string result = name;
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

std::string Setting::text() const {
  return std::visit(TomlText{}, value);
}

std::vector<Setting> table_of(Settings& s) {
  constexpr auto kStays = OnResume::must_stay;
  constexpr auto kMayChange = OnResume::may_change;
  return {
      {"data", &s.data, kMayChange,
       "Folder with MNIST's four files, .gz or not; else $RUSHLIGHT_DATA, ./data, Debian's"},
      {"hidden", &s.hidden, kStays, "Hidden widths with commas between, or `none`"},
      {"dropout", &s.dropout, kStays, "Share of hidden units dropped while training"},
      {"init", &s.init, kStays, "Initial weights: xavier_uniform"},
      {"init-from", &s.init_from, kStays, "Start from the weights of this model file"},
      {"epochs", &s.epochs, kMayChange, "Passes over the training images"},
      {"batch", &s.batch, kStays, "Samples a step"},
      {"lr", &s.lr, kStays, "Learning rate"},
      {"optimizer", &s.optimizer, kStays, "Optimizer: adam"},
      {"seed", &s.seed, kStays, "Seed of weights, order and dropout"},
      {"max-steps", &s.max_steps, kMayChange, "Stop after so many steps in all; 0: no limit"},
      {"limit-train", &s.limit_train, kStays, "Train on the first so many samples; 0: all"},
      {"no-shuffle", &s.no_shuffle, kStays, "Keep the order of the file"},
      {"checkpoint-every", &s.checkpoint_every, kMayChange,
       "A checkpoint every so many steps too; 0: each epoch alone"},
      {"device", &s.device, kMayChange, "auto, cpu, cuda or cuda:<index>"},
      {"threads", &s.threads, kMayChange, "CPU threads; 0: one for each core"},
      {"precision", &s.precision, kStays,
       "Of matrix products: fp32; tf32 on a GPU; bf16 on a GPU or a CPU with AVX512_BF16"},
      {"no-graph", &s.no_graph, kMayChange, "A GPU is given each command of a step anew, which takes longer"},
  };
}

void add_option(CLI::App& command, const Setting& setting) {
  std::visit(OptionAdder{command, setting}, setting.value);
}

void add_options(CLI::App& command, Settings& settings) {
  for (const Setting& setting : table_of(settings)) add_option(command, setting);
}

bool given(const CLI::App& command, const Setting& setting) {
  return command.get_option(setting.option())->count() > 0;
}

void copy_value(const Setting& from, const Setting& to) {
  std::visit([&](auto* value) { *std::get<decltype(value)>(to.value) = *value; }, from.value);
}

std::string config_text(Settings settings) {
  std::string text = "# A run of rushlight: `rushlight train --config` this file runs it again.\n";
  for (const Setting& setting : table_of(settings)) text += setting.key() + " = " + setting.text() + "\n";
  return text;
}

void check(const Settings& settings) {
  check_choice("--init", settings.init, "xavier_uniform");
  check_choice("--optimizer", settings.optimizer, "adam");
  choose_precision(settings.precision);
  if (settings.epochs < 1) throw InvalidArgument(fmt::format("--epochs must be 1 or more, but is {}", settings.epochs));
  if (settings.limit_train < 0) {
    throw InvalidArgument(fmt::format("--limit-train must be 0 (all) or more, but is {}", settings.limit_train));
  }
}

DeviceChoice choose_device(const Settings& settings) {
  DeviceChoice choice = choose_device(settings.device, settings.threads);
  choice.device.precision = choose_precision(settings.precision);
  choice.device.graphs = settings.no_graph ? GraphUse::off : GraphUse::on;
  return choice;
}

std::vector<Module> modules_of(const Settings& settings, std::int64_t inputs, std::int64_t outputs) {
  std::vector<Module> modules;
  std::int64_t width = inputs;
  for (const std::int64_t hidden : settings.hidden) {
    modules.insert(modules.end(), {Linear(width, hidden), ReLU(), Dropout(settings.dropout)});
    width = hidden;
  }
  modules.push_back(Linear(width, outputs));
  return modules;
}

}  // namespace rushlight
