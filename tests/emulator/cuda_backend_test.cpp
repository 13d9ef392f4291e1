// The CUDA backend where only an emulated device shows what it did: which of two GPUs it used, which error it left
// behind, how far the host ran ahead.
#include <gmock/gmock.h>
#include <rushlight/error.h>

#include <array>
#include <atomic>
#include <memory>

#include "src/backend/cuda/cublas_library.h"
#include "src/backend/cuda/cuda_graph.h"
#include "src/backend/repeated_program.h"
#include "tests/emulator/device_test.h"
#include "tests/support/messages.h"

namespace rushlight::emulator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CudaBackendTest : public EmulatedDeviceTest {};
class CudaGraphTest : public EmulatedDeviceTest {};
class CudaLibraryTest : public EmulatedDeviceTest {};

Settings with(FaultKind fault) {
  Settings settings;
  settings.fault = fault;
  return settings;
}

Node count(const Buffer& state) {
  return {"count", Elementwise{Advance{reinterpret_cast<PassState*>(state.data()), 1, StepCount::advance}}};
}

std::size_t free_memory(int device) {
  succeed(cudaSetDevice(device));
  std::size_t free = 0, total = 0;
  succeed(cudaMemGetInfo(&free, &total));
  return free;
}

// Another part of the program may turn to another GPU between any two calls.
TEST_F(CudaBackendTest, UsesItsGpuWhicheverIsTheThreadsCurrentOne) {
  Settings settings;
  settings.devices = 2;
  configure(settings);
  const std::shared_ptr<Backend> backend = open_backend(Device::cuda(1));
  const std::size_t first = free_memory(0), second = free_memory(1);
  {
    succeed(cudaSetDevice(0));
    const Buffer state(backend, sizeof(PassState));
    EXPECT_EQ(free_memory(0), first);
    EXPECT_LT(free_memory(1), second);
    succeed(cudaSetDevice(0));
    backend->fill_zero(state.data(), state.bytes());
    RepeatedProgram program(backend, {count(state)});
    for (const std::int64_t times : {1, 1, 64}) {
      succeed(cudaSetDevice(0));
      program.run(times);
    }
    succeed(cudaSetDevice(0));
    PassState found;
    download_values(*backend, &found, reinterpret_cast<PassState*>(state.data()), 1);
    EXPECT_EQ(found.step, 66U);
    succeed(cudaSetDevice(0));
  }
  EXPECT_EQ(free_memory(1), second);
  succeed(cudaSetDevice(0));
}

TEST_F(CudaBackendTest, AnErrorThatWasThrownIsNotToldToTheNextWhoAsks) {
  const std::shared_ptr<Backend> backend = open_backend(Device::cuda());
  EXPECT_THROW(Buffer(backend, settings().memory + 1), DeviceError);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);

  const Buffer state(backend, sizeof(PassState));
  backend->synchronize();
  configure(with(FaultKind::launch));
  EXPECT_THROW(backend->run(Program{count(state)}), DeviceError);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

TEST_F(CudaBackendTest, SynchronizeTellsOfAGpuThatWasLost) {
  const std::shared_ptr<Backend> backend = open_backend(Device::cuda());
  const Buffer state(backend, sizeof(PassState));
  backend->synchronize();
  configure(with(FaultKind::lost));
  backend->run(Program{count(state)});
  EXPECT_THROW(backend->synchronize(), DeviceError);
  configure({});
}

TEST_F(CudaBackendTest, OperationsWithoutItemsLaunchNothing) {
  const std::shared_ptr<Backend> backend = open_backend(Device::cuda());
  const std::int64_t before = counts().launches;
  backend->run(Command{Elementwise{SelectBatch{}}});
  backend->run(Command{RowReduction{SoftmaxCrossEntropy{}}});
  backend->run(Command{ColumnReduction{LossSum{}}});
  backend->synchronize();
  EXPECT_EQ(counts().launches, before);
}

TEST_F(CudaBackendTest, ExtentsThatCublasCannotCountAreRefused) {
  const std::shared_ptr<Backend> backend = open_backend(Device::cuda());
  const std::int64_t beyond = std::int64_t{1} << 31;
  for (const MatmulShape& shape :
       {MatmulShape{.m = beyond, .n = 1, .k = 1}, MatmulShape{.m = 1, .n = 1, .a_stride = beyond}}) {
    EXPECT_THAT(message_of<DeviceError>([&] { backend->prepare(shape); }),
                AllOf(HasSubstr("2^31"), HasSubstr("smaller batch")));
  }
}

