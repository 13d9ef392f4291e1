// What processor this is.
#pragma once

#include <cstdint>
#include <string>

namespace rushlight {

/// `AMD EPYC 9654`, as the system names it.
std::string processor_name();

/// 32 MiB where the system does not tell.
std::int64_t last_level_cache_bytes();

/// As many as a CpuBackend takes when `requested` are asked for.
int thread_count(int requested);

/// That all threads of this process were given so far, in seconds.
double process_cpu_seconds();

/// The most that this process has had in memory at once; 0 where the system does not tell.
std::int64_t peak_memory_bytes();

}  // namespace rushlight
