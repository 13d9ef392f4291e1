#include <string>
#include <thread>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedGraphTest = EmulatedDeviceTest;
using EmulatedGraphDeathTest = EmulatedDeviceTest;

class Graph {
 public:
  Graph() = default;
  ~Graph() {
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  cudaGraph_t* out() { return &graph_; }
  operator cudaGraph_t() const { return graph_; }  // NOLINT(google-explicit-constructor)

 private:
  cudaGraph_t graph_ = nullptr;
};

class Executable {
 public:
  explicit Executable(cudaGraph_t graph) { succeed(cudaGraphInstantiate(&executable_, graph, 0)); }
  ~Executable() { cudaGraphExecDestroy(executable_); }
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;
  operator cudaGraphExec_t() const { return executable_; }  // NOLINT(google-explicit-constructor)

 private:
  cudaGraphExec_t executable_ = nullptr;
};

void begin(cudaStream_t stream, cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
  succeed(cudaStreamBeginCapture(stream, mode));
}

cudaError_t end(cudaStream_t stream) {
  Graph graph;
  return cudaStreamEndCapture(stream, graph.out());
}

cudaStreamCaptureStatus status_of(cudaStream_t stream) {
  cudaStreamCaptureStatus status{};
  succeed(cudaStreamIsCapturing(stream, &status));
  return status;
}

TEST_F(EmulatedGraphTest, CapturedCallsRunAtEachReplayAndNotBefore) {
  with_seeds([] {
    const Stream stream;
    const DeviceFloats floats(2);
    const PinnedFloats pinned(2);
    Graph graph;
    begin(stream);
    EXPECT_EQ(status_of(stream), cudaStreamCaptureStatusActive);
    succeed(cudaMemcpyAsync(floats.data(), pinned.data(), 8, cudaMemcpyHostToDevice, stream));
    succeed(launch(stream, [data = floats.data()] { data[0] += 1; }));
    succeed(cudaMemsetAsync(floats.data() + 1, 0, 4, stream));
    succeed(cudaMemcpyAsync(pinned.data(), floats.data(), 8, cudaMemcpyDeviceToHost, stream));
    succeed(cudaStreamEndCapture(stream, graph.out()));
    EXPECT_EQ(status_of(stream), cudaStreamCaptureStatusNone);
    pinned.data()[0] = 5;
    pinned.data()[1] = 7;
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(pinned.data()[0], 5);

    std::size_t nodes = 0;
    succeed(cudaGraphGetNodes(graph, nullptr, &nodes));
    EXPECT_EQ(nodes, 4U);
    const Executable executable(graph);
    succeed(cudaGraphUpload(executable, stream));
    for (int replay = 0; replay < 3; ++replay) succeed(cudaGraphLaunch(executable, stream));
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(pinned.data()[0], 8);
    EXPECT_EQ(pinned.data()[1], 0);
    EXPECT_EQ(counts().launches, 1);
    EXPECT_EQ(counts().copies, 2);
    EXPECT_EQ(counts().graph_launches, 3);
  });
}

TEST_F(EmulatedGraphTest, ArgumentsAreThoseOfTheCapture) {
  const Stream stream;
  const DeviceFloats floats(1);
  Graph graph;
  float scale = 1;
  begin(stream);
  succeed(launch(stream, [scale, data = floats.data()] { *data = scale; }));
  succeed(cudaStreamEndCapture(stream, graph.out()));
  scale = 2;
  const Executable executable(graph);
  succeed(cudaGraphLaunch(executable, stream));
  EXPECT_EQ(download(floats, stream), std::vector<float>{1});
}

TEST_F(EmulatedGraphTest, AReplayComesInTheOrderOfItsStream) {
  with_seeds([] {
    const Stream stream;
    std::string order;
    Graph graph;
    begin(stream);
    for (const char* name : {"b", "c"}) succeed(launch(stream, [&order, name] { order += name; }));
    succeed(cudaStreamEndCapture(stream, graph.out()));
    succeed(launch(stream, [&order] { order += "a"; }));
    {
      const Executable executable(graph);
      succeed(cudaGraphLaunch(executable, stream));
    }  // Queued launches keep what they need.
    succeed(cudaGraphDestroy(graph));
    *graph.out() = nullptr;
    succeed(launch(stream, [&order] { order += "d"; }));
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(order, "abcd");
  });
}

TEST_F(EmulatedGraphTest, EventsBringOtherStreamsIntoTheCapture) {
  const Stream origin;
  const Stream other;
  const Event fork;
  const Event join;
  std::string order;
  Graph graph;
  begin(origin);
  succeed(launch(origin, [&] { order += "a"; }));
  succeed(cudaEventRecord(fork, origin));
  succeed(cudaStreamWaitEvent(other, fork, 0));
  EXPECT_EQ(status_of(other), cudaStreamCaptureStatusActive);
  succeed(launch(other, [&] { order += "b"; }));
  succeed(cudaEventRecord(join, other));
  succeed(cudaStreamWaitEvent(origin, join, 0));
  succeed(launch(origin, [&] { order += "c"; }));
  succeed(cudaStreamEndCapture(origin, graph.out()));
  EXPECT_EQ(status_of(other), cudaStreamCaptureStatusNone);
  const Executable executable(graph);
  succeed(cudaGraphLaunch(executable, origin));
  succeed(cudaStreamSynchronize(origin));
  EXPECT_EQ(order, "abc");
}

TEST_F(EmulatedGraphTest, StreamsThatDoNotComeBackAreRefused) {
  const Stream origin;
  const Stream other;
  const Event fork;
  const Event join;
  begin(origin);
  succeed(cudaEventRecord(fork, origin));
  succeed(cudaStreamWaitEvent(other, fork, 0));
  succeed(launch(other, [] {}));
  succeed(cudaEventRecord(join, other));
  succeed(launch(other, [] {}));
  succeed(cudaStreamWaitEvent(origin, join, 0));
  EXPECT_EQ(end(origin), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(status_of(other), cudaStreamCaptureStatusNone);

  begin(origin);
  succeed(cudaEventRecord(fork, origin));
  succeed(cudaStreamWaitEvent(other, fork, 0));
  EXPECT_EQ(end(other), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(end(origin), cudaErrorStreamCaptureInvalidated);
}

TEST_F(EmulatedGraphTest, EventsDoNotCrossTheBorderOfACapture) {
  const Stream stream;
  const Stream other;
  const Event before;
  const Event inside;
  succeed(cudaEventRecord(before, other));
  begin(stream);
  EXPECT_EQ(cudaStreamWaitEvent(stream, before, 0), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(status_of(stream), cudaStreamCaptureStatusInvalidated);
  EXPECT_EQ(launch(stream, [] {}), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(end(stream), cudaErrorStreamCaptureInvalidated);

  begin(stream);
  succeed(cudaEventRecord(inside, stream));
  EXPECT_EQ(cudaEventQuery(inside), cudaErrorCapturedEvent);
  EXPECT_EQ(end(stream), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaEventSynchronize(inside), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaStreamWaitEvent(other, inside, 0), cudaErrorCapturedEvent);

  begin(stream, cudaStreamCaptureModeRelaxed);
  begin(other, cudaStreamCaptureModeRelaxed);
  succeed(cudaEventRecord(inside, stream));
  EXPECT_EQ(cudaStreamWaitEvent(other, inside, 0), cudaErrorStreamCaptureMerge);
  EXPECT_EQ(end(stream), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(end(other), cudaErrorStreamCaptureInvalidated);
  succeed(cudaDeviceSynchronize());
}

TEST_F(EmulatedGraphTest, WhatWouldWaitIsRefusedInACapture) {
  const Stream stream;
  const DeviceFloats floats(1);
  float host = 1;
  const auto refuses = [&](const auto& call) {
    begin(stream, cudaStreamCaptureModeRelaxed);
    EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(status_of(stream), cudaStreamCaptureStatusInvalidated);
    EXPECT_EQ(end(stream), cudaErrorStreamCaptureInvalidated);
  };
  refuses([&] { return cudaStreamSynchronize(stream); });
  refuses([&] { return cudaStreamQuery(stream); });
  refuses([&] { return cudaDeviceSynchronize(); });
  refuses([&] { return cudaMemcpyAsync(&host, floats.data(), 4, cudaMemcpyDeviceToHost, stream); });
  refuses([&] { return cudaMemcpyAsync(floats.data(), &host, 4, cudaMemcpyHostToDevice, stream); });
  EXPECT_EQ(end(stream), cudaErrorIllegalState);
  begin(stream);
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  EXPECT_EQ(end(stream), cudaSuccess);
}

TEST_F(EmulatedGraphTest, AllocatingIsRefusedAsTheModesSay) {
  const Stream stream;
  const auto allocates = [] {
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, 1);
    if (status == cudaSuccess) cudaFree(data);
    return status;
  };
  const auto in_another_thread = [&] {
    cudaError_t status = cudaSuccess;
    std::thread([&] { status = allocates(); }).join();
    return status;
  };
  begin(stream, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(in_another_thread(), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(stream), cudaErrorStreamCaptureInvalidated);

  begin(stream, cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(in_another_thread(), cudaSuccess);
  EXPECT_EQ(allocates(), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(stream), cudaErrorStreamCaptureInvalidated);

  begin(stream, cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(allocates(), cudaSuccess);
  EXPECT_EQ(end(stream), cudaSuccess);

  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  succeed(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  begin(stream, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(allocates(), cudaSuccess);
  EXPECT_EQ(end(stream), cudaSuccess);
  succeed(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, cudaStreamCaptureModeRelaxed);
}

TEST_F(EmulatedGraphTest, AnotherThreadDoesNotEndACapture) {
  const Stream stream;
  begin(stream);
  std::thread([&] { EXPECT_EQ(end(stream), cudaErrorStreamCaptureWrongThread); }).join();
  EXPECT_EQ(end(stream), cudaSuccess);
}

TEST_F(EmulatedGraphDeathTest, MisuseIsFound) {
  const Stream stream;
  const DeviceFloats floats(1);
  Graph graph;
  begin(stream, cudaStreamCaptureModeRelaxed);
  EXPECT_DEATH(cudaStreamDestroy(stream), "that captures");
  {
    const PinnedFloats pinned(1);
    succeed(cudaMemcpyAsync(floats.data(), pinned.data(), 4, cudaMemcpyHostToDevice, stream));
  }
  succeed(cudaStreamEndCapture(stream, graph.out()));
  const Executable executable(graph);
  EXPECT_DEATH(cudaGraphLaunch(executable, stream), "pinned memory that is freed");
  EXPECT_DEATH((cudaGraphDestroy(graph), cudaGraphDestroy(graph)), "no graph, or no longer");
  EXPECT_DEATH((cudaGraphExecDestroy(executable), cudaGraphLaunch(executable, stream)), "no graph, or no longer");
}

}  // namespace
}  // namespace rushlight::emulator
