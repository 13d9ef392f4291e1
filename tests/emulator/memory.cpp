#include "tests/emulator/memory.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "tests/emulator/capture.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"

#pragma weak __asan_poison_memory_region

namespace rushlight::emulator {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;
// One alignment unit beyond a page, so that nothing is aligned better than promised.
constexpr std::size_t kFrontGuard = kPage + kAlignment;
constexpr std::uint8_t kCanary = 0xA5;

struct Allocation {
  std::int64_t number = 0;
  int device = 0;
  std::size_t bytes = 0;
  std::uint8_t* mapping = nullptr;
  std::size_t mapped = 0;

  std::uint8_t* payload() const { return mapping + kPage + kFrontGuard; }
  std::uint8_t* open_begin() const { return mapping + kPage; }
  std::size_t open_bytes() const { return mapped - 2 * kPage; }
  std::string name() const {
    return "device allocation " + std::to_string(number) + " of " + std::to_string(bytes) + " bytes";
  }
};

struct Pinned {
  std::size_t bytes = 0;
  Clock uses;
};

struct Memory {
  std::map<std::uintptr_t, Allocation> live;  // By address of the payload.
  std::map<std::uintptr_t, Allocation> freed;
  std::map<std::uintptr_t, Pinned> pinned;
  std::map<int, std::size_t> used;  // Bytes by device.
  std::int64_t allocations = 0;
  int open = 0;
};

Memory& memory() {
  static Memory& it = *new Memory;
  return it;
}

std::uintptr_t address_of(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data);
}

// What begins at or before `address` and has not ended there.
template <class Value>
const std::pair<const std::uintptr_t, Value>* holder(const std::map<std::uintptr_t, Value>& map,
                                                     std::uintptr_t address) {
  auto next = map.upper_bound(address);
  if (next == map.begin()) return nullptr;
  --next;
  return address < next->first + next->second.bytes ? &*next : nullptr;
}

template <class Value>
bool touches(const std::map<std::uintptr_t, Value>& map, std::uintptr_t begin, std::size_t bytes) {
  const auto next = map.lower_bound(begin);
  return holder(map, begin) != nullptr || (next != map.end() && next->first < begin + bytes);
}

void poison(const void* data, std::size_t bytes) {
  if (__asan_poison_memory_region != nullptr) __asan_poison_memory_region(data, bytes);
}

void protect(const Allocation& one, int protection) {
  if (mprotect(one.open_begin(), one.open_bytes(), protection) != 0) violation("mprotect failed for " + one.name());
}

// Byte by byte: memcmp would ask AddressSanitizer, to which these bytes are poisoned.
bool is_canary(const std::uint8_t* begin, const std::uint8_t* end) {
  std::uint8_t difference = 0;
  for (; begin != end; ++begin) difference = static_cast<std::uint8_t>(difference | (*begin ^ kCanary));
  return difference == 0;
}

void check_guard(const Allocation& one, const std::string& after) {
  const std::uint8_t* payload = one.payload();
  if (!is_canary(one.open_begin(), payload)) violation("bytes before " + one.name() + " are overwritten, " + after);
  if (!is_canary(payload + one.bytes, one.open_begin() + one.open_bytes())) {
    violation("bytes behind " + one.name() + " are overwritten, " + after);
  }
}

