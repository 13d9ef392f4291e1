#include "tests/emulator/capture.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"

namespace rushlight::emulator {
namespace {

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

std::vector<std::shared_ptr<Capture>>& ongoing() {
  static auto& it = *new std::vector<std::shared_ptr<Capture>>;
  return it;
}

// CUDA's table: a global capture forbids unsafe calls to every thread, a thread-local one to its own thread; a thread
// in relaxed mode may do all, and one in thread-local mode does not care for other threads.
bool forbids(const Capture& capture) {
  const bool own = capture.thread == std::this_thread::get_id();
  if (thread_mode == cudaStreamCaptureModeRelaxed || capture.mode == cudaStreamCaptureModeRelaxed) return false;
  return own || (capture.mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal);
}

// Whether the origin comes behind every node.
bool is_joined(const Capture& capture) {
  return std::all_of(capture.streams.begin(), capture.streams.end(), [&](const CUstream_st* stream) {
    const auto last = stream->captured.find(stream->number);
    if (last == stream->captured.end()) return true;
    const auto known = capture.origin->captured.find(stream->number);
    return known != capture.origin->captured.end() && known->second >= last->second;
  });
}

void enter(CUstream_st& stream, const std::shared_ptr<Capture>& capture) {
  stream.capture = capture;
  stream.captured.clear();
  capture->streams.push_back(&stream);
}

cudaError_t end(const std::shared_ptr<Capture>& capture, cudaGraph_t* result) {
  const bool joined = is_joined(*capture);
  for (CUstream_st* stream : capture->streams) stream->capture.reset();
  std::erase(ongoing(), capture);
  if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  if (!joined) return cudaErrorStreamCaptureUnjoined;
  *result = make_graph(std::move(capture->nodes));
  return cudaSuccess;
}

}  // namespace

cudaError_t refuse_while_capturing() {
  bool refused = false;
  for (const auto& capture : ongoing()) {
    if (!forbids(*capture)) continue;
    capture->invalidated = true;
    refused = true;
  }
  return refused ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

cudaError_t refuse_if_captures(const CUstream_st& stream) {
  if (stream.capture == nullptr) return cudaSuccess;
  stream.capture->invalidated = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t refuse_if_anything_captures() {
  for (const auto& capture : ongoing()) capture->invalidated = true;
  return ongoing().empty() ? cudaSuccess : cudaErrorStreamCaptureUnsupported;
}

cudaError_t capture(CUstream_st& stream, std::shared_ptr<const Work> work) {
  Capture& capture = *stream.capture;
  if (capture.invalidated) return cudaErrorStreamCaptureInvalidated;
  capture.nodes.push_back(std::move(work));
  stream.captured[stream.number] = capture.nodes.size();
  return cudaSuccess;
}

cudaError_t join_capture(CUstream_st& stream, const std::shared_ptr<Record>& record) {
  if (stream.capture != nullptr && stream.capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  if (record->capture == nullptr) {
    stream.capture->invalidated = true;
    return cudaErrorStreamCaptureIsolation;
  }
  if (stream.capture == nullptr) {
    // The event of a capture that is over is nothing to wait for.
    if (record->capture->invalidated || !std::count(ongoing().begin(), ongoing().end(), record->capture)) {
      return cudaErrorCapturedEvent;
    }
    enter(stream, record->capture);
  }
  if (stream.capture != record->capture) {
    stream.capture->invalidated = true;
    record->capture->invalidated = true;
    return cudaErrorStreamCaptureMerge;
  }
  merge(stream.captured, record->clock);
  return cudaSuccess;
}

}  // namespace rushlight::emulator

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaStreamBeginCapture");
    if (stream.capture != nullptr) return cudaErrorIllegalState;
    auto capture = std::make_shared<Capture>();
    capture->origin = &stream;
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    enter(stream, capture);
    ongoing().push_back(std::move(capture));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* result) {
  return release_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaStreamEndCapture");
    const std::shared_ptr<Capture> capture = stream.capture;
    *result = nullptr;
    if (capture == nullptr) return cudaErrorIllegalState;
    if (capture->origin != &stream) {
      capture->invalidated = true;
      return cudaErrorStreamCaptureUnmatched;
    }
    if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id()) {
      return cudaErrorStreamCaptureWrongThread;
    }
    return end(capture, result);
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return device_call([&] {
    const CUstream_st& stream = stream_of(handle, "cudaStreamIsCapturing");
    *status = cudaStreamCaptureStatusNone;
    if (stream.capture != nullptr) {
      *status = stream.capture->invalidated ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return device_call([&] {
    std::swap(*mode, thread_mode);
    return cudaSuccess;
  });
}
}
