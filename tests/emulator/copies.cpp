// Copies and fills, as "API synchronization behavior" of CUDA's reference describes them for the Async functions:
// from pageable memory the source is read before the call returns, to pageable memory the call returns when the copy is
// done, between host memory the call is synchronous, and with pinned memory all is left to the stream.
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/emulator/capture.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"

namespace rushlight::emulator {
namespace {

struct Side {
  std::uint8_t* data;
  std::size_t pitch;
  Place place = Place::pageable;
};

struct Copy {
  Side to;
  Side from;
  std::size_t width;
  std::size_t height;
};

std::size_t extent(const Side& side, const Copy& copy) {
  return side.pitch * (copy.height - 1) + copy.width;
}

// Row by row through memcpy, which sanitizers see.
void run_copy(const Copy& copy) {
  for (std::size_t row = 0; row < copy.height; ++row) {
    std::memcpy(copy.to.data + row * copy.to.pitch, copy.from.data + row * copy.from.pitch, copy.width);
  }
}

void check_kind(const Copy& copy, cudaMemcpyKind kind, const char* call) {
  const bool to_device = copy.to.place == Place::device;
  const bool from_device = copy.from.place == Place::device;
  const bool right = kind == cudaMemcpyDefault || (kind == cudaMemcpyHostToDevice && to_device && !from_device) ||
                     (kind == cudaMemcpyDeviceToHost && !to_device && from_device) ||
                     (kind == cudaMemcpyDeviceToDevice && to_device && from_device) ||
                     (kind == cudaMemcpyHostToHost && !to_device && !from_device);
  if (!right) violation(std::string(call) + ": the kind is not what the pointers are");
}

void check_overlap(const Copy& copy, const char* call) {
  const std::uint8_t* to_end = copy.to.data + extent(copy.to, copy);
  const std::uint8_t* from_end = copy.from.data + extent(copy.from, copy);
  // Two tiles of one matrix interleave without sharing a byte.
  const bool interleaved = copy.height > 1 && copy.to.pitch == copy.from.pitch;
  if (copy.to.data < from_end && copy.from.data < to_end && !interleaved) {
    violation(std::string(call) + ": source and target overlap");
  }
}

cudaError_t enqueue_copy(CUstream_st& stream, Copy copy, cudaMemcpyKind kind, const char* call) {
  ++counters().copies;
  if (fault_now(FaultKind::copy)) return cudaErrorUnknown;
  if (copy.width == 0 || copy.height == 0) return cudaSuccess;
  copy.to.place = place_of(copy.to.data, extent(copy.to, copy), call);
  copy.from.place = place_of(copy.from.data, extent(copy.from, copy), call);
  check_kind(copy, kind, call);
  check_overlap(copy, call);

  const bool between_host = copy.to.place != Place::device && copy.from.place != Place::device;
  const bool blocks = copy.to.place == Place::pageable || between_host;
  const bool staged = copy.from.place == Place::pageable && !blocks;
  // A graph would read or write the caller's memory when it may be gone.
  if (blocks || staged) {
    if (const cudaError_t error = refuse_if_captures(stream); error != cudaSuccess) return error;
  }
  Work work{call, {}, {}};
  if (staged) {
    auto stage = std::make_shared<std::vector<std::uint8_t>>(copy.width * copy.height);
    run_copy({{stage->data(), copy.width}, copy.from, copy.width, copy.height});
    work.body = [stage, to = copy.to, width = copy.width, height = copy.height] {
      run_copy({to, {stage->data(), width}, width, height});
    };
  } else {
    work.body = [copy] { run_copy(copy); };
    for (const Side& side : {copy.to, copy.from}) {
      if (side.place == Place::pinned) work.pinned.push_back(side.data);
    }
  }
  const cudaError_t error = enqueue(stream, std::move(work));
  if (error == cudaSuccess && blocks) wait_for(stream);
  return error;
}

}  // namespace
}  // namespace rushlight::emulator

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

extern "C" {

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t handle) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaMemcpyAsync");
    auto* source = static_cast<std::uint8_t*>(const_cast<void*>(from));
    const Copy copy{{static_cast<std::uint8_t*>(to), bytes}, {source, bytes}, bytes, 1};
    return enqueue_copy(stream, copy, kind, "cudaMemcpyAsync");
  });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t handle) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaMemcpy2DAsync");
    if (width > to_pitch || width > from_pitch) return cudaErrorInvalidPitchValue;
    auto* source = static_cast<std::uint8_t*>(const_cast<void*>(from));
    const Copy copy{{static_cast<std::uint8_t*>(to), to_pitch}, {source, from_pitch}, width, height};
    return enqueue_copy(stream, copy, kind, "cudaMemcpy2DAsync");
  });
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t handle) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaMemsetAsync");
    if (bytes == 0) return cudaSuccess;
    if (place_of(data, bytes, "cudaMemsetAsync") != Place::device) violation("cudaMemsetAsync: no device memory");
    return enqueue(stream, Work{"cudaMemsetAsync", [=] { std::memset(data, value, bytes); }, {}});
  });
}
}
