// The operands of a product as pairs of bf16, for ProductLoops: a word holds the elements of two neighbouring k, the
// lower one in its lower half. Where k is odd, the other element of the last pair is 0.
// Exactness: operands are rounded as bf16.h tells, which makes their products exact in fp32 but for under- and
// overflow; sums are fp32, pair after pair in the order of k, and within a pair as `Lanes` has it: the same bits for
// any tile or number of threads.
#pragma once

#include <cstring>

#include "src/backend/cpu/bf16.h"
#include "src/backend/cpu/product_kernel.h"

namespace rushlight {

/// The multiply-add of `Lanes` takes vectors of pairs; it brings the type of their bits, too.
template <class Lanes, std::int64_t kColumns>
struct Bf16Operands : LaneMemory<Lanes> {
  using Vector = typename Lanes::Vector;
  static constexpr std::int64_t kInWord = 2;

  static void broadcast(const float* word, Vector& factor) {
    factor = reinterpret_cast<Vector>(Bits{} | *reinterpret_cast<const Word*>(word));
  }

  static void add_product(const float* x, const float* y, Vector& sum) {
    Bits left, right;
    std::memcpy(&left, x, sizeof(left));
    std::memcpy(&right, y, sizeof(right));
    round_to_bf16(left);
    round_to_bf16(right);
    sum += reinterpret_cast<Vector>(left) * reinterpret_cast<Vector>(right);
  }
  static void add_product(const float* x, const float* y, float& sum) {
    sum += rounded_to_bf16(*x) * rounded_to_bf16(*y);
  }

  static void pack(const ProductSource& source, float* panel) { pack_across(source, kColumns, panel); }

  static void pack_transposed(const ProductSource& source, float* panel) {
    constexpr std::int64_t kTogether = 64;  // Of k, in words: what is written of the panel then stays near.
    for (std::int64_t begin = 0; begin < source.k; begin += kInWord * kTogether) {
      const std::int64_t left = source.k - begin, k = left < kInWord * kTogether ? left : kInWord * kTogether;
      float* const to = panel + begin / kInWord * kColumns;
      for (std::int64_t column = 0; column < kColumns; column += 4) {
        float rows[4 * kTogether] = {};
        for (std::int64_t j = 0; j < 4 && column + j < source.columns; ++j) {
          pack_along(source.data + (column + j) * source.stride + begin, k, rows + j * kTogether);
        }
        std::int64_t l = 0;
        for (; l + 4 <= words(k); l += 4) {
          LaneMemory<Lanes>::transpose_four(rows + l, kTogether, to + l * kColumns + column, kColumns);
        }
        for (; l < words(k); ++l) {
          for (std::int64_t j = 0; j < 4; ++j) {
            word_at(to + l * kColumns + column + j) = word_at(rows + j * kTogether + l);
          }
        }
      }
    }
  }

  static void pack_a(const ProductSource& source, float* to) {
    for (std::int64_t i = 0; i < source.columns; ++i, to += words(source.k)) {
      pack_along(source.data + i * source.stride, source.k, to);
    }
  }
  static void pack_transposed_a(const ProductSource& source, float* to) { pack_across(source, source.columns, to); }

 private:
  using Bits = typename Lanes::Bits;
  using Word = std::uint32_t __attribute__((may_alias));

  static Word& word_at(float* data) { return *reinterpret_cast<Word*>(data); }

  static std::int64_t words(std::int64_t k) { return (k + 1) / kInWord; }

  static std::uint32_t pair(float low, float high) {
    auto below = __builtin_bit_cast(std::uint32_t, low), above = __builtin_bit_cast(std::uint32_t, high);
    round_to_bf16(below);
    round_to_bf16(above);
    return below >> 16 | above;
  }

  // Each k is a row of memory. `width`: of a row of words; what lies beyond the columns is filled with zeros.
  static void pack_across(const ProductSource& source, std::int64_t width, float* to) {
    for (std::int64_t l = 0; l < source.k; l += kInWord, to += width) {
      const float* const low = source.data + l * source.stride;
      const float* const high = low + source.stride;
      const std::int64_t columns = source.columns;
      if (l + 1 < source.k) {
        for (std::int64_t j = 0; j < columns; ++j) word_at(to + j) = pair(low[j], high[j]);
      } else {
        for (std::int64_t j = 0; j < columns; ++j) word_at(to + j) = pair(low[j], 0);
      }
      for (std::int64_t j = columns; j < width; ++j) word_at(to + j) = 0;
    }
  }

  // k lies along a row of memory.
  static void pack_along(const float* row, std::int64_t k, float* to) {
    for (std::int64_t l = 0; l < k / kInWord; ++l) word_at(to + l) = pair(row[2 * l], row[2 * l + 1]);
    if (k % kInWord != 0) word_at(to + k / kInWord) = pair(row[k - 1], 0);
  }
};

}  // namespace rushlight
