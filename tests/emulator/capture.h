// Stream capture: calls become nodes of a graph, their arguments held by value.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <thread>
#include <vector>

#include "tests/emulator/stream.h"

namespace rushlight::emulator {

using Nodes = std::vector<std::shared_ptr<const Work>>;

struct Capture {
  CUstream_st* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool invalidated = false;
  Nodes nodes;
  std::vector<CUstream_st*> streams;  // The origin, and those that came in by an event.
};

/// For calls that CUDA forbids while a capture goes on that could see them, as cudaMalloc: cudaSuccess, or the error,
/// and the captures are invalidated.
cudaError_t refuse_while_capturing();

/// For calls that never work on a stream that captures, as cudaStreamSynchronize.
cudaError_t refuse_if_captures(const CUstream_st& stream);

/// The same for all streams together, as cudaDeviceSynchronize.
cudaError_t refuse_if_anything_captures();

/// Adds a node. REQUIRES: the stream captures.
cudaError_t capture(CUstream_st& stream, std::shared_ptr<const Work> work);

/// The stream joins the capture that the record belongs to, behind it. REQUIRES: one of both captures.
cudaError_t join_capture(CUstream_st& stream, const std::shared_ptr<Record>& record);

cudaGraph_t make_graph(Nodes nodes);

}  // namespace rushlight::emulator
