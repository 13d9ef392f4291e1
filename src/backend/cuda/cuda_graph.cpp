#include "src/backend/cuda/cuda_graph.h"

#include <nvtx3/nvToolsExt.h>

#include <utility>

namespace rushlight {
namespace {

class CudaGraph final : public Graph {
 public:
  CudaGraph(GraphExecutable executable, cudaStream_t stream) : executable_(std::move(executable)), stream_(stream) {
    for (Event& done : done_) done = make_event();
  }

  // The host is two replays ahead at most: enough for the GPU never to wait, and few enough to be interrupted soon.
  void replay() override {
    const Event& done = done_[turn_];
    turn_ = 1 - turn_;
    check(cudaEventSynchronize(done.get()), "waiting for a graph of steps");
    nvtxRangePushA("replay");
    const cudaError_t status = cudaGraphLaunch(executable_.get(), stream_);
    nvtxRangePop();
    check(status, "replaying a graph of steps");
    check(cudaEventRecord(done.get(), stream_), "recording an event");
  }

 private:
  GraphExecutable executable_;
  cudaStream_t stream_;
  Event done_[2];
  std::size_t turn_ = 0;
};

}  // namespace

std::unique_ptr<Graph> capture_graph(cudaStream_t stream, const std::function<void()>& commands) {
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning to record a graph");
  cudaGraph_t recorded = nullptr;
  try {
    commands();
  } catch (...) {
    if (cudaStreamEndCapture(stream, &recorded) == cudaSuccess) const GraphDefinition discarded(recorded);
    static_cast<void>(cudaGetLastError());
    throw;
  }
  check(cudaStreamEndCapture(stream, &recorded), "recording a graph");
  const GraphDefinition definition(recorded);
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, definition.get(), 0), "making a graph ready");
  return std::make_unique<CudaGraph>(GraphExecutable(executable), stream);
}

}  // namespace rushlight
