#include "src/backend/backend.h"

#include <fmt/format.h>
#include <rushlight/error.h>

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
    try {
      run(node);
    } catch (const DeviceError& error) {
      throw DeviceError(fmt::format("{} ({}): {}", node.name, to_string(node.phase), error.what()));
    }
  }
}

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::input:
      return "input";
    case Phase::forward:
      return "forward";
    case Phase::loss:
      return "loss";
    case Phase::backward:
      return "backward";
    case Phase::update:
      return "update";
  }
  return "";
}

}  // namespace rushlight
