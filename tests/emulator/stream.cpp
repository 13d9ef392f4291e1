#include "tests/emulator/stream.h"

#include <algorithm>
#include <utility>

#include "tests/emulator/capture.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/timeline.h"

namespace rushlight::emulator {
namespace {

struct Queues {
  std::vector<std::unique_ptr<CUstream_st>> streams;
  std::uint64_t created = 0;
  Clock host;  // What the host has waited for.
};

Queues& queues() {
  static Queues& it = *new Queues;
  return it;
}

CUstream_st* draw_busy_stream() {
  std::vector<CUstream_st*> busy;
  for (const auto& stream : queues().streams) {
    if (!stream->queue.empty()) busy.push_back(stream.get());
  }
  return busy.empty() ? nullptr : busy[draw(busy.size())];
}

void know(const CUstream_st& stream) {
  timeline::acquire(&stream);
  merge(queues().host, stream.clock);
}

// Nothing of a lost device runs, which the host learns with the error, and nobody waits for it.
void drop_queues() {
  for (const auto& stream : queues().streams) {
    know(*stream);
    for (const auto& task : stream->queue) {
      if (task->records != nullptr) task->records->done = true;
    }
    stream->queue.clear();
  }
}

void run(CUstream_st& stream, Task& task) {
  void* host = timeline::current();
  timeline::switch_to(stream.fiber);
  timeline::acquire(&task);
  if (task.waits_for != nullptr) timeline::acquire(task.waits_for.get());
  if (task.work != nullptr) task.work->body();
  if (task.records != nullptr) timeline::release(task.records.get());
  timeline::release(&stream);
  timeline::switch_to(host);

  stream.clock[stream.number] = task.number;
  if (task.waits_for != nullptr) merge(stream.clock, task.waits_for->clock);
  if (task.records != nullptr) {
    task.records->clock = stream.clock;
    task.records->time = std::chrono::steady_clock::now();
    task.records->done = true;
  }
  if (task.work != nullptr) check_guards("found after " + task.work->name);
  // The closure may be the last owner of what the stream touched last: no race, as the task is over.
  const IgnoreAccesses ignore;
  task.work.reset();
}

// Runs the stream's next task, or one that it waits for. REQUIRES: the queue is not empty, device memory is open.
void step(CUstream_st& stream) {
  CUstream_st* runs = &stream;
  while (runs->queue.front()->waits_for != nullptr && !runs->queue.front()->waits_for->done) {
    runs = runs->queue.front()->waits_for->stream;
  }
  const std::unique_ptr<Task> task = std::move(runs->queue.front());
  runs->queue.pop_front();
  run(*runs, *task);
  if (device_is_lost()) drop_queues();
}

// Steps `needed` until `done`, and other streams less, as often or first, as drawn.
template <class Done>
void run_until(const Done& done, CUstream_st* needed) {
  if (done()) return;
  const DeviceMemoryOpen open;
  const std::uint64_t manner = draw(3);
  while (manner == 2) {
    CUstream_st* other = draw_busy_stream();
    if (other == nullptr) break;
    step(*other);
  }
  while (!done()) {
    step(*needed);
    CUstream_st* other = manner == 1 && draw(2) == 0 ? draw_busy_stream() : nullptr;
    if (other != nullptr) step(*other);
  }
}

// Streams that were destroyed go when their last task has run.
void reap() {
  std::erase_if(queues().streams, [](const std::unique_ptr<CUstream_st>& stream) {
    if (!stream->destroyed || !stream->queue.empty()) return false;
    timeline::destroy(stream->fiber);
    return true;
  });
}

}  // namespace

CUstream_st& stream_of(cudaStream_t handle, const char* call) {
  if (handle == nullptr || handle == cudaStreamLegacy || handle == cudaStreamPerThread) {
    violation(std::string(call) + " on a default stream: no default stream");
  }
  for (const auto& stream : queues().streams) {
    if (stream.get() == handle && !stream->destroyed) return *stream;
  }
  violation(std::string(call) + " on what is no stream, or no longer");
}

void push(CUstream_st& stream, Task task) {
  task.number = ++stream.calls;
  if (task.work != nullptr) {
    for (const void* data : task.work->pinned) use_pinned(data, stream.number, task.number);
  }
  stream.queue.push_back(std::make_unique<Task>(std::move(task)));
  timeline::release(stream.queue.back().get());
  if (draw(8) == 0) run_a_little();
}

cudaError_t enqueue(CUstream_st& stream, std::shared_ptr<const Work> work) {
  if (stream.capture != nullptr) return capture(stream, std::move(work));
  push(stream, Task{.work = std::move(work)});
  return cudaSuccess;
}

cudaError_t enqueue(CUstream_st& stream, Work work) {
  return enqueue(stream, std::make_shared<const Work>(std::move(work)));
}

void wait_for(CUstream_st& stream) {
  ++counters().synchronizations;
  run_until([&] { return stream.queue.empty(); }, &stream);
  know(stream);
}

void wait_for(const std::shared_ptr<Record>& record) {
  ++counters().synchronizations;
  run_until([&] { return record->done; }, record->stream);
  know(*record);
}

void know(const Record& record) {
  timeline::acquire(&record);
  merge(queues().host, record.clock);
}

void run_everything() {
  {
    const DeviceMemoryOpen open;
    while (CUstream_st* busy = draw_busy_stream()) step(*busy);
  }
  reap();
}

void run_a_little() {
  const DeviceMemoryOpen open;
  for (std::uint64_t steps = draw(4) + 1; steps > 0; --steps) {
    CUstream_st* busy = draw_busy_stream();
    if (busy == nullptr) return;
    step(*busy);
  }
}

bool something_is_queued() {
  return draw_busy_stream() != nullptr;
}

bool host_has_waited_for(std::uint64_t stream, std::uint64_t call) {
  const auto found = queues().host.find(stream);
  return found != queues().host.end() && found->second >= call;
}

}  // namespace rushlight::emulator

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* result, unsigned /*flags*/) {
  return device_call([&] {
    reap();
    auto stream = std::make_unique<CUstream_st>();
    stream->number = ++queues().created;
    stream->device = current_device();
    stream->fiber = timeline::create();
    *result = stream.get();
    queues().streams.push_back(std::move(stream));
    add_live(Object::stream, 1);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return release_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaStreamDestroy");
    if (stream.capture != nullptr) violation("cudaStreamDestroy of a stream that captures");
    stream.destroyed = true;
    add_live(Object::stream, -1);
    reap();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaStreamSynchronize");
    if (const cudaError_t error = refuse_if_captures(stream); error != cudaSuccess) return error;
    wait_for(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaStreamQuery");
    if (const cudaError_t error = refuse_if_captures(stream); error != cudaSuccess) return error;
    if (draw(2) == 0) run_a_little();
    if (!stream.queue.empty()) return cudaErrorNotReady;
    know(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return device_call([] {
    if (const cudaError_t error = refuse_if_anything_captures(); error != cudaSuccess) return error;
    for (std::size_t i = 0; i < queues().streams.size(); ++i) {
      if (CUstream_st& stream = *queues().streams[i]; stream.device == current_device()) wait_for(stream);
    }
    reap();
    return cudaSuccess;
  });
}
}
