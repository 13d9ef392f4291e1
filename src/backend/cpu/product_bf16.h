// The operands of a product as pairs of bf16, for ProductLoops: a word holds the elements of two neighbouring k, the
// lower one in its lower half. Where k is odd, the other element of the last pair is 0.
// Exactness: operands are rounded as bf16.h tells (an instruction may take denormals for 0), which makes their products
// exact in fp32 but for under- and overflow; sums are fp32, pair after pair in the order of k, and within a pair as
// `Lanes` has it: the same bits for any tile or number of threads.
#pragma once

#include <cstring>

#include "src/backend/cpu/bf16.h"
#include "src/backend/cpu/product_kernel.h"

namespace rushlight {

/// The multiply-add of `Lanes` takes vectors of pairs. It brings the type of their bits, too; load and store, which
/// touch no more than `count` elements, and none if it is below 1 (the rest of the vector is 0 then); and rounded
/// pairs: of an element each of `low` and `high`, or of neighbours in `first` and then in `second`.
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
    for (std::int64_t l = 0; l < source.k; l += kInWord * kLanes, panel += kLanes * kColumns) {
      for (std::int64_t column = 0; column < kColumns; column += 4) {
        Bits rows[4] = {};
        for (std::int64_t j = 0; j < 4 && column + j < source.columns; ++j) {
          pair_along(source.data + (column + j) * source.stride + l, source.k - l, rows[j]);
        }
        store_transposed(rows, panel + column, words(source.k - l));
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
  using LaneMemory<Lanes>::kLanes;
  using Bits = typename Lanes::Bits;
  using Word = std::uint32_t __attribute__((may_alias));

  static Word& word_at(float* data) { return *reinterpret_cast<Word*>(data); }

  static std::int64_t words(std::int64_t k) { return (k + 1) / kInWord; }

  // Each k is a row of memory. `width`: of a row of words; what lies beyond the columns is filled with zeros.
  static void pack_across(const ProductSource& source, std::int64_t width, float* to) {
    for (std::int64_t l = 0; l < source.k; l += kInWord, to += width) {
      const float* const low = source.data + l * source.stride;
      const float* const high = low + source.stride;
      const std::int64_t in_high = l + 1 < source.k ? source.columns : 0;
      for (std::int64_t j = 0; j < width; j += kLanes) {
        Vector below, above;
        Lanes::load(low + j, source.columns - j, below);
        Lanes::load(high + j, in_high - j, above);
        Bits pairs;
        Lanes::pair(below, above, pairs);
        Lanes::store(pairs, to + j, width - j);
      }
    }
  }

  // k lies along a row of memory.
  static void pack_along(const float* row, std::int64_t k, float* to) {
    for (std::int64_t l = 0; l < k; l += kInWord * kLanes, to += kLanes) {
      Bits pairs;
      pair_along(row + l, k - l, pairs);
      Lanes::store(pairs, to, words(k - l));
    }
  }

  static void pair_along(const float* row, std::int64_t k, Bits& pairs) {
    Vector first, second;
    Lanes::load(row, k, first);
    Lanes::load(row + kLanes, k - kLanes, second);
    Lanes::pair_neighbours(first, second, pairs);
  }

  // Word i of the four rows goes to row i of the panel, if there are so many words.
  [[gnu::always_inline]] static inline void store_transposed(const Bits (&rows)[4], float* to, std::int64_t words) {
    Word all[4 * kLanes];
    std::memcpy(all, rows, sizeof(all));
    std::int64_t i = 0;
    for (; i + 4 <= words && i < kLanes; i += 4) {
      LaneMemory<Lanes>::transpose_four(reinterpret_cast<float*>(all) + i, kLanes, to + i * kColumns, kColumns);
    }
    for (; i < words && i < kLanes; ++i) {
      for (std::int64_t j = 0; j < 4; ++j) word_at(to + i * kColumns + j) = all[j * kLanes + i];
    }
  }
};

}  // namespace rushlight
