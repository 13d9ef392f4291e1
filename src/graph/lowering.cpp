#include "src/graph/lowering.h"

namespace rushlight {
namespace {

/// Reads modules from left to right; each call takes as many as one operation can hold.
class Reader {
 public:
  Reader(std::span<const Module> modules, Mode mode, std::int64_t input_width)
      : modules_(modules), mode_(mode), width_(input_width) {}

  bool done() const { return next_ == modules_.size(); }

  void read(std::vector<Operation>& operations) {
    static_assert(std::variant_size_v<Module> == 3, "a module that is not taken here is read forever");
    Pointwise pointwise{width_, {}, {}, {}};
    if (const Linear* const linear = take<Linear>()) {
      const std::uint32_t node = next_ - 1;
      operations.push_back(Product{node, linear->in_features(), linear->out_features()});
      pointwise.width = width_ = linear->out_features();
      if (linear->bias() == Bias::present) pointwise.bias = node;
    }
    if (take<ReLU>()) pointwise.relu = next_ - 1;
    if (const Dropout* const dropout = take<Dropout>()) {
      if (mode_ != Mode::eval && dropout->p() > 0.0) pointwise.dropout = next_ - 1;
    }
    if (pointwise.bias || pointwise.relu || pointwise.dropout) operations.push_back(pointwise);
  }

 private:
  template <class M>
  const M* take() {
    const M* const module = done() ? nullptr : std::get_if<M>(&modules_[next_]);
    if (module != nullptr) ++next_;
    return module;
  }

  std::span<const Module> modules_;
  Mode mode_;
  std::uint32_t next_ = 0;
  std::int64_t width_;
};

std::int64_t input_width(std::span<const Module> modules) {
  for (const Module& module : modules) {
    if (const Linear* const linear = std::get_if<Linear>(&module)) return linear->in_features();
  }
  return 0;
}

}  // namespace

std::vector<Operation> lower(std::span<const Module> modules, Mode mode) {
  Reader reader(modules, mode, input_width(modules));
  std::vector<Operation> operations;
  while (!reader.done()) reader.read(operations);
  return operations;
}

}  // namespace rushlight
