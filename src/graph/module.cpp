#include <fmt/format.h>
#include <rushlight/error.h>
#include <rushlight/module.h>

#include "kernels/dropout.h"

namespace rushlight {
namespace {

constexpr std::int64_t kMaxFeatures = std::int64_t{1} << 31;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

void check_features(std::int64_t features, const char* which) {
  if (features < 1 || features >= kMaxFeatures) {
    throw InvalidArgument(
        fmt::format("a Linear's {} features must be at least 1 and below 2147483648, but are {}", which, features));
  }
}

struct Printer {
  std::string operator()(const Linear& linear) const {
    return fmt::format("Linear({}, {}{})", linear.in_features(), linear.out_features(),
                       linear.bias() == Bias::present ? "" : ", bias=False");
  }
  std::string operator()(const ReLU&) const { return "ReLU()"; }
  std::string operator()(const Dropout& dropout) const { return fmt::format("Dropout({})", dropout.p()); }
};

}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, Bias bias)
    : in_features_(in_features), out_features_(out_features), bias_(bias) {
  check_features(in_features, "input");
  check_features(out_features, "output");
  if (in_features >= kMaxElements / out_features) {
    throw InvalidArgument(fmt::format("a Linear's weight must have fewer than 2^40 elements, but [{}, {}] has more",
                                      out_features, in_features));
  }
}

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0.0 && p <= 1.0)) {
    throw InvalidArgument(fmt::format("Dropout's p must be in [0, 1], but is {}", p));
  }
  if (p > 0.0 && dropout_rate(p).threshold == 0) {
    throw InvalidArgument(fmt::format(
        "Dropout's p of {} rounds to 0, as it is drawn in steps of 1/65536: use 0, or at least 1/65536", p));
  }
}

std::string to_string(const Module& module) {
  return std::visit(Printer{}, module);
}

}  // namespace rushlight
