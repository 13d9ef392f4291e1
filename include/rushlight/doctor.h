// Is this machine fit? Which GPUs there are and why one can't be used, and every kernel of a step beside a plain
// reference.
#pragma once

#include <rushlight/device.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace rushlight {

struct GpuInfo {
  Device device;
  std::string name = {};          ///< As the driver gives it.
  std::string architecture = {};  ///< `sm_90`.
  int multiprocessors = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t free_bytes = 0;  ///< 0 if it can't be used.
  std::string obstacle = {};    ///< Why it can't be used, and what to do; empty if it can.
};

enum class GpuPresence {
  not_looked_for,  ///< This build has no CUDA backend.
  none,
  unusable,  ///< The driver or a GPU is there, and none can be used.
  usable
};

struct GpuInventory {
  std::string build = {};   ///< `CUDA 13.0, code for sm_90`, or `no CUDA`.
  bool emulated = false;    ///< A build for tests: its GPUs are played by the CPU.
  std::string driver = {};  ///< The CUDA version that it knows, `13.0`; empty if none was found.
  GpuPresence presence = GpuPresence::not_looked_for;
  std::string obstacle = {};       ///< Why none can be used, and what to do; empty if one can.
  std::vector<GpuInfo> gpus = {};  ///< All that this process sees.
};

/// Never throws for what it finds.
GpuInventory find_gpus();

enum class CheckStatus { passed, failed, skipped };

/// One node of a step, run on a device and on the reference from the same memory, which is compared afterwards.
struct DeviceCheck {
  std::string network = {};  ///< `lab`, or what runs the kernels that the lab does not.
  std::string name = {};     ///< Of the node, as profilers show it.
  std::string phase = {};
  std::string kernel = {};  ///< On a GPU.
  CheckStatus status = CheckStatus::passed;
  double error = 0;         ///< The largest difference, as a share of its tensor's largest value.
  double tolerance = 0;     ///< 0: the same bits.
  std::string detail = {};  ///< Of what failed or was skipped: tensor, element, found, expected; or why.
};

const char* to_string(CheckStatus status);

/// Runs a training step of the lab (784-512-512-512-512-10, batch 100), a batch of its evaluation, and steps of a small
/// network of odd sizes, node by node. `seen` is told each check when it is done. The reference is one CPU thread with
/// products summed in fp64; formulas (`kernels/*.h`) it has in common with the device.
/// @throws DeviceError if the device cannot be opened, its library of products is missing, or its memory is too small.
/// What fails later is a failed check.
std::vector<DeviceCheck> check_device(const Device& device, const std::function<void(const DeviceCheck&)>& seen = {});

struct DeviceTiming {
  std::string name = {};  ///< `copy`: on the device, from memory to memory; `gemm`: a square product.
  double seconds = 0;
  std::int64_t bytes = 0;  ///< Read and written.
  std::int64_t flops = 0;
};

/// The fastest of several runs each. Nothing on an emulated GPU, whose times are none of a GPU.
/// @throws DeviceError if the device cannot be opened or has too little memory.
std::vector<DeviceTiming> time_device(const Device& device);

}  // namespace rushlight
