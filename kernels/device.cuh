// What kernels need of a GPU beyond CUDA's plain functions, one instruction or idiom each. The emulated device has a
// file of this name of its own.
#pragma once

namespace rushlight {

/// The block's shared memory, whose size the launch gives: at least sizeof(Layout). Not initialized.
template <class Layout>
__device__ inline Layout& shared_memory() {
  extern __shared__ __align__(32) unsigned char rushlight_shared_memory[];
  return *reinterpret_cast<Layout*>(rushlight_shared_memory);
}

}  // namespace rushlight
