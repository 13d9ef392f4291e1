// The emulated device: a test double of the CUDA runtime and of cuBLAS. This is what tests say to it; what the engine
// says to it is CUDA's own interface. One host thread may use it at a time.
//
// Settings come from the environment when the process first calls it:
//   RUSHLIGHT_EMULATOR_SEED=n     the order of threads, blocks and queued work (0)
//   RUSHLIGHT_EMULATOR_MEMORY=n   bytes of memory of each device (2 GiB)
//   RUSHLIGHT_EMULATOR_DEVICES=n  how many devices there are (1); CUDA_VISIBLE_DEVICES= leaves none
//   RUSHLIGHT_EMULATOR_FAULT=allocation:k | launch:k | copy:k | lost:k | wrong:k
//                                 the k-th such call, from 0, fails; lost: the k-th launch loses the device for good;
//                                 wrong: the k-th launch succeeds, and leaves its results as they were
//   RUSHLIGHT_EMULATOR_DRIVER=none | old | unknown-architecture | busy
//                                 what the driver answers: there is none, it is too old, no kernel image fits, another
//                                 process holds the device
#pragma once

#include <cstdint>

namespace rushlight::emulator {

enum class FaultKind { none, allocation, launch, copy, lost, wrong };
enum class Driver { present, none, old, unknown_architecture, busy };

struct Settings {
  std::uint64_t seed = 0;
  std::int64_t memory = std::int64_t{2} << 30;
  int devices = 1;
  FaultKind fault = FaultKind::none;
  std::int64_t fault_at = 0;
  Driver driver = Driver::present;
};

/// From now on; counts of calls start at 0 again, and a lost device is found again. REQUIRES: nothing is queued.
void configure(const Settings& settings);
const Settings& settings();

/// Calls since `configure`, or since the start.
struct Counts {
  std::int64_t allocations = 0;
  std::int64_t launches = 0;  // Kernels that ran or were captured, replays not counted.
  std::int64_t copies = 0;
  std::int64_t synchronizations = 0;
  std::int64_t graph_launches = 0;
};
Counts counts();

/// What is alive: allocations (device and pinned), streams, events, graphs, graph executables, cuBLAS handles.
std::int64_t live_objects();

}  // namespace rushlight::emulator