cudaError_t allocate(void** result, std::size_t bytes) {
  Memory& now = memory();
  *result = nullptr;
  if (bytes == 0) return cudaSuccess;
  ++counters().allocations;
  const std::size_t limit = static_cast<std::size_t>(settings().memory);
  std::size_t& used = now.used[current_device()];
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (fault_now(FaultKind::allocation) || rounded < bytes || rounded > limit - used) return cudaErrorMemoryAllocation;

  Allocation one;
  one.number = ++now.allocations;
  one.device = current_device();
  one.bytes = bytes;
  one.mapped = (kPage + kFrontGuard + bytes + kPage - 1) / kPage * kPage + 2 * kPage;
  void* mapping = mmap(nullptr, one.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return cudaErrorMemoryAllocation;
  one.mapping = static_cast<std::uint8_t*>(mapping);
  protect(one, PROT_READ | PROT_WRITE);
  std::memset(one.open_begin(), kCanary, one.open_bytes());
  std::memset(one.payload(), 0xFF, bytes);
  poison(one.open_begin(), kFrontGuard);
  poison(one.payload() + bytes, static_cast<std::size_t>(one.open_begin() + one.open_bytes() - one.payload()) - bytes);
  if (now.open == 0) protect(one, PROT_NONE);

  used += rounded;
  now.live.emplace(address_of(one.payload()), one);
  add_live(Object::device_allocation, 1);
  *result = one.payload();
  return cudaSuccess;
}

void free_device(void* data) {
  Memory& now = memory();
  const auto found = now.live.find(address_of(data));
  if (found == now.live.end()) {
    violation(now.freed.contains(address_of(data)) ? "cudaFree of device memory that is freed already"
                                                   : "cudaFree of what is no device allocation");
  }
  const Allocation one = found->second;
  {
    const DeviceMemoryOpen open;
    check_guard(one, "found when it is freed");
  }
  now.live.erase(found);
  now.used[one.device] -= (one.bytes + kAlignment - 1) / kAlignment * kAlignment;
  // A new mapping in the same place gives the pages back and keeps the addresses.
  if (mmap(one.mapping, one.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
      MAP_FAILED) {
    violation("mmap failed when freeing " + one.name());
  }
  poison(one.payload(), one.bytes);
  now.freed.emplace(address_of(one.payload()), one);
  add_live(Object::device_allocation, -1);
}

cudaError_t allocate_pinned(void** result, std::size_t bytes) {
  *result = nullptr;
  if (bytes == 0) return cudaSuccess;
  ++counters().allocations;
  if (fault_now(FaultKind::allocation)) return cudaErrorMemoryAllocation;
  // From the heap, whose ends and whose use after free AddressSanitizer watches.
  if (posix_memalign(result, kPage, bytes) != 0) return cudaErrorMemoryAllocation;
  std::memset(*result, 0xFF, bytes);
  memory().pinned.emplace(address_of(*result), Pinned{bytes, {}});
  add_live(Object::pinned_allocation, 1);
  return cudaSuccess;
}

void free_pinned(void* data) {
  Memory& now = memory();
  const auto found = now.pinned.find(address_of(data));
  if (found == now.pinned.end()) violation("cudaFreeHost of what is no pinned allocation");
  for (const auto& [stream, call] : found->second.uses) {
    if (!device_is_lost() && !host_has_waited_for(stream, call)) {
      violation("cudaFreeHost of pinned memory of which nobody waited for a queued copy");
    }
  }
  now.pinned.erase(found);
  std::free(data);
  add_live(Object::pinned_allocation, -1);
}

}  // namespace

DeviceMemoryOpen::DeviceMemoryOpen() {
  if (memory().open++ > 0) return;
  for (const auto& [address, one] : memory().live) protect(one, PROT_READ | PROT_WRITE);
}

DeviceMemoryOpen::~DeviceMemoryOpen() {
  if (--memory().open > 0) return;
  for (const auto& [address, one] : memory().live) protect(one, PROT_NONE);
}

void check_guards(const std::string& after) {
  for (const auto& [address, one] : memory().live) check_guard(one, after);
}

bool is_device_memory(const void* data, std::size_t bytes) {
  const auto* found = holder(memory().live, address_of(data));
  return found != nullptr && bytes <= found->first + found->second.bytes - address_of(data);
}

Place place_of(const void* data, std::size_t bytes, const char* call) {
  const Memory& now = memory();
  const std::uintptr_t begin = address_of(data);
  const auto refuse = [call](const char* why) { violation(std::string(call) + ": " + why); };
  if (data == nullptr) refuse("a null pointer");
  if (is_device_memory(data, bytes)) return Place::device;
  if (touches(now.live, begin, bytes)) refuse("a range that leaves its device allocation");
  if (touches(now.freed, begin, bytes)) refuse("device memory that is freed");
  const auto* pinned = holder(now.pinned, begin);
  if (pinned != nullptr && bytes <= pinned->first + pinned->second.bytes - begin) return Place::pinned;
  if (touches(now.pinned, begin, bytes)) refuse("a range that leaves its pinned allocation");
  return Place::pageable;
}

void merge(Clock& into, const Clock& from) {
  for (const auto& [stream, call] : from) {
    std::uint64_t& known = into[stream];
    known = std::max(known, call);
  }
}

void use_pinned(const void* data, std::uint64_t stream, std::uint64_t call) {
  Memory& now = memory();
  const auto* found = holder(now.pinned, address_of(data));
  if (found == nullptr) violation("a graph copies pinned memory that is freed");
  now.pinned.at(found->first).uses[stream] = call;
}

}  // namespace rushlight::emulator

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

extern "C" {

cudaError_t cudaMalloc(void** result, std::size_t bytes) {
  return device_call([&] {
    if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
    return allocate(result, bytes);
  });
}

cudaError_t cudaFree(void* data) {
  return release_call([&] {
    if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
    if (data == nullptr) return cudaSuccess;
    run_everything();  // The real one waits for the device, too.
    free_device(data);
    return cudaSuccess;
  });
}

cudaError_t cudaHostAlloc(void** result, std::size_t bytes, unsigned /*flags*/) {
  return device_call([&] {
    if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
    return allocate_pinned(result, bytes);
  });
}

cudaError_t cudaMallocHost(void** result, std::size_t bytes) {
  return cudaHostAlloc(result, bytes, 0);
}

cudaError_t cudaFreeHost(void* data) {
  return release_call([&] {
    if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
    if (data != nullptr) free_pinned(data);
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return device_call([&] {
    *total = static_cast<std::size_t>(settings().memory);
    *free = *total - memory().used[current_device()];
    return cudaSuccess;
  });
}
}
