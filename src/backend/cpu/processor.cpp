#include "src/backend/cpu/processor.h"

#include <omp.h>
#include <sys/utsname.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string_view>

namespace rushlight {
namespace {

/// The value of the first line `key : value` of a file of the system; empty if there is none.
std::string value_in(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

}  // namespace

std::string processor_name() {
  std::string name = value_in("/proc/cpuinfo", "model name");
  if (!name.empty()) return name;
  utsname system{};
  return uname(&system) == 0 ? system.machine : "unknown";
}

// Not sysconf: on some processors it gives the caches of all cores together.
std::int64_t last_level_cache_bytes() {
  std::int64_t largest = 0;
  for (int index = 0; index < 5; ++index) {
    std::ifstream in("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
    std::int64_t size = 0;
    char unit = ' ';
    if (!(in >> size)) continue;
    in >> unit;
    largest = std::max(largest, unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size);
  }
  return largest > 0 ? largest : std::int64_t{32} << 20;
}

int thread_count(int requested) {
  return requested > 0 ? requested : omp_get_num_procs();
}

double process_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Not getrusage: it counts what the parent had before exec, too.
std::int64_t peak_memory_bytes() {
  const std::string kilobytes = value_in("/proc/self/status", "VmHWM");
  return kilobytes.empty() ? 0 : std::stoll(kilobytes) * 1024;
}

}  // namespace rushlight
