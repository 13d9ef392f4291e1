// What a backend runs: the three closed variants of formulas, and the matrix product. A network's pass is a list of
// these, built once; what varies from step to step lies in backend memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "kernels/column_reduction.h"
#include "kernels/elementwise.h"
#include "kernels/row_reduction.h"
#include "kernels/view.h"

namespace rushlight {

enum class Transpose { no, yes };

/// The shape of c = op(a) · op(b) for each member: op(a) [m, k], op(b) [k, n], c [m, n]. Strides are those of the
/// matrices as they are stored, before the transposition.
struct MatmulShape {
  std::int64_t models = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Transpose transpose_a = Transpose::no;
  Transpose transpose_b = Transpose::no;
  std::int64_t a_stride = 0;
  std::int64_t b_stride = 0;
  std::int64_t c_stride = 0;
};

/// What a backend's library prepared for one shape. Must not be run twice at a time.
class MatmulPlan {
 public:
  virtual ~MatmulPlan() = default;

  /// Bytes of backend memory, aligned to 256, that `Matmul::workspace` must point to; plans of one queue may share it.
  virtual std::int64_t workspace_bytes() const = 0;
};

/// c must not overlap a or b. The plan is owned by whoever prepared it and outlives the command.
struct Matmul {
  MatmulPlan* plan = nullptr;
  Matrix<const float> a;
  Matrix<const float> b;
  Matrix<float> c;
  void* workspace = nullptr;
};

using Command = std::variant<Elementwise, RowReduction, ColumnReduction, Matmul>;

/// The part of a step that a node belongs to.
enum class Phase { input, forward, loss, backward, update };

const char* to_string(Phase phase);

/// A command, and the name and phase that profilers and errors show.
struct Node {
  std::string name;
  Command command;
  Phase phase = Phase::forward;
};

using Program = std::vector<Node>;

}  // namespace rushlight
