// Owners of CUDA's objects. Move-only; destructors cannot report what they are told.
#pragma once

#include <cuda_runtime_api.h>
#include <rushlight/error.h>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>

#include "src/backend/cuda/check.h"

namespace rushlight {

template <auto destroy>
struct CudaDeleter {
  template <class T>
  void operator()(T* object) const {
    static_cast<void>(destroy(object));
  }
};

using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, CudaDeleter<cudaStreamDestroy>>;
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, CudaDeleter<cudaEventDestroy>>;
using GraphDefinition = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, CudaDeleter<cudaGraphDestroy>>;
using GraphExecutable = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, CudaDeleter<cudaGraphExecDestroy>>;
using PinnedMemory = std::unique_ptr<std::byte, CudaDeleter<cudaFreeHost>>;

/// Not the default stream, and not ordered with it.
inline Stream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  return Stream(stream);
}

inline Event make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  return Event(event);
}

inline PinnedMemory make_pinned(std::size_t bytes) {
  void* data = nullptr;
  const cudaError_t status = cudaMallocHost(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    throw DeviceError("the host has no " + std::to_string(bytes) +
                      " bytes of memory left to pin for transfers to the GPU: free some, or raise `ulimit -l`");
  }
  check(status, "taking pinned memory of the host");
  return PinnedMemory(static_cast<std::byte*>(data));
}

}  // namespace rushlight
