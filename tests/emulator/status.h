// What every call of the emulated runtime does first and last: whether the device can be used, faults that a test asked
// for, counts, the last error.
//
// Errors left unread: what a call does with a returned status cannot be seen. But every call returns the loss of the
// device, and a process that ends with work that nobody waited for fails, as it cannot know how that work went.
#pragma once

#include <cuda_runtime.h>

#include "tests/emulator/internal.h"

namespace rushlight::emulator {

enum class Object { device_allocation, pinned_allocation, stream, event, graph, graph_executable, cublas_handle };

/// Objects still alive when a process ends well make it fail.
void add_live(Object object, int change);

Counts& counters();

/// Counts a call that `kind` can hit, and says whether the fault is now.
bool fault_now(FaultKind kind);

void lose_device();
bool device_is_lost();

/// Whether there is a device, with a driver that is new enough.
cudaError_t driver_status();
/// That, and whether the device can be worked with.
cudaError_t device_status();

int current_device();
/// Keeps an error for cudaGetLastError, and gives it back.
cudaError_t remember(cudaError_t error);

/// A call that works with the device.
template <class Body>
cudaError_t device_call(const Body& body) {
  cudaError_t error = device_status();
  if (error == cudaSuccess) error = body();
  if (error == cudaSuccess) error = device_status();
  return remember(error);
}

/// A call that gives something back, which a lost device does not hinder, though it is told.
template <class Body>
cudaError_t release_call(const Body& body) {
  const cudaError_t error = body();
  return remember(error == cudaSuccess ? device_status() : error);
}

}  // namespace rushlight::emulator
