// Softmax cross-entropy of logits against class indices.
//   loss[row] = log(sum_j exp(z_j - max)) + max - z_label;  dz_j = (softmax_j - [j = label]) * gradient_scale
// Shapes: logits, dlogits [models, rows, classes]; labels [rows], shared by the members; loss, correct [models, rows].
// Aliasing: dlogits may be logits.  Exactness: exp and log of the backend, else the fixed order of sums.
// NaN: a NaN among the logits makes the loss NaN. A tie's answer is the first of the highest.
// Source: the online normaliser of Milakov and Gimelshein, 2018, as the combine of a tree.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cost.h"
#include "kernels/portable.h"
#include "kernels/view.h"

namespace rushlight {

/// A row reduction: load, combine, then finish once a row, then store once an element.
struct SoftmaxCrossEntropy {
  struct Partial {
    float max;
    float sum;  // Of exp(z - max).
    std::int64_t argmax;
  };

  Matrix<const float> logits;
  const std::int32_t* labels = nullptr;
  Vector<float> loss;
  Vector<std::uint32_t> correct;
  Matrix<float> dlogits;  // data null: no gradient.
  float gradient_scale = 1.0f;

  RL_HD std::int64_t rows() const { return logits.models * logits.rows; }
  RL_HD std::int64_t cols() const { return logits.cols; }
  RL_HD bool stores() const { return dlogits.data != nullptr; }
  /// Logits are read once, as both passes over a row find them in a cache.
  Cost cost() const {
    return {logits.bytes() + bytes_of<std::int32_t>(logits.rows), loss.bytes() + correct.bytes() + dlogits.bytes(),
            (stores() ? 10 : 5) * logits.elements() + 4 * rows(), logits.elements()};
  }

  RL_HD Partial load(std::int64_t row, std::int64_t col) const { return {logit(row, col), 1.0f, col}; }

  RL_HD static Partial combine(const Partial& a, const Partial& b) {
    const bool first = a.max >= b.max;
    const float max = first ? a.max : b.max;
    return {max, rescaled(a, max) + rescaled(b, max), first ? a.argmax : b.argmax};
  }

  RL_HD void finish(std::int64_t row, const Partial& all) const {
    const std::int64_t model = row / logits.rows;
    const std::int64_t sample = row - model * logits.rows;
    const std::int32_t label = labels[sample];
    loss.member(model)[sample] = std::log(all.sum) + (all.max - logit(row, label));
    correct.member(model)[sample] = all.argmax == label ? 1u : 0u;
  }

  RL_HD void store(std::int64_t row, std::int64_t col, const Partial& all) const {
    const std::int64_t model = row / logits.rows;
    const std::int64_t sample = row - model * logits.rows;
    const float probability = std::exp(logit(row, col) - all.max) / all.sum;
    const float target = labels[sample] == col ? 1.0f : 0.0f;
    dlogits.row(model, sample)[col] = (probability - target) * gradient_scale;
  }

  // Helpers of the above.
  RL_HD float logit(std::int64_t row, std::int64_t col) const {
    const std::int64_t model = row / logits.rows;
    return logits.row(model, row - model * logits.rows)[col];
  }

  // Where the maxima are equal nothing is scaled, which also keeps -inf - -inf out.
  RL_HD static float rescaled(const Partial& part, float max) {
    return part.max == max ? part.sum : part.sum * std::exp(part.max - max);
  }
};

}  // namespace rushlight
