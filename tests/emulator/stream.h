// Streams as queues of work that runs on the host thread that waits: as late as the program's own synchronisation
// allows or, where draw() says so, earlier; between streams in an order that draw() gives.
#pragma once

#include <cuda_runtime.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/emulator/memory.h"

namespace rushlight::emulator {

struct Capture;

/// What a call does when its turn comes; also a node of a graph.
struct Work {
  std::string name;
  std::function<void()> body;
  std::vector<const void*> pinned;  // Host memory that it touches.
};

/// One cudaEventRecord. An event that is recorded again has a new one.
struct Record {
  CUstream_st* stream = nullptr;  // Alive while `done` is false.
  bool done = false;
  Clock clock;  // All calls that come before it.
  std::chrono::steady_clock::time_point time;
  std::shared_ptr<Capture> capture;  // Where it was recorded into one.
};

struct Task {
  std::uint64_t number = 0;
  std::shared_ptr<const Work> work = {};
  std::shared_ptr<Record> records = {};
  std::shared_ptr<Record> waits_for = {};
};

}  // namespace rushlight::emulator

struct CUstream_st {
  std::uint64_t number = 0;
  int device = 0;
  bool destroyed = false;  // Its queue still runs.
  void* fiber = nullptr;
  std::uint64_t calls = 0;
  std::deque<std::unique_ptr<rushlight::emulator::Task>> queue;
  rushlight::emulator::Clock clock;
  std::shared_ptr<rushlight::emulator::Capture> capture;
  rushlight::emulator::Clock captured;  // The same as `clock` for the nodes of `capture`.
};

namespace rushlight::emulator {

/// The stream behind a handle. A violation for the default stream and for what is no stream.
CUstream_st& stream_of(cudaStream_t handle, const char* call);

/// Queues the work, or adds it to the graph that the stream captures.
cudaError_t enqueue(CUstream_st& stream, Work work);
cudaError_t enqueue(CUstream_st& stream, std::shared_ptr<const Work> work);

/// Queues without a look at captures. Some queued work may run now.
void push(CUstream_st& stream, Task task);

/// The host waits for all that is queued on the stream.
void wait_for(CUstream_st& stream);
void wait_for(const std::shared_ptr<Record>& record);
/// The host has seen that the record is done.
void know(const Record& record);

/// Runs what is queued anywhere. The host's knowledge of it stays as it is.
void run_everything();
/// Runs something that is queued, maybe: for calls that ask how far the device is.
void run_a_little();
bool something_is_queued();

/// Whether waits of the host have covered call `call` of stream `stream`.
bool host_has_waited_for(std::uint64_t stream, std::uint64_t call);

}  // namespace rushlight::emulator
