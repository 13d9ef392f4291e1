// Matrix products on the CPU by panels: a panel of b is packed into the cache nearest to the processor, and every row
// of a goes over it, packed too where a word holds several elements. What follows on the same elements can be done
// while they are in cache.
#pragma once

#include <rushlight/device.h>

#include <memory>

#include "src/backend/command.h"
#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/part.h"
#include "src/backend/cpu/product_kernel.h"

namespace rushlight {

/// Elements of c.
struct ProductRegion {
  std::int64_t model = 0;
  Range rows;
  Range columns;
};

/// An operation that takes c, in parts, right after the product.
class ProductSequel {
 public:
  enum class Takes { any_region, whole_columns };

  virtual ~ProductSequel() = default;
  virtual Takes takes() const = 0;
  /// Called by the thread that computed the region, once for each.
  virtual void run(const ProductRegion& region) const = 0;
};

class PanelProduct final : public MatmulPlan {
 public:
  /// For a team of `threads` or fewer.
  PanelProduct(const MatmulShape& shape, int threads, const ProductKernel& kernel);

  std::int64_t workspace_bytes() const override { return threads_ * thread_workspace_ * std::int64_t{sizeof(float)}; }

  /// How many parts a product is worth.
  int useful_parts() const;
  /// Whether a thread of the team computes such regions.
  bool can_feed(ProductSequel::Takes takes) const;

  /// Whether each thread reads a part of every row of b, and not only rows of its own.
  bool splits_rows_of_b() const { return shape_.transpose_b == Transpose::no; }

  /// The bits do not depend on the number of parts, but where m is 1 and b transposed they are summed in another order.
  void run(const Matmul& product, Part part, const ProductSequel* sequel = nullptr) const;

 private:
  struct Grid {
    int rows = 1;
    int columns = 1;
  };
  struct Job;
  struct Left;

  Grid grid(int parts) const;
  bool is_vector() const {
    return shape_.m == 1 && shape_.transpose_a == Transpose::no && shape_.transpose_b == Transpose::yes;
  }
  void run_vector(const Job& job) const;
  void run_panels(const Job& job) const;
  void fetch_rows(const Job& job) const;
  void pack(const Job& job, Range k, std::int64_t panel, float* to) const;
  std::int64_t words_of(std::int64_t k) const;
  Left left(const Job& job, Range k, Range rows) const;
  void run_rows(const Job& job, const Left& a, Range k, Range panels, Range rows) const;
  void run_strip(const Job& job, const Left& a, Range k, Range rows, std::int64_t panel, const float* packed) const;
  Ahead ahead(const Job& job, Range k, Range rows, std::int64_t panel) const;

  MatmulShape shape_;
  const ProductKernel& kernel_;
  int threads_;
  std::int64_t panels_;
  std::int64_t row_lines_;  // Rows are split by so many: of a transposed `a` they are a cache line.
  bool by_rows_;            // Threads split rows first, not panels.
  bool few_rows_;
  std::int64_t depth_;             // Of k, at most, that is packed at a time: whole words.
  std::int64_t packed_panel_;      // In floats.
  std::int64_t panels_together_;   // That are packed at a time.
  std::int64_t rows_together_;     // That go over a panel before the next panel.
  std::int64_t thread_workspace_;  // In floats.
};

/// The plan of a product on a CPU.
inline const PanelProduct& plan_of(const Matmul& product) {
  return *static_cast<const PanelProduct*>(product.plan);
}

/// Of fp32.
const ProductKernel& product_kernel(InstructionSet set);
/// Null where this machine has no instruction for it.
const ProductKernel* bf16_product_kernel();
Precision precision_of(const ProductKernel& kernel);

}  // namespace rushlight
