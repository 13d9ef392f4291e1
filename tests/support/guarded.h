// Backend memory for tests, with a canary before it, behind it and in the padding of its rows.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "src/backend/backend.h"

namespace rushlight {

/// [models, rows, cols] on a backend; rows are `stride` elements apart. Padding and surroundings hold the canary.
template <class T>
class Guarded {
 public:
  Guarded(const std::shared_ptr<Backend>& backend, std::int64_t models, std::int64_t rows, std::int64_t cols,
          std::int64_t stride)
      : backend_(backend),
        models_(models),
        rows_(rows),
        cols_(cols),
        stride_(stride),
        memory_(backend, bytes(kGuard + models * rows * stride + kGuard)) {
    write(std::vector<T>(static_cast<std::size_t>(models * rows * cols), canary()));
  }

  /// Rows that no cache line's length divides: more than the columns need.
  Guarded(const std::shared_ptr<Backend>& backend, std::int64_t models, std::int64_t rows, std::int64_t cols)
      : Guarded(backend, models, rows, cols, (cols + 7) / 8 * 8 + 8) {}

  T* data() const { return static_cast<T*>(static_cast<void*>(memory_.data())) + kGuard; }

  Matrix<T> matrix() const { return {data(), models_, rows_, cols_, stride_, rows_ * stride_}; }
  /// Of the one row that each member has.
  Vector<T> vector() const { return {data(), models_, cols_, stride_}; }

  /// Dense values in; every other element becomes the canary.
  void write(const std::vector<T>& values) {
    std::vector<T> all(static_cast<std::size_t>(memory_.bytes()) / sizeof(T), canary());
    for (std::int64_t line = 0; line < models_ * rows_; ++line) {
      for (std::int64_t col = 0; col < cols_; ++col) {
        all[index(line, col)] = values.at(static_cast<std::size_t>(line * cols_ + col));
      }
    }
    backend_->upload({memory_.data(), memory_.bytes()}, all.data());
  }

  std::vector<T> read() const {
    const std::vector<T> all = everything();
    std::vector<T> values;
    for (std::int64_t line = 0; line < models_ * rows_; ++line) {
      for (std::int64_t col = 0; col < cols_; ++col) values.push_back(all[index(line, col)]);
    }
    return values;
  }

  /// Whether nothing but [models, rows, cols] was written.
  bool intact() const {
    std::vector<T> all = everything();
    for (std::int64_t line = 0; line < models_ * rows_; ++line) {
      for (std::int64_t col = 0; col < cols_; ++col) all[index(line, col)] = canary();
    }
    const std::vector<T> expected(all.size(), canary());
    return std::memcmp(all.data(), expected.data(), all.size() * sizeof(T)) == 0;
  }

 private:
  static constexpr std::int64_t kGuard = 256 / static_cast<std::int64_t>(sizeof(T));

  static std::int64_t bytes(std::int64_t elements) { return elements * static_cast<std::int64_t>(sizeof(T)); }

  // As a float it is a NaN: a sum that reads it shows it.
  static T canary() {
    T value;
    std::memset(static_cast<void*>(&value), 0xFF, sizeof(T));
    return value;
  }

  std::size_t index(std::int64_t line, std::int64_t col) const {
    return static_cast<std::size_t>(kGuard + line * stride_ + col);
  }

  std::vector<T> everything() const {
    std::vector<T> all(static_cast<std::size_t>(memory_.bytes()) / sizeof(T));
    backend_->download(all.data(), {memory_.data(), memory_.bytes()});
    return all;
  }

  std::shared_ptr<Backend> backend_;
  std::int64_t models_, rows_, cols_, stride_;
  Buffer memory_;
};

/// One value, or a few of them in a row, on a backend.
template <class T>
Guarded<T> guarded_values(const std::shared_ptr<Backend>& backend, const std::vector<T>& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  Guarded<T> result(backend, 1, 1, count, count);
  result.write(values);
  return result;
}

}  // namespace rushlight
