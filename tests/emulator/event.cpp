#include <set>
#include <utility>

#include "tests/emulator/capture.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/stream.h"
#include "tests/emulator/timeline.h"

struct CUevent_st {
  bool timed = true;
  std::shared_ptr<rushlight::emulator::Record> record;
};

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

namespace {

std::set<CUevent_st*>& events() {
  static auto& it = *new std::set<CUevent_st*>;
  return it;
}

CUevent_st& event_of(cudaEvent_t handle, const char* call) {
  if (!events().contains(handle)) violation(std::string(call) + " of what is no event, or no longer");
  return *handle;
}

// Whether the host may ask for the event at all.
cudaError_t host_status(const CUevent_st& event) {
  if (event.record != nullptr && event.record->capture != nullptr) {
    event.record->capture->invalidated = true;
    return cudaErrorCapturedEvent;
  }
  return refuse_while_capturing();
}

}  // namespace

extern "C" {

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* result, unsigned flags) {
  return device_call([&] {
    auto* event = new CUevent_st;
    event->timed = (flags & cudaEventDisableTiming) == 0;
    events().insert(event);
    add_live(Object::event, 1);
    *result = event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return release_call([&] {
    const CUevent_st* event = &event_of(handle, "cudaEventDestroy");
    events().erase(handle);
    delete event;
    add_live(Object::event, -1);
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  return device_call([&] {
    CUevent_st& event = event_of(handle, "cudaEventRecord");
    CUstream_st& stream = stream_of(stream_handle, "cudaEventRecord");
    auto record = std::make_shared<Record>();
    record->stream = &stream;
    if (stream.capture != nullptr) {
      if (stream.capture->invalidated) return cudaErrorStreamCaptureInvalidated;
      record->capture = stream.capture;
      record->clock = stream.captured;
      event.record = std::move(record);
      return cudaSuccess;
    }
    event.record = record;
    push(stream, Task{.records = std::move(record)});
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned /*flags*/) {
  return device_call([&] {
    CUstream_st& stream = stream_of(stream_handle, "cudaStreamWaitEvent");
    const std::shared_ptr<Record> record = event_of(handle, "cudaStreamWaitEvent").record;
    if (record == nullptr) return cudaSuccess;  // Never recorded: nothing to wait for.
    if (stream.capture != nullptr || record->capture != nullptr) return join_capture(stream, record);
    push(stream, Task{.waits_for = record});
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return device_call([&] {
    const CUevent_st& event = event_of(handle, "cudaEventSynchronize");
    if (const cudaError_t error = host_status(event); error != cudaSuccess) return error;
    if (event.record != nullptr) wait_for(std::shared_ptr<Record>(event.record));
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return device_call([&] {
    const CUevent_st& event = event_of(handle, "cudaEventQuery");
    if (const cudaError_t error = host_status(event); error != cudaSuccess) return error;
    if (event.record == nullptr) return cudaSuccess;
    if (draw(2) == 0) run_a_little();
    if (!event.record->done) return cudaErrorNotReady;
    know(*event.record);
    return cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return device_call([&] {
    const CUevent_st& first = event_of(start, "cudaEventElapsedTime");
    const CUevent_st& last = event_of(end, "cudaEventElapsedTime");
    if (!first.timed || !last.timed || first.record == nullptr || last.record == nullptr) {
      return cudaErrorInvalidResourceHandle;
    }
    for (const CUevent_st* one : {&first, &last}) {
      if (const cudaError_t error = host_status(*one); error != cudaSuccess) return error;
      if (!one->record->done) return cudaErrorNotReady;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(last.record->time - first.record->time).count();
    return cudaSuccess;
  });
}
}
