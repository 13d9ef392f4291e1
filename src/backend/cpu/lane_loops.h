// The bodies of LaneKernels. Each file lanes_<vectors>.cpp compiles them for its own; every function here depends on
// that file's `Lanes`, so that the linker never takes one for another's.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/tree.h"
#include "src/backend/cpu/lane_kernels.h"

namespace rushlight {

using EightFloats = float __attribute__((vector_size(32), aligned(4)));
using EightWords = std::uint32_t __attribute__((vector_size(32)));

/// `Lanes` brings what a vector of the compiler's does not, or not as fast: square roots, random bits, their halves as
/// words, and stores that leave no line in a cache.
template <class Lanes>
struct LaneLoops {
  static constexpr std::int64_t kRowsAhead = 4, kFloatsAhead = 1024, kLineBytes = 64;

  template <int kBlocks>
  struct Sum {
    EightFloats value[kBlocks];
  };

  static LaneKernels kernels() { return {adam<false>, adam<true>, gather, forward, backward}; }

  template <bool kPastCaches>
  static void adam(const AdamUpdate& operation, std::int64_t model, Range blocks) {
    const AdamUpdate one = operation;
    const AdamCorrections now = one.corrections[model];
    const float* const gradients = one.gradients.member(model);
    float* const first = one.first_moments.member(model);
    float* const second = one.second_moments.member(model);
    float* const parameters = one.parameters.member(model);
    for (std::int64_t i = blocks.begin * kLanes; i < blocks.end * kLanes; i += kLanes) {
      EightFloats m = at(first + i), v = at(second + i), p = at(parameters + i);
      one.update_moments(EightFloats(at(gradients + i)), m, v);
      EightFloats root = v;
      Lanes::take_square_root(root);
      one.update_parameter(now, m, root, p);
      at(first + i) = m;
      at(second + i) = v;
      if constexpr (kPastCaches) {
        Lanes::store_past_caches(p, parameters + i);
      } else {
        at(parameters + i) = p;
      }
    }
    if constexpr (kPastCaches) Lanes::finish_stores();
  }

  // Samples lie anywhere: the next ones are asked for.
  static void gather(const GatherPixels& operation, Range rows) {
    const GatherPixels one = operation;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      if (row + kRowsAhead < rows.end) {
        const std::uint8_t* const next = one.pixels + one.indices[row + kRowsAhead] * one.x.cols;
        for (std::int64_t col = 0; col < one.x.cols; col += kLineBytes) __builtin_prefetch(next + col);
      }
      const std::uint8_t* const source = one.pixels + one.indices[row] * one.x.cols;
      float* const __restrict target = one.x.row(0, row);
      for (std::int64_t col = 0; col < one.x.cols; ++col) target[col] = static_cast<float>(source[col]) / one.divisor;
    }
  }

  static void forward(const BiasReluDropoutForward& operation, std::int64_t model, Range rows, Range blocks) {
    const bool relu = operation.activation == Activation::relu, drop = operation.draw.on();
    const auto run = [&](auto has_bias, auto has_relu, auto has_drop) {
      forward_rows<has_bias, has_relu, has_drop>(operation, model, rows, blocks);
    };
    choose(operation.bias.data != nullptr, [&](auto bias) {
      choose(relu, [&](auto with_relu) { choose(drop, [&](auto with_drop) { run(bias, with_relu, with_drop); }); });
    });
  }

  // Memory is read along rows, so wide ones in pieces of kilobytes; what is left by fewer blocks at a time.
  static void backward(const BiasReluDropoutBackward& operation, std::int64_t model, Range rows, Range blocks,
                       float* sums) {
    const bool relu = operation.activation == Activation::relu;
    choose(relu, [&](auto with_relu) {
      choose(!relu && operation.draw.on(), [&](auto with_drop) {
        const auto columns = [&](auto together, std::int64_t end) {
          for (; blocks.begin + together <= end; blocks.begin += together) {
            backward_columns<together, with_relu, with_drop>(operation, model, rows, blocks.begin, sums);
          }
        };
        const std::int64_t whole = std::min(blocks.end, operation.dx.cols / kLanes);
        columns(std::integral_constant<int, 64>{}, whole);
        columns(std::integral_constant<int, 32>{}, whole);
        columns(std::integral_constant<int, 8>{}, whole);
        columns(std::integral_constant<int, 2>{}, whole);
        columns(std::integral_constant<int, 1>{}, blocks.end);
      });
    });
  }

