#include <atomic>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedStreamTest = EmulatedDeviceTest;
using EmulatedStreamDeathTest = EmulatedDeviceTest;

TEST_F(EmulatedStreamTest, WorkRunsWhenSomebodyWaitsAndSometimesEarlier) {
  int early = 0;
  with_seeds([&] {
    const Stream stream;
    std::atomic<int> runs = 0;
    succeed(launch(stream, [&] { ++runs; }));
    early += runs;
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(runs, 1);
  });
  EXPECT_GT(early, 0);
  EXPECT_LT(early, 32);
}

TEST_F(EmulatedStreamTest, AStreamKeepsTheOrderOfItsCalls) {
  with_seeds([] {
    const Stream stream;
    Log order;
    for (const char* name : {"a", "b", "c", "d", "e"}) succeed(launch(stream, [&order, name] { order.add(name); }));
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(order.names(), "abcde");
  });
}

TEST_F(EmulatedStreamTest, StreamsComeInAnyOrderAndOthersMayNotRunAtAll) {
  std::set<std::string> orders;
  int waits_with_company = 0;
  with_seeds([&] {
    const Stream first;
    const Stream second;
    Log order;
    for (const char* name : {"a", "b"}) succeed(launch(first, [&order, name] { order.add(name); }));
    for (const char* name : {"c", "d"}) succeed(launch(second, [&order, name] { order.add(name); }));
    const std::size_t before = order.names().size();
    succeed(cudaStreamSynchronize(second));
    orders.insert(order.names());
    waits_with_company += before == 0 && order.names().size() > 2 ? 1 : 0;
    succeed(cudaDeviceSynchronize());
    EXPECT_EQ(order.names().size(), 4U);
  });
  EXPECT_TRUE(orders.contains("cd"));
  EXPECT_TRUE(orders.contains("abcd"));
  EXPECT_TRUE(orders.contains("cdab") || orders.contains("cda"));
  EXPECT_GE(orders.size(), 5U);
  EXPECT_GT(waits_with_company, 8);
}

TEST_F(EmulatedStreamTest, AnEventOrdersTwoStreams) {
  with_seeds([] {
    const Stream first;
    const Stream second;
    Log order;
    {
      const Event event;  // May go before its wait is over.
      succeed(launch(first, [&] { order.add("a"); }));
      succeed(cudaEventRecord(event, first));
      succeed(cudaStreamWaitEvent(second, event, 0));
      succeed(cudaEventRecord(event, second));  // The wait is for what was recorded when it was called.
    }
    succeed(launch(second, [&] { order.add("b"); }));
    succeed(cudaStreamSynchronize(second));
    EXPECT_EQ(order.names(), "ab");
  });
}

TEST_F(EmulatedStreamTest, EventsOrderMoreThanTwoStreams) {
  with_seeds([] {
    const Stream streams[3];
    const Event events[2];
    Log order;
    succeed(launch(streams[0], [&] { order.add("a"); }));
    succeed(cudaEventRecord(events[0], streams[0]));
    succeed(cudaStreamWaitEvent(streams[1], events[0], 0));
    succeed(launch(streams[1], [&] { order.add("b"); }));
    succeed(cudaEventRecord(events[1], streams[1]));
    succeed(cudaStreamWaitEvent(streams[2], events[1], 0));
    succeed(launch(streams[2], [&] { order.add("c"); }));
    succeed(cudaStreamSynchronize(streams[2]));
    EXPECT_EQ(order.names(), "abc");
  });
}

TEST_F(EmulatedStreamTest, WaitingForAnEventRunsWhatIsBeforeItAndMaybeNotWhatIsBehind) {
  std::set<std::string> orders;
  with_seeds([&] {
    const Stream stream;
    const Event event;
    Log order;
    succeed(launch(stream, [&] { order.add("a"); }));
    succeed(cudaEventRecord(event, stream));
    succeed(launch(stream, [&] { order.add("b"); }));
    succeed(cudaEventSynchronize(event));
    orders.insert(order.names());
    succeed(cudaStreamSynchronize(stream));
  });
  EXPECT_EQ(orders, (std::set<std::string>{"a", "ab"}));
}

TEST_F(EmulatedStreamTest, AnEventThatWasNeverRecordedIsDone) {
  const Stream stream;
  const Event event;
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(stream, event, 0), cudaSuccess);
}

