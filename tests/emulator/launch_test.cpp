// The typed side of a launch: its name, and arguments that point into the host's memory.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "tests/emulator/device_test.h"
#include "tests/emulator/run_kernel.h"

namespace rushlight::emulator {
namespace {

struct alignas(16) Argument {
  const float* x;  // 8 bytes of padding follow.
};

template <class T, int kFactor>
__global__ void scale(T argument, int rows) {
  if (rows > 0 && kFactor < 0) const_cast<float*>(argument.x)[rows] = 0;
}

float variable = 0;

void launch_with(const float* x) {
  const Stream stream;
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  config.stream = stream;
  Argument argument{};
  // What a copy of a stack pointer leaves in padding.
  const std::uintptr_t stale = reinterpret_cast<std::uintptr_t>(&argument);
  std::memcpy(reinterpret_cast<std::byte*>(&argument) + sizeof(stale), &stale, sizeof(stale));
  argument.x = x;
  ASSERT_EQ(cudaLaunchKernelEx(&config, scale<Argument, 1>, argument, 784), cudaSuccess);
  succeed(cudaStreamSynchronize(stream));
}

void check(std::uintptr_t word) {
  check_argument("test", 0, &word, sizeof(word));
}

class EmulatedLaunchTest : public KernelTest {};

TEST_F(EmulatedLaunchTest, NamesKernelsWithTheTypesOfTheirParameters) {
  EXPECT_EQ(launch_name("&config, scale<A, 1>, a, b", "A, int, "), "scale<A, 1>(A, int)");
  EXPECT_EQ(launch_name("pick(self->all, 2), kernel", ""), "kernel()");
  EXPECT_EQ(readable_type(typeid(Argument).name()), "rushlight::emulator::(anonymous namespace)::Argument");
}

TEST_F(EmulatedLaunchTest, ArgumentsMayNotPointIntoHostMemory) {
  const float local = 0;
  const auto piece = std::make_unique<float[]>(10);
  const std::string where = "kernel scale<Argument, 1>\\(.*Argument, int\\): argument 0 points at byte 0 into ";
  EXPECT_DEATH(launch_with(&local), where + "the stack of the host");
  EXPECT_DEATH(launch_with(piece.get()), where + "the heap of the host");
  EXPECT_DEATH(launch_with(&variable), where + "the program's variables of the host");
}

TEST_F(EmulatedLaunchTest, NumbersAndPaddingAreNoPointers) {
  for (const std::uintptr_t number :
       {0ul, 1ul, 784ul, 60000ul * 784ul, ~0ul, 0x3f8000003f800000ul, 0x0000031000000310ul}) {
    check(number);
  }
  void* const elsewhere = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(elsewhere, MAP_FAILED);
  check(reinterpret_cast<std::uintptr_t>(elsewhere));
  launch_with(nullptr);
  munmap(elsewhere, 4096);
}

}  // namespace
}  // namespace rushlight::emulator
