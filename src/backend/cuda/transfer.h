// Copies between the host and a GPU by way of pinned memory.
#pragma once

#include <cstddef>

#include "src/backend/backend.h"
#include "src/backend/cuda/handles.h"

namespace rushlight {

/// Two halves of pinned memory, filled and copied in turns. Bound to one stream.
class Transfer {
 public:
  explicit Transfer(cudaStream_t stream);

  /// `from` may be reused when the call returns; the copy comes after all that the stream was given before.
  void upload(const Rows& to, const void* from);
  /// Waits for the stream.
  void download(void* to, const Rows& from);

 private:
  struct Half {
    PinnedMemory memory;
    Event copied;
  };

  /// The next half, when the copy that used it last is over.
  Half& take();

  cudaStream_t stream_;
  Half halves_[2];
  std::size_t next_ = 0;
};

}  // namespace rushlight