TEST_F(EmulatedStreamTest, QueriesSayNotReadyAndComeToAnEnd) {
  int not_ready = 0;
  with_seeds([&] {
    const Stream stream;
    const Event event;
    std::atomic<int> runs = 0;
    succeed(launch(stream, [&] { ++runs; }));
    succeed(cudaEventRecord(event, stream));
    while (cudaEventQuery(event) == cudaErrorNotReady) ++not_ready;
    EXPECT_EQ(runs, 1);
    succeed(launch(stream, [&] { ++runs; }));
    while (cudaStreamQuery(stream) == cudaErrorNotReady) ++not_ready;
    EXPECT_EQ(runs, 2);
  });
  EXPECT_GT(not_ready, 0);
}

TEST_F(EmulatedStreamTest, TheWorkOfADestroyedStreamStillRuns) {
  int early = 0;
  with_seeds([&] {
    std::atomic<int> runs = 0;
    {
      const Stream stream;
      succeed(launch(stream, [&] { ++runs; }));
    }
    early += runs;
    succeed(cudaDeviceSynchronize());
    EXPECT_EQ(runs, 1);
  });
  EXPECT_LT(early, 32);
}

TEST_F(EmulatedStreamTest, TimesAreThoseOfTheWork) {
  const Stream stream;
  const Event start(cudaEventDefault);
  const Event end(cudaEventDefault);
  const Event untimed;
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  succeed(cudaEventRecord(start, stream));
  succeed(launch(stream, [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }));
  succeed(cudaEventRecord(end, stream));
  succeed(cudaEventRecord(untimed, stream));
  succeed(cudaStreamSynchronize(stream));
  succeed(cudaEventElapsedTime(&milliseconds, start, end));
  EXPECT_GE(milliseconds, 2);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, untimed), cudaErrorInvalidResourceHandle);
}

TEST_F(EmulatedStreamDeathTest, DefaultStreamsAreRefused) {
  const DeviceFloats floats(1);
  const Event event;
  for (cudaStream_t stream : {cudaStream_t{}, cudaStreamLegacy, cudaStreamPerThread}) {
    EXPECT_DEATH(launch(stream, [] {}), "no default stream");
    EXPECT_DEATH(cudaMemsetAsync(floats.data(), 0, 4, stream), "no default stream");
    EXPECT_DEATH(cudaMemcpyAsync(floats.data(), &floats, 4, cudaMemcpyHostToDevice, stream), "no default stream");
    EXPECT_DEATH(cudaEventRecord(event, stream), "no default stream");
    EXPECT_DEATH(cudaStreamWaitEvent(stream, event, 0), "no default stream");
    EXPECT_DEATH(cudaStreamSynchronize(stream), "no default stream");
    EXPECT_DEATH(cudaStreamQuery(stream), "no default stream");
    EXPECT_DEATH(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "no default stream");
  }
}

TEST_F(EmulatedStreamDeathTest, DestroyedHandlesAreRefused) {
  cudaStream_t stream = nullptr;
  succeed(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  cudaEvent_t event = nullptr;
  succeed(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  succeed(cudaStreamDestroy(stream));
  succeed(cudaEventDestroy(event));
  EXPECT_DEATH(cudaStreamSynchronize(stream), "no stream, or no longer");
  EXPECT_DEATH(cudaEventSynchronize(event), "no event, or no longer");
}

TEST_F(EmulatedStreamDeathTest, WorkThatNobodyWaitsForFailsTheProcess) {
  EXPECT_EXIT(
      {
        cudaStream_t stream = nullptr;
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
        for (int i = 0; i < 5; ++i) launch(stream, [] {});
        cudaStreamDestroy(stream);
        std::exit(0);
      },
      testing::ExitedWithCode(1), "work that nobody waited for");
}

TEST_F(EmulatedStreamDeathTest, ConfiguringWaitsForNothing) {
  Settings settings;
  for (settings.seed = 0;; ++settings.seed) {
    ASSERT_LT(settings.seed, 64U);
    configure(settings);
    const Stream stream;
    std::atomic<int> runs = 0;
    succeed(launch(stream, [&] { ++runs; }));
    const bool late = runs == 0;
    if (late) {
      EXPECT_DEATH(configure(settings), "while work is queued");
    }
    succeed(cudaStreamSynchronize(stream));
    if (late) return;
  }
}

}  // namespace
}  // namespace rushlight::emulator
