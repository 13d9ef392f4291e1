#include "src/optim/adam.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <cmath>
#include <utility>
#include <vector>

#include "kernels/adam.h"

namespace rushlight {
namespace {

void check_not_negative(double value, const char* name) {
  if (!std::isfinite(value) || value < 0.0) {
    throw InvalidArgument(fmt::format("Adam's {} must be finite and not negative, but is {}", name, value));
  }
}

void check_beta(double value, const char* name) {
  if (!(value >= 0.0 && value < 1.0)) {
    throw InvalidArgument(fmt::format("Adam's {} must be in [0, 1), but is {}", name, value));
  }
}

}  // namespace

Adam::Adam(AdamOptions options) : options_(options) {
  check_not_negative(options.lr, "lr");
  check_not_negative(options.eps, "eps");
  check_beta(options.beta1, "beta1");
  check_beta(options.beta2, "beta2");
}

AdamPlan::AdamPlan(const AdamOptions& options, std::int64_t models, std::int64_t size, MemoryLayout& layout)
    : options_(options),
      models_(models),
      size_(size),
      first_(layout.add(MemoryUse::moments, "exp_avg", bytes())),
      second_(layout.add(MemoryUse::moments, "exp_avg_sq", bytes())),
      rates_(layout.add(MemoryUse::state, "learning rates", models * static_cast<std::int64_t>(sizeof(double)))),
      corrections_(layout.add(MemoryUse::state, "Adam's corrections",
                              models * static_cast<std::int64_t>(sizeof(AdamCorrections)))) {}

void AdamPlan::initialize(Backend& backend, std::byte* arena) const {
  backend.fill_zero(first_moments(arena), bytes());
  backend.fill_zero(second_moments(arena), bytes());
  set_rate(backend, arena, options_.lr);
}

void AdamPlan::set_rate(Backend& backend, std::byte* arena, double lr) const {
  const std::vector<double> rates(static_cast<std::size_t>(models_), lr);
  upload_values(backend, rates_.in<double>(arena), rates.data(), models_);
}

void AdamPlan::append_corrections(Program& program, std::byte* arena, const PassState* state) const {
  program.push_back({"Adam corrections",
                     Elementwise{AdamPrepare{.state = state,
                                             .rates = rates_.in<const double>(arena),
                                             .beta1 = options_.beta1,
                                             .beta2 = options_.beta2,
                                             .models = models_,
                                             .corrections = corrections_.in<AdamCorrections>(arena)}},
                     Phase::update});
}

void AdamPlan::append_update(Program& program, std::string name, std::byte* arena, std::int64_t offset,
                             Vector<float> parameters, Vector<const float> gradients) const {
  program.push_back(
      {std::move(name),
       Elementwise{
           AdamUpdate{.parameters = parameters,
                      .gradients = gradients,
                      .first_moments = Vector<float>{first_moments(arena) + offset, models_, parameters.size, size_},
                      .second_moments = Vector<float>{second_moments(arena) + offset, models_, parameters.size, size_},
                      .corrections = corrections_.in<AdamCorrections>(arena),
                      .one_minus_beta1 = static_cast<float>(1.0 - options_.beta1),
                      .beta2 = static_cast<float>(options_.beta2),
                      .one_minus_beta2 = static_cast<float>(1.0 - options_.beta2),
                      .eps = static_cast<float>(options_.eps)}},
       Phase::update});
}

}  // namespace rushlight
