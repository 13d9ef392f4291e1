// Included before each .cu file that is compiled as plain C++ for the emulated device: CUDA's language, as far as the
// project's kernels and their launches use it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "tests/emulator/internal.h"
#include "tests/emulator/intrinsics.h"

namespace rushlight::emulator {

/// The arguments are converted to the kernel's parameters and kept by value, as a launch does.
template <class... Parameters, class... Arguments>
cudaError_t launch_kernel(const char* text, const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                          Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...));
  static const std::string types = ((readable_type(typeid(Parameters).name()) + ", ") + ... + std::string());
  return [&](Parameters... values) {
    Launch launch;
    launch.kernel = reinterpret_cast<const void*>(kernel);
    launch.name = launch_name(text, types);
    launch.grid = config->gridDim;
    launch.block = config->blockDim;
    launch.shared_bytes = config->dynamicSmemBytes;
    // Padding may hold old pointers.
    (__builtin_clear_padding(&values), ...);
    std::size_t number = 0;
    (check_argument(launch.name, number++, &values, sizeof(values)), ...);
    launch.thread = [kernel, values...] { kernel(values...); };
    return enqueue_launch(*config, std::move(launch));
  }(std::forward<Arguments>(arguments)...);
}

}  // namespace rushlight::emulator

#define cudaLaunchKernelEx(...) rushlight::emulator::launch_kernel(#__VA_ARGS__, __VA_ARGS__)

// Not a variable of each thread, which it would be in C++: kernels reach theirs through shared_memory<Layout>().
#undef __shared__
#define __shared__ static_assert(false, "the emulated device has shared_memory<Layout>() only");

#if !defined(__launch_bounds__)
#define __launch_bounds__(...)
#endif
