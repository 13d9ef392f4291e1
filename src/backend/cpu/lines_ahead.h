// What is far away is asked for before it is needed, a few cache lines at a time.
#pragma once

#include <cstdint>

namespace rushlight {

inline constexpr std::int64_t kLineFloats = 16;

/// Memory that will be needed next and lies far away: some cache lines of each row, which are asked for a few at a
/// time while a strip is summed.
struct Ahead {
  const float* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t rows = 0;
  std::int64_t lines = 0;  // Of a row.
};

/// Asks for what is ahead, in `steps` steps.
class LinesAhead {
 public:
  [[gnu::always_inline]] inline LinesAhead(const Ahead& ahead, std::int64_t steps)
      : line_(ahead.data),
        left_(ahead.rows * ahead.lines),
        at_once_((left_ + steps - 1) / steps),
        lines_(ahead.lines),
        left_in_row_(ahead.lines),
        to_next_row_(ahead.stride - ahead.lines * kLineFloats) {}

  [[gnu::always_inline]] inline void step() {
    const std::int64_t lines = at_once_ < left_ ? at_once_ : left_;
    left_ -= lines;
    for (std::int64_t i = 0; i < lines; ++i) {
      __builtin_prefetch(line_);
      line_ += kLineFloats;
      if (--left_in_row_ == 0) {
        left_in_row_ = lines_;
        line_ += to_next_row_;
      }
    }
  }

 private:
  const float* line_;
  std::int64_t left_, at_once_, lines_, left_in_row_, to_next_row_;
};

}  // namespace rushlight
