#include "src/backend/backend.h"

#include <utility>

namespace rushlight {

Buffer::Buffer(std::shared_ptr<Backend> backend, std::int64_t bytes)
    : backend_(std::move(backend)), data_(backend_->allocate(bytes)), bytes_(bytes) {
  backend_->allocated_bytes_ += bytes_;
}

Buffer::Buffer(Buffer&& other) noexcept
    : backend_(std::move(other.backend_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  release();
  backend_ = std::move(other.backend_);
  data_ = std::exchange(other.data_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Buffer::~Buffer() {
  release();
}

void Buffer::release() noexcept {
  if (data_ == nullptr) return;
  backend_->deallocate(data_);
  backend_->allocated_bytes_ -= bytes_;
}

void Backend::run(const Program& program) {
  for (const Node& node : program) {
    std::visit([this](const auto& command) { run(command); }, node.command);
  }
}

}  // namespace rushlight
