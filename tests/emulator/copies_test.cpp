#include <algorithm>
#include <numeric>

#include "tests/emulator/device_test.h"

namespace rushlight::emulator {
namespace {

using EmulatedCopiesTest = EmulatedDeviceTest;
using EmulatedCopiesDeathTest = EmulatedDeviceTest;

TEST_F(EmulatedCopiesTest, PageableSourcesAreReadAtTheCall) {
  with_seeds([] {
    const Stream stream;
    const DeviceFloats floats(2);
    std::vector<float> source = {1, 2};
    upload(floats, source, stream);
    source = {3, 4};
    EXPECT_EQ(download(floats, stream), (std::vector<float>{1, 2}));
  });
}

TEST_F(EmulatedCopiesTest, PageableSourcesArriveInTheOrderOfTheStream) {
  with_seeds([] {
    const Stream stream;
    const DeviceFloats floats(1);
    float seen = 0;
    upload(floats, {1}, stream);
    succeed(launch(stream, [&seen, data = floats.data()] { seen = *data; }));
    upload(floats, {2}, stream);
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(download(floats, stream), std::vector<float>{2});
  });
}

TEST_F(EmulatedCopiesTest, PageableTargetsAreFilledWhenTheCallReturns) {
  with_seeds([] {
    const Stream stream;
    const DeviceFloats floats(1);
    succeed(launch(stream, [data = floats.data()] { *data = 5; }));
    float target = 0;
    succeed(cudaMemcpyAsync(&target, floats.data(), 4, cudaMemcpyDeviceToHost, stream));
    EXPECT_EQ(target, 5);
  });
}

TEST_F(EmulatedCopiesTest, PinnedSourcesAreReadWhenTheCopyRuns) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "a race by intent, which ThreadSanitizer reports";
#endif
  int late = 0;
  with_seeds([&] {
    const Stream stream;
    const DeviceFloats floats(1);
    const PinnedFloats pinned(1);
    *pinned.data() = 1;
    succeed(cudaMemcpyAsync(floats.data(), pinned.data(), 4, cudaMemcpyHostToDevice, stream));
    *pinned.data() = 2;  // Too early: nobody waited.
    late += download(floats, stream) == std::vector<float>{2} ? 1 : 0;
  });
  EXPECT_GT(late, 32);
  EXPECT_LT(late, 64);
}

TEST_F(EmulatedCopiesTest, PinnedTargetsAreFilledWhenTheCopyRuns) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "a race by intent, which ThreadSanitizer reports";
#endif
  int late = 0;
  with_seeds([&] {
    const Stream stream;
    const DeviceFloats floats(1);
    const PinnedFloats pinned(1);
    upload(floats, {3}, stream);
    succeed(cudaMemcpyAsync(pinned.data(), floats.data(), 4, cudaMemcpyDeviceToHost, stream));
    late += *pinned.data() == 3 ? 0 : 1;
    succeed(cudaStreamSynchronize(stream));
    EXPECT_EQ(*pinned.data(), 3);
  });
  EXPECT_GT(late, 32);
  EXPECT_LT(late, 64);
}

TEST_F(EmulatedCopiesTest, CopiesBetweenHostMemoryAreDoneWhenTheCallReturns) {
  with_seeds([] {
    const Stream stream;
    const PinnedFloats pinned(1);
    const float source = 4;
    succeed(cudaMemcpyAsync(pinned.data(), &source, 4, cudaMemcpyHostToHost, stream));
    EXPECT_EQ(*pinned.data(), 4);
  });
}

TEST_F(EmulatedCopiesTest, DefaultKindFindsOutWhatThePointersAre) {
  const Stream stream;
  const DeviceFloats first(1);
  const DeviceFloats second(1);
  const float source = 6;
  float target = 0;
  succeed(cudaMemcpyAsync(first.data(), &source, 4, cudaMemcpyDefault, stream));
  succeed(cudaMemcpyAsync(second.data(), first.data(), 4, cudaMemcpyDefault, stream));
  succeed(cudaMemcpyAsync(&target, second.data(), 4, cudaMemcpyDefault, stream));
  EXPECT_EQ(target, 6);
  EXPECT_EQ(counts().copies, 3);
}

TEST_F(EmulatedCopiesTest, RowsAreCopiedAndWhatLiesBetweenThemIsNot) {
  const Stream stream;
  const DeviceFloats floats(3 * 4);
  upload(floats, std::vector<float>(12, 0), stream);
  std::vector<float> source(2 * 3);
  std::iota(source.begin(), source.end(), 1.0F);
  succeed(cudaMemcpy2DAsync(floats.data() + 1, 16, source.data(), 12, 8, 2, cudaMemcpyHostToDevice, stream));
  std::fill(source.begin(), source.end(), 0.0F);
  EXPECT_EQ(download(floats, stream), (std::vector<float>{0, 1, 2, 0, 0, 4, 5, 0, 0, 0, 0, 0}));

  std::vector<float> target(2 * 5, -1);
  succeed(cudaMemcpy2DAsync(target.data(), 20, floats.data(), 16, 12, 2, cudaMemcpyDeviceToHost, stream));
  EXPECT_EQ(target, (std::vector<float>{0, 1, 2, -1, -1, 0, 4, 5, -1, -1}));
  EXPECT_EQ(cudaMemcpy2DAsync(target.data(), 8, floats.data(), 16, 12, 2, cudaMemcpyDeviceToHost, stream),
            cudaErrorInvalidPitchValue);
}

