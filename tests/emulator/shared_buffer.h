// The shared memory of one block, between two guards.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace rushlight::emulator {

class SharedBuffer {
 public:
  /// Fresh memory, filled with NaNs. AddressSanitizer reports an access to the guards at once.
  void allocate(std::size_t bytes);

  /// Frees it. False if a guard was written to.
  [[nodiscard]] bool release();

  void* data() const { return memory_.get() + kGuard; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kGuard = 256;
  static constexpr std::align_val_t kAlignment{128};

  struct Free {
    void operator()(unsigned char* memory) const { ::operator delete(memory, kAlignment); }
  };

  std::unique_ptr<unsigned char, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace rushlight::emulator
