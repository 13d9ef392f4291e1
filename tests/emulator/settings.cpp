#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"

#include <unistd.h>

namespace rushlight::emulator {
namespace {

constexpr std::array kObjectNames = {"device allocation", "pinned allocation", "stream", "event", "graph",
                                     "graph executable",  "cuBLAS handle"};

// Plain numbers, which are still there when the process has ended everything else.
std::array<std::int64_t, kObjectNames.size()> live{};
bool lost = false;

struct Session {
  Settings settings;
  Counts counts;
  std::array<std::int64_t, 6> fault_calls{};
};

std::int64_t parse_number(const char* name, std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    violation(std::string(name) + " is no number: \"" + std::string(text) + "\"");
  }
  return number;
}

void parse_fault(const char* name, std::string_view text, Settings& settings) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  if (kind == "allocation") {
    settings.fault = FaultKind::allocation;
  } else if (kind == "launch") {
    settings.fault = FaultKind::launch;
  } else if (kind == "copy") {
    settings.fault = FaultKind::copy;
  } else if (kind == "lost") {
    settings.fault = FaultKind::lost;
  } else if (kind == "wrong") {
    settings.fault = FaultKind::wrong;
  }
  if (settings.fault == FaultKind::none || colon == std::string_view::npos) {
    violation(std::string(name) + " is no fault: \"" + std::string(text) + "\"");
  }
  settings.fault_at = parse_number(name, text.substr(colon + 1));
}

Driver parse_driver(const char* name, std::string_view text) {
  if (text == "none") return Driver::none;
  if (text == "old") return Driver::old;
  if (text == "unknown-architecture") return Driver::unknown_architecture;
  if (text == "busy") return Driver::busy;
  violation(std::string(name) + " is no driver: \"" + std::string(text) + "\"");
}

Settings from_environment() {
  Settings settings;
  const auto with = [](const char* name, const auto& use) {
    if (const char* text = std::getenv(name); text != nullptr && *text != '\0') use(name, std::string_view(text));
  };
  with("RUSHLIGHT_EMULATOR_SEED", [&](const char* name, std::string_view text) {
    settings.seed = static_cast<std::uint64_t>(parse_number(name, text));
  });
  with("RUSHLIGHT_EMULATOR_MEMORY",
       [&](const char* name, std::string_view text) { settings.memory = parse_number(name, text); });
  with("RUSHLIGHT_EMULATOR_DEVICES",
       [&](const char* name, std::string_view text) { settings.devices = static_cast<int>(parse_number(name, text)); });
  with("RUSHLIGHT_EMULATOR_FAULT", [&](const char* name, std::string_view text) { parse_fault(name, text, settings); });
  with("RUSHLIGHT_EMULATOR_DRIVER",
       [&](const char* name, std::string_view text) { settings.driver = parse_driver(name, text); });
  return settings;
}

Session& session() {
  static Session& it = *[] {
    auto* fresh = new Session;
    fresh->settings = from_environment();
    reseed(fresh->settings.seed);
    return fresh;
  }();
  return it;
}

void fail_if_something_is_left(int status, void*) {
  if (status != 0) return;
  bool bad = false;
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (live[i] == 0) continue;
    std::fprintf(stderr, "emulated device: alive when the process ends: %s, %lld of them\n", kObjectNames[i],
                 static_cast<long long>(live[i]));
    bad = true;
  }
  if (something_is_queued()) {
    std::fprintf(stderr, "emulated device: queued when the process ends: work that nobody waited for\n");
    bad = true;
  }
  if (bad) {
    std::fflush(nullptr);
    _exit(1);
  }
}

// Registered before the program's own static objects exist, so that it runs when they are gone.
[[maybe_unused]] const int registered = on_exit(fail_if_something_is_left, nullptr);

}  // namespace

void configure(const Settings& settings) {
  if (something_is_queued()) violation("configure while work is queued");
  Session& now = session();
  now.settings = settings;
  now.counts = {};
  now.fault_calls = {};
  lost = false;
  reseed(settings.seed);
}

const Settings& settings() {
  return session().settings;
}
Counts counts() {
  return session().counts;
}
Counts& counters() {
  return session().counts;
}

std::int64_t live_objects() {
  std::int64_t sum = 0;
  for (const std::int64_t one : live) sum += one;
  return sum;
}

void add_live(Object object, int change) {
  live[static_cast<std::size_t>(object)] += change;
}

bool fault_now(FaultKind kind) {
  const std::int64_t call = session().fault_calls[static_cast<std::size_t>(kind)]++;
  return settings().fault == kind && call == settings().fault_at;
}

void lose_device() {
  lost = true;
}
bool device_is_lost() {
  return lost;
}

cudaError_t driver_status() {
  const Settings& now = settings();
  if (now.driver == Driver::none || now.driver == Driver::old) return cudaErrorInsufficientDriver;
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const bool hidden = visible != nullptr && *visible == '\0';
  return now.devices == 0 || hidden ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t device_status() {
  if (const cudaError_t error = driver_status(); error != cudaSuccess) return error;
  if (settings().driver == Driver::busy) return cudaErrorDevicesUnavailable;
  return lost ? cudaErrorLaunchFailure : cudaSuccess;
}

}  // namespace rushlight::emulator
