// What one run of an operation has to do at least. Plans, reports and benches get it from the operation itself.
#pragma once

#include <cstdint>

namespace rushlight {

/// Bytes of memory, each that must be read or written counted once, whatever caches do. Flops are floating-point
/// additions, multiplications, divisions, comparisons, roots, exponentials and logarithms, each 1.
struct Cost {
  std::int64_t bytes_read = 0;
  std::int64_t bytes_written = 0;
  std::int64_t flops = 0;
  std::int64_t elements = 0;  // How many numbers the formula is applied to.

  std::int64_t bytes() const { return bytes_read + bytes_written; }

  Cost& operator+=(const Cost& other) {
    bytes_read += other.bytes_read;
    bytes_written += other.bytes_written;
    flops += other.flops;
    elements += other.elements;
    return *this;
  }
};

/// Of `count` values of T.
template <class T>
std::int64_t bytes_of(std::int64_t count) {
  return count * static_cast<std::int64_t>(sizeof(T));
}

}  // namespace rushlight
