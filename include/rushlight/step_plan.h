// A step before it is run, on a GPU that need not be there: its launches, bytes, flops, memory, and a model of its
// time.
#pragma once

#include <rushlight/device.h>
#include <rushlight/memory_plan.h>
#include <rushlight/sequential.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rushlight {

/// What a GPU of the SXM form can do. Copies and bf16 products reached these rates on such a GPU, not in this program.
/// fp32 is the data sheet's; tf32 is about half of what bf16 reaches, where the data sheet has 494 TFLOP/s. The time of
/// a kernel is that of one in a CUDA graph that does nothing, on Hopper.
struct GpuCeilings {
  std::string name = {};             ///< `h100`.
  int compute_capability = 0;        ///< Its major number.
  double copy_bytes_per_second = 0;  ///< Read and written bytes together.
  double fp32_flops_per_second = 0;  ///< Also of all that is no product.
  double tf32_flops_per_second = 0;  ///< Dense.
  double bf16_flops_per_second = 0;  ///< Dense.
  double seconds_per_kernel = 0;
};

/// All GPUs that can be planned for.
const std::vector<GpuCeilings>& known_gpus();

/// One launch: a kernel, or a product of the GPU's library.
struct StepNode {
  std::string name = {};   ///< As profilers show it: `3.matmul.dw`.
  std::string phase = {};  ///< `input`, `forward`, `loss`, `backward` or `update`.
  std::string kernel = {};
  std::int64_t elements = 0;    ///< How many numbers its formula is applied to; of a product those of its result.
  std::int64_t bytes_read = 0;  ///< Each byte once, whatever caches do.
  std::int64_t bytes_written = 0;
  std::int64_t flops = 0;
  double model_seconds = 0;  ///< The longest of its bytes' time, its flops' time and a kernel's least time.
};

struct StepPlan {
  GpuCeilings gpu;
  std::vector<StepNode> nodes;  ///< In the order in which they run.
  MemoryPlan memory;

  /// All nodes together; name, phase, kernel and elements stay empty.
  StepNode sum() const;
};

/// A step of training (train), or a pass over one batch (eval, mc). Opens no device and takes no memory.
/// @throws InvalidArgument if `gpu` is not the name of one of `known_gpus()`, or as plan_memory.
StepPlan plan_step(const Sequential& model, std::int64_t batch, Mode mode, std::string_view gpu,
                   Precision precision = Precision::fp32);

}  // namespace rushlight
