#include "tests/emulator/gemm.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/emulator/timeline.h"

namespace rushlight::emulator {
namespace {

constexpr int kTile = 4;  // Rows and columns of C that are summed at once, in registers.

template <int kDroppedBits>
float round_mantissa(float value) {
  if (!std::isfinite(value)) return value;
  constexpr std::uint32_t kUnit = std::uint32_t{1} << kDroppedBits;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t odd = (bits >> kDroppedBits) & 1;
  return std::bit_cast<float>((bits + kUnit / 2 - 1 + odd) & ~(kUnit - 1));
}

double round_input(float value, Inputs inputs) {
  if (inputs == Inputs::tf32) return round_mantissa<13>(value);
  if (inputs == Inputs::bf16) return round_mantissa<16>(value);
  return value;
}

// The lines (rows of op(A), columns of op(B)) in groups of kTile, k running slowest in a group; missing lines are 0.
std::vector<double> pack(const Matrix& matrix, int member, bool lines_are_columns, Inputs inputs) {
  const int lines = lines_are_columns ? matrix.columns : matrix.rows;
  const int depth = lines_are_columns ? matrix.rows : matrix.columns;
  const int groups = (lines + kTile - 1) / kTile;
  std::vector<double> packed(static_cast<std::size_t>(groups) * kTile * static_cast<std::size_t>(depth));
  for (int column = 0; column < matrix.columns; ++column) {
    const float* from = matrix.column(member, column);
    timeline::read(from, static_cast<std::size_t>(matrix.rows) * sizeof(float));
    for (int row = 0; row < matrix.rows; ++row) {
      const int line = lines_are_columns ? column : row;
      const int k = lines_are_columns ? row : column;
      const std::size_t group = static_cast<std::size_t>(line / kTile) * static_cast<std::size_t>(depth);
      packed[(group + static_cast<std::size_t>(k)) * kTile + static_cast<std::size_t>(line % kTile)] =
          round_input(from[row], inputs);
    }
  }
  return packed;
}

struct Tile {
  double sums[kTile][kTile] = {};
};

Tile multiply(const double* a, const double* b, int depth) {
  Tile tile;
  for (int k = 0; k < depth; ++k, a += kTile, b += kTile) {
    for (int column = 0; column < kTile; ++column) {
      for (int row = 0; row < kTile; ++row) tile.sums[column][row] += a[row] * b[column];
    }
  }
  return tile;
}

// Columns of C from `column` on, of which `tile` gives rows from `row` on.
void store(const Gemm& gemm, int member, int row, int column, const Tile& tile) {
  for (int j = 0; j < std::min(kTile, gemm.c.columns - column); ++j) {
    float* to = gemm.c.column(member, column + j) + row;
    for (int i = 0; i < std::min(kTile, gemm.c.rows - row); ++i) {
      double value = double{gemm.alpha} * tile.sums[j][i];
      // C may hold anything where beta is 0.
      if (gemm.beta != 0) value += double{gemm.beta} * double{to[i]};
      to[i] = static_cast<float>(value);
    }
  }
}

void run_member(const Gemm& gemm, int member) {
  // Where alpha is 0, A and B are not read.
  const int depth = gemm.alpha == 0 ? 0 : gemm.transpose_a ? gemm.a.rows : gemm.a.columns;
  std::vector<double> a;
  std::vector<double> b;
  if (depth > 0) {
    a = pack(gemm.a, member, gemm.transpose_a, gemm.inputs);
    b = pack(gemm.b, member, !gemm.transpose_b, gemm.inputs);
  }
  const std::size_t group = static_cast<std::size_t>(depth) * kTile;
  for (int column = 0; column < gemm.c.columns; column += kTile) {
    for (int row = 0; row < gemm.c.rows; row += kTile) {
      const Tile tile = multiply(a.data() + static_cast<std::size_t>(row / kTile) * group,
                                 b.data() + static_cast<std::size_t>(column / kTile) * group, depth);
      store(gemm, member, row, column, tile);
    }
  }
  for (int column = 0; column < gemm.c.columns; ++column) {
    timeline::write(gemm.c.column(member, column), static_cast<std::size_t>(gemm.c.rows) * sizeof(float));
  }
}

using Interval = std::pair<const float*, const float*>;

std::vector<Interval> sorted_columns(const Matrix& matrix) {
  std::vector<Interval> intervals;
  for (int member = 0; member < matrix.batch; ++member) {
    for (int column = 0; column < matrix.columns; ++column) {
      const float* begin = matrix.column(member, column);
      intervals.emplace_back(begin, begin + matrix.rows);
    }
  }
  std::sort(intervals.begin(), intervals.end());
  return intervals;
}

}  // namespace

std::size_t Matrix::extent() const {
  return static_cast<std::size_t>((batch - 1) * stride + std::int64_t{columns - 1} * leading + rows) * sizeof(float);
}

bool overlaps_itself(const Matrix& matrix) {
  const std::vector<Interval> columns = sorted_columns(matrix);
  for (std::size_t i = 1; i < columns.size(); ++i) {
    if (columns[i].first < columns[i - 1].second) return true;
  }
  return false;
}

bool overlap(const Matrix& one, const Matrix& other) {
  const auto begin = [](const Matrix& it) { return reinterpret_cast<std::uintptr_t>(it.data); };
  if (begin(one) + one.extent() <= begin(other) || begin(other) + other.extent() <= begin(one)) return false;
  // Slices of one buffer may interleave.
  const std::vector<Interval> columns = sorted_columns(one);
  for (const Interval& column : sorted_columns(other)) {
    const auto next = std::lower_bound(columns.begin(), columns.end(), Interval{column.second, nullptr});
    if (next != columns.begin() && std::prev(next)->second > column.first) return true;
  }
  return false;
}

void run_gemm(const Gemm& gemm) {
  for (int member = 0; member < gemm.c.batch; ++member) run_member(gemm, member);
}

}  // namespace rushlight::emulator