// 1 + 2^-9 has more bits than bf16 keeps, and 1 + 2^-12 more than tf32. A GPU may round less than it is allowed to.
TEST_F(CudaBackendTest, EachPrecisionRoundsOperandsToItsBits) {
  const auto product = [](Precision precision, float factor) {
    Device device = Device::cuda();
    device.precision = precision;
    const std::shared_ptr<Backend> backend = open_backend(device);
    const auto plan = backend->prepare({.m = 1, .n = 1, .k = 1, .a_stride = 1, .b_stride = 1, .c_stride = 1});
    const Buffer memory(backend, 3 * kAlignment + plan->workspace_bytes());
    const auto matrix = [&](int i) {
      return Matrix<float>{reinterpret_cast<float*>(memory.data() + i * kAlignment), 1, 1, 1, 1, 0};
    };
    const float one = 1.0f;
    float result = 0;
    upload_values(*backend, matrix(0).data, &factor, 1);
    upload_values(*backend, matrix(1).data, &one, 1);
    backend->run(Command{
        Matmul{plan.get(), matrix(0).as_const(), matrix(1).as_const(), matrix(2), memory.data() + 3 * kAlignment}});
    download_values(*backend, &result, matrix(2).data, 1);
    return result;
  };
  constexpr float kNine = 1.0f + 0x1p-9f, kTwelve = 1.0f + 0x1p-12f;
  EXPECT_EQ(product(Precision::fp32, kTwelve), kTwelve);
  EXPECT_EQ(product(Precision::tf32, kNine), kNine);
  EXPECT_EQ(product(Precision::tf32, kTwelve), 1.0f);
  EXPECT_EQ(product(Precision::bf16, kNine), 1.0f);
}

TEST_F(CudaGraphTest, TheHostIsTwoReplaysAheadAtMost) {
  with_seeds([] {
    std::atomic<int> ran = 0;
    const Stream stream;
    const std::unique_ptr<Graph> graph = capture_graph(stream, [&] { succeed(launch(stream, [&] { ++ran; })); });
    for (int replays = 1; replays <= 9; ++replays) {
      graph->replay();
      ASSERT_GE(ran, replays - 2);
    }
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(ran, 9);
  });
}

TEST_F(CudaGraphTest, AReplayThatFailsIsTold) {
  const Stream stream;
  const std::unique_ptr<Graph> graph = capture_graph(stream, [&] { succeed(launch(stream, [] {})); });
  configure(with(FaultKind::launch));
  EXPECT_THAT(message_of<DeviceError>([&] { graph->replay(); }), HasSubstr("replaying a graph of steps"));
}

// A capture that an error ends is over, and nothing of it is left.
TEST_F(CudaGraphTest, AStreamIsUsableAfterAnErrorWhileItWasRecorded) {
  int ran = 0;
  const Stream stream;
  EXPECT_THROW(capture_graph(stream,
                             [&] {
                               succeed(launch(stream, [&] { ++ran; }));
                               throw DeviceError("refused");
                             }),
               DeviceError);
  succeed(launch(stream, [&] { ran += 10; }));
  succeed(cudaStreamSynchronize(stream));
  EXPECT_EQ(ran, 10);
}

TEST_F(CudaLibraryTest, EachNameOfCublasIsTried) {
  const std::string none = "libno-such-library.so.7";
  const std::array<std::string, 2> names{none, cublas_names()[0]};
  EXPECT_NE(open_cublas(names).gemm, nullptr);
  EXPECT_THAT(message_of<DeviceError>([&] { open_cublas(std::array{none}); }),
              AllOf(HasSubstr(none), HasSubstr("LD_LIBRARY_PATH")));
}

TEST_F(CudaLibraryTest, AnIncompleteCublasIsNamedWithWhatItLacks) {
  EXPECT_THAT(message_of<DeviceError>([] { open_cublas(std::array<std::string, 1>{"libm.so.6"}); }),
              AllOf(HasSubstr("libm.so.6"), HasSubstr("cublasCreate_v2"), HasSubstr("complete CUDA toolkit")));
}

}  // namespace
}  // namespace rushlight::emulator
