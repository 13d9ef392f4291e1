// Device memory, pinned memory, and what a pointer is.
//
// Each device allocation is a mapping of its own, which only queued work may touch:
//   page without access | canary | payload, 256-byte aligned, 0xFF when fresh | canary | page without access
// After it is freed its addresses stay without access for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace rushlight::emulator {

/// Lets the process touch device memory as long as it lives.
class DeviceMemoryOpen {
 public:
  DeviceMemoryOpen();
  ~DeviceMemoryOpen();
  DeviceMemoryOpen(const DeviceMemoryOpen&) = delete;
  DeviceMemoryOpen& operator=(const DeviceMemoryOpen&) = delete;
};

/// A violation where a canary has changed; `after` names what ran. REQUIRES: device memory is open.
void check_guards(const std::string& after);

enum class Place { device, pinned, pageable };

/// What [data, data + bytes) is. A violation where it leaves an allocation, or was freed.
Place place_of(const void* data, std::size_t bytes, const char* call);

/// How far each stream has come: stream number to number of its last call.
using Clock = std::map<std::uint64_t, std::uint64_t>;
void merge(Clock& into, const Clock& from);

/// Call `call` of stream `stream` touches the pinned memory at `data`. A violation where that has been freed.
void use_pinned(const void* data, std::uint64_t stream, std::uint64_t call);

}  // namespace rushlight::emulator
