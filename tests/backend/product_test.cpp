#include "src/backend/cpu/product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "src/backend/cpu/cpu_backend.h"
#include "tests/backend/instruction_sets.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

struct Shape {
  std::int64_t models, m, n, k;
  Transpose a, b;

  std::string text() const {
    return std::to_string(models) + "x " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
           (a == Transpose::yes ? " aT" : "") + (b == Transpose::yes ? " bT" : "");
  }
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const Transpose a : {Transpose::no, Transpose::yes}) {
    for (const Transpose b : {Transpose::no, Transpose::yes}) {
      for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                                            {2, 3, 5},
                                                                            {7, 17, 13},
                                                                            {15, 33, 16},
                                                                            {29, 10, 100},
                                                                            {100, 40, 17},
                                                                            {13, 70, 600},
                                                                            {300, 50, 9}}) {
        all.push_back({1, m, n, k, a, b});
      }
      all.push_back({3, 5, 19, 21, a, b});
      all.push_back({1, 260, 35, 523, a, b});  // More rows, and more of k, than are taken at a time.
    }
  }
  return all;
}

/// The contract: one chain in the order of k, each step rounded once; twice where the vectors have no FMA.
float chain(const Shape& shape, const std::vector<float>& a, const std::vector<float>& b, std::int64_t model,
            std::int64_t i, std::int64_t j, bool fused) {
  float sum = 0;
  for (std::int64_t l = 0; l < shape.k; ++l) {
    const std::int64_t at = shape.a == Transpose::no ? i * shape.k + l : l * shape.m + i;
    const std::int64_t bt = shape.b == Transpose::no ? l * shape.n + j : j * shape.k + l;
    const float x = a.at(static_cast<std::size_t>(model * shape.m * shape.k + at));
    const float y = b.at(static_cast<std::size_t>(model * shape.k * shape.n + bt));
    sum = fused ? std::fma(x, y, sum) : sum + x * y;
  }
  return sum;
}

bool fuses(InstructionSet set) {
#if defined(__aarch64__)
  return true;
#else
  return set != InstructionSet::baseline;
#endif
}

/// A product's operands on a backend, and its parts run one after the other.
class Case {
 public:
  Case(const Shape& shape, InstructionSet set, int threads)
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
              threads, product_kernel(set)),
        workspace_(backend_, plan_.workspace_bytes()),
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
  bool intact() const { return c_.intact(); }
  float expected(std::int64_t model, std::int64_t i, std::int64_t j, bool fused) const {
    return chain(shape_, a_values_, b_values_, model, i, j, fused);
  }

 private:
  Guarded<float> stored(std::int64_t rows, std::int64_t cols, Transpose transpose) {
    return transpose == Transpose::no ? Guarded<float>(backend_, shape_.models, rows, cols)
                                      : Guarded<float>(backend_, shape_.models, cols, rows);
  }

  Shape shape_;
  std::shared_ptr<Backend> backend_;
  Guarded<float> a_, b_, c_;
  PanelProduct plan_;
  Buffer workspace_;
  int threads_;
  std::vector<float> a_values_, b_values_;
};

TEST(PanelProductTest, EachElementIsOneChainInTheOrderOfKWhateverTheVectorsAndParts) {
  for (const InstructionSet set : instruction_sets()) {
    for (const Shape& shape : shapes()) {
      if (shape.m == 1 && shape.a == Transpose::no && shape.b == Transpose::yes) continue;
      for (const int threads : {1, 3}) {
        Case one(shape, set, threads);
        one.run();
        const std::vector<float> found = one.result();
        std::size_t at = 0;
        for (std::int64_t model = 0; model < shape.models; ++model) {
          for (std::int64_t i = 0; i < shape.m; ++i) {
            for (std::int64_t j = 0; j < shape.n; ++j) {
              ASSERT_EQ(found[at++], one.expected(model, i, j, fuses(set)))
                  << to_string(set) << ", " << shape.text() << ", " << threads << " parts, [" << i << ", " << j << "]";
            }
          }
        }
        ASSERT_TRUE(one.intact()) << to_string(set) << ", " << shape.text();
      }
    }
  }
}

