// What ThreadSanitizer makes of the emulated streams: runs in its build alone.
#include <cstdlib>
#include <functional>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

class EmulatedTimelineDeathTest : public TsanDeathTest {
 protected:
  // Each `body` in a process of its own, with several orders of queued work.
  static void expect_race(const std::function<void()>& body) { expect(body, 66, "data race"); }
  static void expect_no_race(const std::function<void()>& body) { expect(body, 0, ""); }

 private:
  static void expect(const std::function<void()>& body, int status, const char* message) {
    for (const std::uint64_t seed : {0U, 1U, 2U, 3U}) {
      SCOPED_TRACE(seed);
      EXPECT_EXIT(
          {
            Settings settings;
            settings.seed = seed;
            configure(settings);
            body();
            std::_Exit(0);
          },
          testing::ExitedWithCode(status), message);
    }
  }
};

enum class Order { none, event, host };

// What the first stream did comes before what the second does next, or not.
void order(Order how, cudaStream_t first, cudaStream_t second, cudaEvent_t event) {
  if (how == Order::host) succeed(cudaStreamSynchronize(first));
  if (how != Order::event) return;
  succeed(cudaEventRecord(event, first));
  succeed(cudaStreamWaitEvent(second, event, 0));
}

void two_streams(Order how, const std::function<void(cudaStream_t, float*)>& one,
                 const std::function<void(cudaStream_t, float*)>& other) {
  const DeviceFloats floats(2);
  const Event event;
  const Stream first;
  const Stream second;
  one(first, floats.data());
  order(how, first, second, event);
  other(second, floats.data());
  succeed(cudaDeviceSynchronize());
}

void kernel(cudaStream_t stream, float* data) {
  succeed(launch(stream, [data] { *data = 1; }));
}
void fill(cudaStream_t stream, float* data) {
  succeed(cudaMemsetAsync(data, 0, 4, stream));
}

TEST_F(EmulatedTimelineDeathTest, StreamsRaceUnlessAnEventOrTheHostOrdersThem) {
  expect_race([] { two_streams(Order::none, kernel, kernel); });
  expect_race([] { two_streams(Order::none, kernel, fill); });
  expect_no_race([] { two_streams(Order::event, kernel, kernel); });
  expect_no_race([] { two_streams(Order::event, kernel, fill); });
  expect_no_race([] { two_streams(Order::host, kernel, fill); });
  expect_no_race(
      [] { two_streams(Order::none, kernel, [](cudaStream_t stream, float* data) { kernel(stream, data + 1); }); });
}

// The host touches the pinned memory of a copy, having waited or not.
void pinned(cudaMemcpyKind kind, const std::function<void(cudaStream_t)>& wait) {
  const DeviceFloats floats(1);
  const PinnedFloats pinned(1);
  const Stream stream;
  succeed(cudaMemsetAsync(floats.data(), 0, 4, stream));
  succeed(cudaMemcpyAsync(kind == cudaMemcpyHostToDevice ? floats.data() : pinned.data(),
                          kind == cudaMemcpyHostToDevice ? pinned.data() : floats.data(), 4, kind, stream));
  wait(stream);
  *pinned.data() = 1;
  succeed(cudaStreamSynchronize(stream));
}

TEST_F(EmulatedTimelineDeathTest, PinnedMemoryRacesWithTheHostUntilItWaits) {
  const auto nothing = [](cudaStream_t) {};
  const auto frees = [](cudaStream_t) { const DeviceFloats other(1); };
  const auto waits = [](cudaStream_t stream) { succeed(cudaStreamSynchronize(stream)); };
  const auto asks = [](cudaStream_t stream) {
    while (cudaStreamQuery(stream) == cudaErrorNotReady) continue;
  };
  const auto waits_for_event = [](cudaStream_t stream) {
    const Event event;
    succeed(cudaEventRecord(event, stream));
    succeed(cudaEventSynchronize(event));
  };
  for (const cudaMemcpyKind kind : {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost}) {
    expect_race([&] { pinned(kind, nothing); });
    expect_race([&] { pinned(kind, frees); });
    expect_no_race([&] { pinned(kind, waits); });
    expect_no_race([&] { pinned(kind, asks); });
    expect_no_race([&] { pinned(kind, waits_for_event); });
  }
}

TEST_F(EmulatedTimelineDeathTest, AnEventCoversOnlyWhatIsBeforeIt) {
  expect_race([] {
    const DeviceFloats floats(1);
    const Event event;
    const Stream first;
    const Stream second;
    succeed(cudaEventRecord(event, first));
    kernel(first, floats.data());
    succeed(cudaStreamWaitEvent(second, event, 0));
    kernel(second, floats.data());
    succeed(cudaDeviceSynchronize());
  });
}

TEST_F(EmulatedTimelineDeathTest, ReplaysRaceAsTheirCallsWould) {
  const auto replay = [](Order how) {
    two_streams(how, kernel, [](cudaStream_t stream, float* data) {
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t executable = nullptr;
      succeed(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
      kernel(stream, data);
      succeed(cudaStreamEndCapture(stream, &graph));
      succeed(cudaGraphInstantiate(&executable, graph, 0));
      succeed(cudaGraphLaunch(executable, stream));
      succeed(cudaGraphLaunch(executable, stream));
      succeed(cudaGraphExecDestroy(executable));
      succeed(cudaGraphDestroy(graph));
    });
  };
  expect_race([&] { replay(Order::none); });
  expect_no_race([&] { replay(Order::event); });
}

TEST_F(EmulatedTimelineDeathTest, DestroyingAGraphThatHasRunIsNoRace) {
  expect_no_race([] {
    const DeviceFloats floats(1);
    const Stream stream;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    succeed(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    kernel(stream, floats.data());
    succeed(cudaStreamEndCapture(stream, &graph));
    succeed(cudaGraphInstantiate(&executable, graph, 0));
    succeed(cudaGraphLaunch(executable, stream));
    { const DeviceFloats freed(1); }  // Runs the replay, but tells nobody.
    succeed(cudaGraphExecDestroy(executable));
    succeed(cudaGraphDestroy(graph));
    succeed(cudaStreamSynchronize(stream));
  });
}

}  // namespace
}  // namespace rushlight::emulator
