#include "src/backend/cuda/check.h"

#include <fmt/format.h>
#include <rushlight/error.h>

namespace rushlight {
namespace {

/// The capability of the current GPU as `sm_90`, or nothing where not even that can be asked.
std::string current_architecture() {
  int device = 0, major = 0, minor = 0;
  const bool known = cudaGetDevice(&device) == cudaSuccess &&
                     cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
                     cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
  return known ? fmt::format("sm_{}{}", major, minor) : "";
}

std::string advice(cudaError_t status) {
  switch (status) {
    case cudaErrorNoDevice:
      return "no GPU is visible: look at `nvidia-smi`, and whether CUDA_VISIBLE_DEVICES hides it";
    case cudaErrorInsufficientDriver: {
      int driver = 0;
      if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) return "there is no NVIDIA driver: install one";
      return fmt::format("the NVIDIA driver knows CUDA {}.{}, and this build needs {}.{}: install a newer driver",
                         driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    }
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      return fmt::format(
          "this build holds code for {}, and the GPU is {}: build again with "
          "-DCMAKE_CUDA_ARCHITECTURES=native on this machine",
          built_architectures(), current_architecture());
    case cudaErrorDevicesUnavailable:
      return "another process holds the GPU, or it was lost: look at `nvidia-smi`, and at its compute mode";
    case cudaErrorMemoryAllocation:
      return "the GPU has no memory left: choose a smaller batch or network, or free the GPU";
    case cudaErrorECCUncorrectable:
      return "the GPU's memory is damaged: reset it or use another; a training goes on from its last checkpoint with "
             "--resume";
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
      return "the driver is not ready: look at `nvidia-smi`, and at the fabric manager where GPUs are linked by "
             "NVSwitch";
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorIllegalAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorHardwareStackError:
      return "this process can't use the GPU any more; a training goes on from its last checkpoint with --resume. If "
             "it "
             "happens again, CUDA_LAUNCH_BLOCKING=1 with --no-graph shows which command it was: please report it";
    default:
      return "look at `nvidia-smi` and the system's log; a training goes on from its last checkpoint with --resume";
  }
}

}  // namespace

std::string explain(cudaError_t status) {
  const std::string todo = advice(status);
  return fmt::format("{} ({}){}{}", cudaGetErrorString(status), cudaGetErrorName(status), todo.empty() ? "" : "; ",
                     todo);
}

void check(cudaError_t status, const std::string& what) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // Told here, once; an error that stays comes back with the next call.
  throw DeviceError(fmt::format("{} failed: {}", what, explain(status)));
}

std::string built_architectures() {
  return RUSHLIGHT_CUDA_CODE;
}

}  // namespace rushlight