TEST(PanelProductTest, AVectorTimesATransposedMatrixIsItsProductToRounding) {
  for (const InstructionSet set : instruction_sets()) {
    for (const std::int64_t n : {1, 3, 10, 16, 33, 100}) {
      for (const std::int64_t k : {1, 7, 16, 31, 100, 513}) {
        const Shape shape{2, 1, n, k, Transpose::no, Transpose::yes};
        Case one(shape, set, 3);
        one.run();
        const std::vector<float> found = one.result();
        for (std::int64_t model = 0; model < 2; ++model) {
          for (std::int64_t j = 0; j < n; ++j) {
            ASSERT_NEAR(found[static_cast<std::size_t>(model * n + j)], one.expected(model, 0, j, true),
                        1e-5 * std::sqrt(k))
                << to_string(set) << ", " << shape.text();
          }
        }
        ASSERT_TRUE(one.intact());
      }
    }
  }
}

TEST(PanelProductTest, ANotANumberReachesItsRowAlone) {
  for (const InstructionSet set : instruction_sets()) {
    const Shape shape{1, 13, 21, 9, Transpose::no, Transpose::yes};
    const auto backend = std::make_shared<CpuBackend>(1);
    Guarded<float> a(backend, 1, 13, 9), b(backend, 1, 21, 9), c(backend, 1, 13, 21);
    std::vector<float> values(13 * 9, 1.0f);
    values[4 * 9 + 2] = std::nanf("");
    a.write(values);
    b.write(std::vector<float>(21 * 9, 1.0f));
    PanelProduct plan({1, 13, 21, 9, shape.a, shape.b, a.matrix().stride, b.matrix().stride, c.matrix().stride}, 1,
                      product_kernel(set));
    const Buffer workspace(backend, plan.workspace_bytes());
    plan.run({&plan, a.matrix().as_const(), b.matrix().as_const(), c.matrix(), workspace.data()}, {});
    const std::vector<float> found = c.read();
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(std::isnan(found[i]), i / 21 == 4) << i;
  }
}

/// Counts how often each element was handed on.
class CountingSequel final : public ProductSequel {
 public:
  CountingSequel(Takes takes, const Shape& shape)
      : takes_(takes), shape_(shape), seen(static_cast<std::size_t>(shape.models * shape.m * shape.n), 0) {}

  Takes takes() const override { return takes_; }
  void look_ahead(std::int64_t, std::int64_t, std::int64_t, LinesAhead*) const override {}
  void run(const ProductRegion& region) const override {
    if (takes_ == Takes::whole_columns) {
      EXPECT_EQ(region.rows.begin, 0);
      EXPECT_EQ(region.rows.end, shape_.m);
    }
    EXPECT_EQ(region.columns.begin % 8, 0);
    for (std::int64_t i = region.rows.begin; i < region.rows.end; ++i) {
      for (std::int64_t j = region.columns.begin; j < region.columns.end; ++j) {
        ++seen.at(static_cast<std::size_t>((region.model * shape_.m + i) * shape_.n + j));
      }
    }
  }

 private:
  Takes takes_;
  Shape shape_;

 public:
  mutable std::vector<int> seen;
};

TEST(PanelProductTest, TheSequelGetsEachElementOnceAndWholeColumnsWhereItTakesThem) {
  for (const InstructionSet set : instruction_sets()) {
    for (const Shape& shape : shapes()) {
      for (const int threads : {1, 2, 5}) {
        for (const auto takes : {ProductSequel::Takes::any_region, ProductSequel::Takes::whole_columns}) {
          Case one(shape, set, threads);
          if (!one.plan().can_feed(takes)) continue;
          const CountingSequel sequel(takes, shape);
          one.run(&sequel);
          ASSERT_EQ(sequel.seen, std::vector<int>(sequel.seen.size(), 1)) << to_string(set) << ", " << shape.text();
        }
      }
    }
  }
}

TEST(PanelProductTest, SmallProductsTakeOneThreadAndLargeOnesAll) {
  const auto parts = [](std::int64_t m, std::int64_t n, std::int64_t k) {
    return Case({1, m, n, k, Transpose::no, Transpose::yes}, InstructionSet::baseline, 4).plan().useful_parts();
  };
  EXPECT_EQ(parts(2, 3, 5), 1);
  EXPECT_EQ(parts(100, 128, 128), 4);
}

}  // namespace
}  // namespace rushlight
