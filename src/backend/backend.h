// A device and one ordered queue of work on it. Memory is the device's: the host reaches it by copies alone.
#pragma once

#include <rushlight/device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "src/backend/command.h"
#include "src/backend/graph_capture.h"

namespace rushlight {

class Backend;

/// The alignment of every allocation and of every tensor in one.
inline constexpr std::int64_t kAlignment = 256;

inline std::int64_t align_up(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Owns backend memory. Move-only. Keeps its backend alive.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::shared_ptr<Backend> backend, std::int64_t bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  std::byte* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  void release() noexcept;

  std::shared_ptr<Backend> backend_;
  std::byte* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// Rows of backend memory, `pitch` bytes apart; on the host they lie dense.
struct Rows {
  void* data = nullptr;
  std::int64_t row_bytes = 0;
  std::int64_t count = 1;
  std::int64_t pitch = 0;
};

/// Commands run in the order in which they are given; all but `download` and `synchronize` may return before they
/// ran. Not thread-safe. Every failure of the device is a DeviceError.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual Device device() const = 0;
  virtual std::string describe() const = 0;  ///< One line: the device and the libraries in use.

  /// The distance in elements between rows of `columns` floats that this device likes best.
  virtual std::int64_t row_stride(std::int64_t columns) const = 0;

  /// Whether weights are best updated as soon as their gradient is there, layer by layer, and not all at once.
  virtual bool updates_by_layer() const { return false; }

  /// Whether commands may read memory of the host, so that a data set need not be copied.
  virtual bool reads_host_memory() const = 0;

  /// The source may be reused when the call returns.
  virtual void upload(const Rows& to, const void* from) = 0;
  /// Waits for all commands before it.
  virtual void download(void* to, const Rows& from) = 0;
  virtual void fill_zero(void* data, std::int64_t bytes) = 0;
  virtual void synchronize() = 0;

  /// Allocates nothing in backend memory.
  virtual std::unique_ptr<MatmulPlan> prepare(const MatmulShape& shape) = 0;

  virtual void run(const Node& node) = 0;

  /// What records commands to replay them; null where nothing would be gained. Owned by the backend.
  virtual GraphCapture* graph_capture() { return nullptr; }

  void run(const Command& command) { run(Node{"", command}); }
  /// @throws DeviceError that names the node.
  void run(const Program& program);

  /// Bytes of all live Buffers.
  std::int64_t allocated_bytes() const { return allocated_bytes_; }

 private:
  friend class Buffer;

  /// Aligned to kAlignment; the content is undefined. @throws DeviceError that says how much was asked for.
  virtual std::byte* allocate(std::int64_t bytes) = 0;
  virtual void deallocate(std::byte* data) noexcept = 0;

  std::int64_t allocated_bytes_ = 0;
};

template <class T>
void upload_values(Backend& backend, T* to, const T* from, std::int64_t count) {
  backend.upload({to, count * static_cast<std::int64_t>(sizeof(T))}, from);
}

template <class T>
void download_values(Backend& backend, T* to, T* from, std::int64_t count) {
  backend.download(to, {from, count * static_cast<std::int64_t>(sizeof(T))});
}

/// @throws DeviceError if the device cannot be used: it says why and what to do.
std::shared_ptr<Backend> open_backend(const Device& device);

}  // namespace rushlight