TEST_F(EmulatedCopiesTest, TheLastRowEndsWithItsLastByte) {
  const Stream stream;
  const DeviceFloats floats(2 * 4 - 1);
  const std::vector<float> source = {1, 2, 3, 4, 5, 6};
  succeed(cudaMemcpy2DAsync(floats.data(), 16, source.data(), 12, 12, 2, cudaMemcpyHostToDevice, stream));
  EXPECT_EQ(download(floats, stream)[6], 6);
}

TEST_F(EmulatedCopiesTest, BytesAreSetInTheOrderOfTheStream) {
  with_seeds([] {
    const Stream stream;
    const DeviceFloats floats(2);
    upload(floats, {1, 1}, stream);
    succeed(cudaMemsetAsync(floats.data(), 0, 4, stream));
    EXPECT_EQ(download(floats, stream), (std::vector<float>{0, 1}));
  });
  EXPECT_EQ(counts().copies, 2);
}

TEST_F(EmulatedCopiesTest, NoBytesAreNothing) {
  const Stream stream;
  EXPECT_EQ(cudaMemcpyAsync(nullptr, nullptr, 0, cudaMemcpyHostToDevice, stream), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(nullptr, 0, 0, stream), cudaSuccess);
}

TEST_F(EmulatedCopiesDeathTest, KindsThatThePointersAreNotAreRefused) {
  const Stream stream;
  const DeviceFloats floats(4);
  const PinnedFloats pinned(4);
  std::vector<float> pageable(4);
  const auto copy = [&](void* to, const void* from, cudaMemcpyKind kind) {
    EXPECT_DEATH(cudaMemcpyAsync(to, from, 8, kind, stream), "the kind is not what the pointers are");
  };
  copy(floats.data(), pageable.data(), cudaMemcpyDeviceToHost);
  copy(floats.data(), pageable.data(), cudaMemcpyDeviceToDevice);
  copy(pageable.data(), floats.data(), cudaMemcpyHostToDevice);
  copy(pinned.data(), pageable.data(), cudaMemcpyHostToDevice);
  copy(floats.data() + 2, floats.data(), cudaMemcpyHostToDevice);
  copy(pinned.data(), floats.data(), cudaMemcpyHostToHost);
}

TEST_F(EmulatedCopiesDeathTest, RangesThatLeaveTheirMemoryAreRefused) {
  const Stream stream;
  const DeviceFloats floats(4);
  const PinnedFloats pinned(4);
  std::vector<float> pageable(8);
  const auto to_device = [&](void* to, const void* from, std::size_t bytes) {
    return cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream);
  };
  EXPECT_DEATH(to_device(floats.data(), pageable.data(), 17), "leaves its device allocation");
  EXPECT_DEATH(to_device(floats.data() - 1, pageable.data(), 8), "leaves its device allocation");
  EXPECT_DEATH(to_device(floats.data(), pinned.data() + 1, 16), "leaves its pinned allocation");
  EXPECT_DEATH(to_device(nullptr, pageable.data(), 4), "a null pointer");
  EXPECT_DEATH(cudaMemsetAsync(floats.data() + 2, 0, 9, stream), "leaves its device allocation");
  EXPECT_DEATH(cudaMemsetAsync(pinned.data(), 0, 4, stream), "no device memory");
  EXPECT_DEATH(
      cudaMemcpy2DAsync(floats.data(), 12, pageable.data(), 12, 8, 2, cudaMemcpyHostToDevice, stream) == cudaSuccess &&
          cudaMemcpy2DAsync(floats.data(), 12, pageable.data(), 12, 12, 2, cudaMemcpyHostToDevice, stream),
      "leaves its device allocation");
}

TEST_F(EmulatedCopiesDeathTest, OverlappingCopiesAreRefused) {
  const Stream stream;
  const DeviceFloats floats(4);
  EXPECT_DEATH(cudaMemcpyAsync(floats.data(), floats.data() + 1, 8, cudaMemcpyDeviceToDevice, stream), "overlap");
  EXPECT_EQ(cudaMemcpyAsync(floats.data(), floats.data() + 2, 8, cudaMemcpyDeviceToDevice, stream), cudaSuccess);
  EXPECT_EQ(cudaMemcpy2DAsync(floats.data(), 8, floats.data() + 1, 8, 4, 2, cudaMemcpyDeviceToDevice, stream),
            cudaSuccess);
  succeed(cudaStreamSynchronize(stream));
}

}  // namespace
}  // namespace rushlight::emulator
