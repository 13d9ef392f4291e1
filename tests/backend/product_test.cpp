#include "src/backend/cpu/product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/backend/instruction_sets.h"
#include "tests/backend/product_case.h"

namespace rushlight {
namespace {

/// The contract: one chain in the order of k, each step rounded once; twice where the vectors have no FMA.
float chain(const ProductCase& one, std::int64_t model, std::int64_t i, std::int64_t j, bool fused) {
  float sum = 0;
  for (std::int64_t l = 0; l < one.shape().k; ++l) {
    const float x = one.a(model, i, l), y = one.b(model, l, j);
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

TEST(PanelProductTest, EachElementIsOneChainInTheOrderOfKWhateverTheVectorsAndParts) {
  for (const InstructionSet set : instruction_sets()) {
    for (const ProductShape& shape : product_shapes()) {
      if (shape.m == 1 && shape.a == Transpose::no && shape.b == Transpose::yes) continue;
      for (const int threads : {1, 3}) {
        ProductCase one(shape, product_kernel(set), threads);
        one.run();
        const std::vector<float> found = one.result();
        std::size_t at = 0;
        for (std::int64_t model = 0; model < shape.models; ++model) {
          for (std::int64_t i = 0; i < shape.m; ++i) {
            for (std::int64_t j = 0; j < shape.n; ++j) {
              ASSERT_EQ(found[at++], chain(one, model, i, j, fuses(set)))
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
        const ProductShape shape{2, 1, n, k, Transpose::no, Transpose::yes};
        ProductCase one(shape, product_kernel(set), 3);
        one.run();
        const std::vector<float> found = one.result();
        for (std::int64_t model = 0; model < 2; ++model) {
          for (std::int64_t j = 0; j < n; ++j) {
            ASSERT_NEAR(found[static_cast<std::size_t>(model * n + j)], chain(one, model, 0, j, true),
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
    const ProductShape shape{1, 13, 21, 9, Transpose::no, Transpose::yes};
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
  CountingSequel(Takes takes, const ProductShape& shape)
      : takes_(takes), shape_(shape), seen(static_cast<std::size_t>(shape.models * shape.m * shape.n), 0) {}

  Takes takes() const override { return takes_; }
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
  ProductShape shape_;

 public:
  mutable std::vector<int> seen;
};

TEST(PanelProductTest, TheSequelGetsEachElementOnceAndWholeColumnsWhereItTakesThem) {
  for (const InstructionSet set : instruction_sets()) {
    for (const ProductShape& shape : product_shapes()) {
      for (const int threads : {1, 2, 5}) {
        for (const auto takes : {ProductSequel::Takes::any_region, ProductSequel::Takes::whole_columns}) {
          ProductCase one(shape, product_kernel(set), threads);
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
    return ProductCase({1, m, n, k, Transpose::no, Transpose::yes}, product_kernel(InstructionSet::baseline), 4)
        .plan()
        .useful_parts();
  };
  EXPECT_EQ(parts(2, 3, 5), 1);
  EXPECT_EQ(parts(100, 128, 128), 4);
}

}  // namespace
}  // namespace rushlight