 private:
  // What is known for all blocks is no question of the innermost loop.
  template <class F>
  static void choose(bool condition, const F& f) {
    condition ? f(std::true_type{}) : f(std::false_type{});
  }

  template <bool kBias, bool kRelu, bool kDrop>
  static void forward_rows(const BiasReluDropoutForward& operation, std::int64_t model, Range rows, Range blocks) {
    const BiasReluDropoutForward one = operation;
    const DropoutRate rate = one.draw.rate(model);
    const float* const bias = kBias ? one.bias.member(model) : nullptr;
    const std::int64_t whole = std::max(blocks.begin, std::min(blocks.end, one.y.cols / kLanes));
    Bits bits(one.draw, model, rows, blocks);
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const float* const x = one.x.row(model, row);
      float* const y = one.y.row(model, row);
      const auto pass = [&](std::int64_t block, auto count, [[maybe_unused]] const PhiloxBlock* drawn) {
        const std::int64_t col = block * kLanes;
        if constexpr (kDrop) __builtin_prefetch(x + col + kFloatsAhead);  // It would wait while bits are drawn.
        EightFloats value;
        load(x + col, count, value);
        if constexpr (kBias) {
          EightFloats term;
          load(bias + col, count, term);
          value += term;
        }
        if constexpr (kRelu) BiasReluDropoutForward::rectify(value);
        if constexpr (kDrop) {
          EightWords lanes;
          Lanes::widen(*drawn, lanes);
          BiasReluDropoutForward::drop(value, lanes, rate);
        }
        store(y + col, count, value);
      };
      for (std::int64_t block = blocks.begin; block < whole;) {
        const std::int64_t together = kDrop ? std::min<std::int64_t>(whole - block, bits.ready()) : whole - block;
        const PhiloxBlock* const drawn = kDrop ? bits.take(together) : nullptr;
        for (std::int64_t i = 0; i < together; ++i) {
          pass(block + i, std::integral_constant<int, kLanes>{}, kDrop ? drawn + i : nullptr);
        }
        block += together;
      }
      if (whole < blocks.end) pass(whole, lanes_in(one.y.cols, whole), kDrop ? bits.take(1) : nullptr);
    }
  }

  /// The random bits of rows of blocks, in order.
  class Bits {
   public:
    Bits(const DropoutDraw& draw, std::int64_t model, Range rows, Range blocks)
        : blocks_(blocks), block_(blocks.begin) {
      if (!draw.on()) return;
      const RandomStream stream = draw.stream(model);
      sample_ = draw.sample(rows.begin);
      step_ = static_cast<std::uint32_t>(draw.state->step);
      key_ = stream.seed;
      c3_ = stream.c3();
    }

    /// How many can be taken at once: at least one.
    int ready() {
      if (used_ == kTogether) refill();
      return kTogether - used_;
    }

    /// The next `count` blocks' bits. REQUIRES: count <= ready().
    const PhiloxBlock* take(std::int64_t count) {
      if (used_ == kTogether) refill();
      const PhiloxBlock* const first = drawn_ + used_;
      used_ += static_cast<int>(count);
      return first;
    }

   private:
    static constexpr int kTogether = 32;

    void refill() {
      std::uint64_t c0[kTogether], c1[kTogether];  // Words.
      if (blocks_.end - block_ >= kTogether) {
        for (int i = 0; i < kTogether; ++i) {
          c0[i] = static_cast<std::uint32_t>(block_ + i);
          c1[i] = sample_;
        }
        advance(kTogether);
      } else {
        for (int i = 0; i < kTogether; ++i) {
          c0[i] = static_cast<std::uint32_t>(block_);
          c1[i] = sample_;
          advance(1);
        }
      }
      Lanes::template draw<kTogether>(c0, c1, step_, c3_, key_, drawn_);
      used_ = 0;
    }

    void advance(std::int64_t blocks) {
      block_ += blocks;
      if (block_ < blocks_.end) return;
      block_ = blocks_.begin;
      ++sample_;
    }

    Range blocks_;
    std::int64_t block_;  // The next to be drawn.
    std::uint32_t sample_ = 0, step_ = 0, c3_ = 0;
    std::uint64_t key_ = 0;
    int used_ = kTogether;
    PhiloxBlock drawn_[kTogether];
  };

  // Blocks of eight columns, or one that may be narrower.
  template <int kBlocks, bool kRelu, bool kDrop>
  static void backward_columns(const BiasReluDropoutBackward& operation, std::int64_t model, Range rows,
                               std::int64_t block, float* totals) {
    const BiasReluDropoutBackward one = operation;
    const DropoutRate rate = one.draw.rate(model);
    const std::int64_t col = block * kLanes;
    const int count = kBlocks > 1 ? kLanes : lanes_in(one.dx.cols, block);
    Bits bits(one.draw, model, rows, {block, block + kBlocks});
    const auto combine = [](const Sum<kBlocks>& a, const Sum<kBlocks>& b) {
      Sum<kBlocks> sum;
      for (int i = 0; i < kBlocks; ++i) sum.value[i] = a.value[i] + b.value[i];
      return sum;
    };
    PairwiseStack<Sum<kBlocks>> sums;
    for (std::int64_t begin = rows.begin; begin < rows.end; begin += kTreeChunk) {
      Sum<kBlocks> sum;
      for (EightFloats& value : sum.value) value = -EightFloats{};  // -0 + x is x, for -0 as well.
      for (std::int64_t row = begin, end = std::min(begin + kTreeChunk, rows.end); row < end; ++row) {
        const float* const dy = one.dy.row(model, row) + col;
        const float* const y = kRelu ? one.y.row(model, row) + col : nullptr;
        float* const dx = one.dx.row(model, row) + col;
        for (int i = 0; i < kBlocks; ++i) {
          if (i % 2 == 0) {
            __builtin_prefetch(dy + i * kLanes + kRowsAhead * one.dy.stride);
            if constexpr (kRelu) __builtin_prefetch(y + i * kLanes + kRowsAhead * one.y.stride);
          }
          EightFloats value;
          load(dy + i * kLanes, count, value);
          value *= rate.scale;
          if constexpr (kRelu) {
            EightFloats output;
            load(y + i * kLanes, count, output);
            BiasReluDropoutBackward::pass_positive(value, output);
          } else if constexpr (kDrop) {
            EightWords lanes;
            Lanes::widen(*bits.take(1), lanes);
            BiasReluDropoutBackward::pass_kept(value, lanes, rate);
          }
          store(dx + i * kLanes, count, value);
          sum.value[i] += value;
        }
      }
      sums.push(sum, combine);
    }
    if (totals == nullptr) return;
    const Sum<kBlocks> all = sums.total(combine);
    for (int i = 0; i < kBlocks; ++i) store(totals + col + i * kLanes, count, all.value[i]);
  }

  static EightFloats& at(float* data) { return *reinterpret_cast<EightFloats*>(data); }
  static const EightFloats& at(const float* data) { return *reinterpret_cast<const EightFloats*>(data); }

  static void load(const float* from, int count, EightFloats& value) {
    if (count == kLanes) {
      value = at(from);
    } else {
      value = EightFloats{};
      for (int lane = 0; lane < count; ++lane) value[lane] = from[lane];
    }
  }

  static void store(float* to, int count, const EightFloats& value) {
    if (count == kLanes) {
      at(to) = value;
    } else {
      for (int lane = 0; lane < count; ++lane) to[lane] = value[lane];
    }
  }
};

}  // namespace rushlight
