// CUDA graphs by stream capture.
#pragma once

#include <functional>
#include <memory>

#include "src/backend/cuda/handles.h"
#include "src/backend/graph_capture.h"

namespace rushlight {

/// Records what `commands` enqueues on `stream`, and nothing of it runs. @throws what `commands` throws, or DeviceError
/// if CUDA cannot record it; the stream can then be used as before.
std::unique_ptr<Graph> capture_graph(cudaStream_t stream, const std::function<void()>& commands);

}  // namespace rushlight
