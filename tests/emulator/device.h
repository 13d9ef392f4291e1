// What the emulated device is: as an H100, but with four multiprocessors.
#pragma once

#include <cstddef>

namespace rushlight::emulator {

constexpr unsigned kWarp = 32;
constexpr int kMultiprocessors = 4;
constexpr unsigned kMaxThreadsPerBlock = 1024;
constexpr int kThreadsPerMultiprocessor = 2048;
constexpr int kBlocksPerMultiprocessor = 32;
constexpr unsigned kMaxBlock[3] = {1024, 1024, 64};
constexpr unsigned kMaxGrid[3] = {2147483647, 65535, 65535};
constexpr std::size_t kSharedPerBlock = std::size_t{48} << 10;
constexpr std::size_t kSharedPerBlockOptin = std::size_t{227} << 10;
constexpr std::size_t kSharedPerMultiprocessor = std::size_t{228} << 10;
constexpr std::size_t kSharedReservedPerBlock = std::size_t{1} << 10;
constexpr int kRegisters = 65536;

}  // namespace rushlight::emulator
