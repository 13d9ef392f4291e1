// Dropout in tests: masks by Random123 from the words of the contract, and the arrays that a draw reads.
#pragma once

#include <Random123/philox.h>

#include <memory>
#include <vector>

#include "kernels/dropout.h"
#include "tests/support/guarded.h"

namespace rushlight {

/// Whether the contract keeps a unit. docs/design.md, section 4.
inline bool oracle_keeps(double p, std::uint64_t seed, std::uint32_t purpose, std::uint32_t node, std::uint32_t model,
                         std::uint32_t row, std::uint32_t step, std::uint32_t column) {
  const r123::Philox4x32::ctr_type words =
      r123::Philox4x32{}({{column / 8, row, step, (purpose << 28) + (node << 16) + model}},
                         {{static_cast<std::uint32_t>(seed & 0xFFFFFFFF), static_cast<std::uint32_t>(seed >> 32)}});
  const std::uint32_t word = words[(column % 8) / 2];
  const std::uint32_t lane = column % 2 == 0 ? word % 65536 : word / 65536;
  return lane >= static_cast<std::uint32_t>(p * 65536.0 + 0.5);
}

/// 65536 / (65536 - t); 0 where all is dropped.
inline double oracle_scale(double p) {
  const double threshold = std::floor(p * 65536.0 + 0.5);
  return threshold >= 65536.0 ? 0.0 : 65536.0 / (65536.0 - threshold);
}

/// Members, rates and state in backend memory.
class DropoutArrays {
 public:
  DropoutArrays(const std::shared_ptr<Backend>& backend, const std::vector<Member>& members,
                const std::vector<double>& p, const PassState& state)
      : members_(guarded_values(backend, members)),
        rates_(guarded_values(backend, rates_of(p))),
        state_(guarded_values<PassState>(backend, {state})) {}

  DropoutDraw draw(std::uint32_t node, Purpose purpose = Purpose::dropout) const {
    return {members_.data(), rates_.data(), state_.data(), node, purpose};
  }

 private:
  static std::vector<DropoutRate> rates_of(const std::vector<double>& p) {
    std::vector<DropoutRate> rates;
    for (const double one : p) rates.push_back(dropout_rate(one));
    return rates;
  }

  Guarded<Member> members_;
  Guarded<DropoutRate> rates_;
  Guarded<PassState> state_;
};

}  // namespace rushlight
