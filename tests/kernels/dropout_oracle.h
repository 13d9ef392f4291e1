// Dropout in tests: masks by Random123 from the words of the contract, and the arrays that a draw reads.
#pragma once

#include <memory>
#include <vector>

#include "kernels/dropout.h"
#include "tests/support/contract.h"
#include "tests/support/guarded.h"

namespace rushlight {

/// Whether the contract keeps a unit. docs/design.md, Random numbers.
inline bool oracle_keeps(double p, std::uint64_t seed, std::uint32_t purpose, std::uint32_t node, std::uint32_t model,
                         std::uint32_t row, std::uint32_t step, std::uint32_t column) {
  return contract::Mask{seed, model, step, purpose}.factor(node, p, row, column) != 0.0F;
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
