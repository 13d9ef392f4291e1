// Graphs hold the captured calls in the order of the calls, and run them in that order in the launching stream.
#include <set>
#include <string>
#include <utility>

#include "tests/emulator/capture.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/status.h"
#include "tests/emulator/timeline.h"

struct CUgraph_st {
  std::shared_ptr<const rushlight::emulator::Nodes> nodes;
};

struct CUgraphExec_st {
  std::shared_ptr<const rushlight::emulator::Nodes> nodes;
};

using namespace rushlight::emulator;  // NOLINT(google-build-using-namespace): what follows is CUDA's own names.

namespace {

template <class Graph>
std::set<Graph*>& alive() {
  static auto& it = *new std::set<Graph*>;
  return it;
}

template <class Graph>
Graph& checked(Graph* handle, const char* call) {
  if (!alive<Graph>().contains(handle)) violation(std::string(call) + " of what is no graph, or no longer");
  return *handle;
}

template <class Graph>
Graph* make(std::shared_ptr<const Nodes> nodes, Object object) {
  auto* graph = new Graph{std::move(nodes)};
  alive<Graph>().insert(graph);
  add_live(object, 1);
  return graph;
}

template <class Graph>
void destroy(Graph* handle, Object object, const char* call) {
  const Graph* graph = &checked(handle, call);
  alive<Graph>().erase(handle);
  // The nodes hold closures that streams have used; queued launches keep them alive.
  const IgnoreAccesses ignore;
  delete graph;
  add_live(object, -1);
}

}  // namespace

extern "C" {

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* result, cudaGraph_t graph, unsigned long long /*flags*/) {
  return device_call([&] {
    *result = make<CUgraphExec_st>(checked(graph, "cudaGraphInstantiate").nodes, Object::graph_executable);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* result, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiateWithFlags(result, graph, flags);
}

cudaError_t cudaGraphUpload(cudaGraphExec_t graph, cudaStream_t stream) {
  return device_call([&] {
    checked(graph, "cudaGraphUpload");
    stream_of(stream, "cudaGraphUpload");
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t handle) {
  return device_call([&] {
    CUstream_st& stream = stream_of(handle, "cudaGraphLaunch");
    const std::shared_ptr<const Nodes> nodes = checked(graph, "cudaGraphLaunch").nodes;
    ++counters().graph_launches;
    if (fault_now(FaultKind::launch)) return cudaErrorLaunchFailure;
    for (const std::shared_ptr<const Work>& node : *nodes) {
      if (const cudaError_t error = enqueue(stream, node); error != cudaSuccess) return error;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return device_call([&] {
    if (nodes != nullptr) return cudaErrorNotSupported;  // Only their number is known.
    *count = checked(graph, "cudaGraphGetNodes").nodes->size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return release_call([&] {
    destroy(graph, Object::graph, "cudaGraphDestroy");
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  return release_call([&] {
    destroy(graph, Object::graph_executable, "cudaGraphExecDestroy");
    return cudaSuccess;
  });
}
}

namespace rushlight::emulator {

cudaGraph_t make_graph(Nodes nodes) {
  return make<CUgraph_st>(std::make_shared<const Nodes>(std::move(nodes)), Object::graph);
}

}  // namespace rushlight::emulator
