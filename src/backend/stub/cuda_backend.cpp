#include "src/backend/cuda_backend.h"

#include <rushlight/error.h>

namespace rushlight {

int count_gpus() {
  return 0;
}

std::string why_no_cuda(int) {
  return "this build has no CUDA backend (build the preset `cuda`)";
}

std::shared_ptr<Backend> make_cuda_backend(const Device& device) {
  throw DeviceError(to_string(device) + " cannot be used: " + why_no_cuda() +
                    "; `--device cpu` runs the same on a CPU");
}

GpuInventory find_gpus() {
  return {.build = describe_cuda_build(), .obstacle = why_no_cuda()};
}

std::string describe_cuda_build() {
  return "no CUDA";
}

}  // namespace rushlight
