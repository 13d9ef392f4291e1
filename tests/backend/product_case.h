// A matrix product on a CPU for tests: shapes, and operands in guarded memory.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "src/backend/cpu/cpu_backend.h"
#include "src/backend/cpu/product.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {

/// c [m, n] = a · b, each stored transposed or not.
struct ProductShape {
  std::int64_t models, m, n, k;
  Transpose a, b;

  std::string text() const {
    return std::to_string(models) + "x " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
           (a == Transpose::yes ? " aT" : "") + (b == Transpose::yes ? " bT" : "");
  }
};

/// Sizes that no tile divides, in every transposition.
inline std::vector<ProductShape> product_shapes() {
  std::vector<ProductShape> all;
  for (const Transpose a : {Transpose::no, Transpose::yes}) {
    for (const Transpose b : {Transpose::no, Transpose::yes}) {
      for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                                            {2, 3, 5},
                                                                            {7, 17, 13},
                                                                            {15, 33, 16},
                                                                            {29, 10, 100},
                                                                            {100, 40, 17},
                                                                            {13, 70, 600},
                                                                            {30, 70, 600},
                                                                            {300, 50, 9}}) {
        all.push_back({1, m, n, k, a, b});
      }
      all.push_back({3, 5, 19, 21, a, b});
      all.push_back({1, 260, 35, 523, a, b});  // More rows, and more of k, than are taken at a time.
      all.push_back({1, 531, 70, 9, a, b});    // So many rows that they are split among threads.
    }
  }
  return all;
}

/// A product's operands on a backend, and its parts run one after the other.
class ProductCase {
 public:
  ProductCase(const ProductShape& shape, const ProductKernel& kernel, int threads)
      : shape_(shape),
        backend_(std::make_shared<CpuBackend>(threads)),
        a_(stored(shape.m, shape.k, shape.a)),
        b_(stored(shape.k, shape.n, shape.b)),
        c_(backend_, shape.models, shape.m, shape.n),
        plan_({.models = shape.models,
               .m = shape.m,
               .n = shape.n,
               .k = shape.k,
               .transpose_a = shape.a,
               .transpose_b = shape.b,
               .a_stride = a_.matrix().stride,
               .b_stride = b_.matrix().stride,
               .c_stride = c_.matrix().stride},
              threads, kernel),
        workspace_(backend_, 1, 1, align_up(plan_.workspace_bytes()), align_up(plan_.workspace_bytes())),
        threads_(threads) {
    a_values_ = arbitrary_floats(shape.models * shape.m * shape.k, 1);
    b_values_ = arbitrary_floats(shape.models * shape.k * shape.n, 2);
    a_.write(a_values_);
    b_.write(b_values_);
  }

  void run(const ProductSequel* sequel = nullptr) {
    const Matmul product{&plan_, a_.matrix().as_const(), b_.matrix().as_const(), c_.matrix(), workspace_.data()};
    for (int part = threads_; part-- > 0;) plan_.run(product, {part, threads_}, sequel);
  }

  const PanelProduct& plan() const { return plan_; }
  std::vector<float> result() const { return c_.read(); }
  /// Whether nothing but c and the workspace was written.
  bool intact() const { return a_.intact() && b_.intact() && c_.intact() && workspace_.intact(); }
  const ProductShape& shape() const { return shape_; }
  /// Element (i, l) of a, and (l, j) of b, wherever they lie.
  float a(std::int64_t model, std::int64_t i, std::int64_t l) const {
    const std::int64_t at = shape_.a == Transpose::no ? i * shape_.k + l : l * shape_.m + i;
    return a_values_.at(static_cast<std::size_t>(model * shape_.m * shape_.k + at));
  }
  float b(std::int64_t model, std::int64_t l, std::int64_t j) const {
    const std::int64_t at = shape_.b == Transpose::no ? l * shape_.n + j : j * shape_.k + l;
    return b_values_.at(static_cast<std::size_t>(model * shape_.k * shape_.n + at));
  }

 private:
  Guarded<float> stored(std::int64_t rows, std::int64_t cols, Transpose transpose) {
    return transpose == Transpose::no ? Guarded<float>(backend_, shape_.models, rows, cols)
                                      : Guarded<float>(backend_, shape_.models, cols, rows);
  }

  ProductShape shape_;
  std::shared_ptr<Backend> backend_;
  Guarded<float> a_, b_, c_;
  PanelProduct plan_;
  Guarded<std::uint8_t> workspace_;
  int threads_;
  std::vector<float> a_values_, b_values_;
};

}  // namespace rushlight
