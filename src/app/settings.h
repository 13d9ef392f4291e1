// The settings of a training run: one table serves the command line, the config file and the check of a resumed run.
#pragma once

#include <rushlight/device.h>
#include <rushlight/module.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace rushlight {

using Widths = std::vector<std::int64_t>;

struct Settings {
  std::string data;
  Widths hidden = {512, 512, 512, 512};
  double dropout = 0.3;
  std::string init = "xavier_uniform";
  std::string init_from;
  std::int64_t epochs = 15;
  std::int64_t batch = 100;
  double lr = 1e-3;
  std::string optimizer = "adam";
  std::uint64_t seed = 777;
  std::uint64_t max_steps = 0;
  std::int64_t limit_train = 0;
  bool no_shuffle = false;
  std::uint64_t checkpoint_every = 0;
  std::string device = "auto";
  int threads = 0;
  std::string precision = "fp32";
  bool no_graph = false;
};

/// Whether a resumed run may change a setting.
enum class OnResume { may_change, must_stay };

struct Setting {
  const char* name;  ///< As an option, without the dashes.
  std::variant<std::string*, double*, std::int64_t*, std::uint64_t*, int*, bool*, Widths*> value;
  OnResume on_resume;
  const char* help;

  std::string option() const { return std::string("--") + name; }
  std::string key() const;   ///< In a config file: with underscores.
  std::string text() const;  ///< The value as TOML.
};

/// Points into `settings`.
std::vector<Setting> table_of(Settings& settings);

void add_option(CLI::App& command, const Setting& setting);
void add_options(CLI::App& command, Settings& settings);

/// Whether the user gave this option on the command line.
bool given(const CLI::App& command, const Setting& setting);

/// REQUIRES: both stand for the same setting.
void copy_value(const Setting& from, const Setting& to);

/// Sets what the file says and the command line, if there is one, does not.
/// @throws FormatError that names the file, the line and the key.
void read_config(const std::filesystem::path& file, Settings& settings, const CLI::App* command);

/// All settings as TOML.
std::string config_text(Settings settings);

/// @throws InvalidArgument if a choice or number is out of range.
void check(const Settings& settings);

/// The device that the settings name, and the reason for it. @throws InvalidArgument if one of them is no choice.
DeviceChoice choose_device(const Settings& settings);

/// The lab's network: Linear, ReLU and Dropout for each hidden width, then a Linear.
std::vector<Module> modules_of(const Settings& settings, std::int64_t inputs, std::int64_t outputs);

}  // namespace rushlight
