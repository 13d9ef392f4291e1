#include "src/backend/cpu/team_program.h"

#include <algorithm>

#include "src/backend/cpu/command_parts.h"
#include "src/backend/cpu/product_sequels.h"

namespace rushlight {
namespace {

constexpr std::chrono::seconds kDistanceHolds{1};

std::unique_ptr<ProductSequel> sequel_at(const Program& program, std::size_t i, InstructionSet set) {
  const Matmul* const product = std::get_if<Matmul>(&program[i].command);
  if (product == nullptr || i + 1 == program.size()) return nullptr;
  std::unique_ptr<ProductSequel> sequel = make_sequel(*product, program[i + 1].command, set);
  const bool fits = sequel && static_cast<const PanelProduct*>(product->plan)->can_feed(sequel->takes());
  return fits ? std::move(sequel) : nullptr;
}

// Whether a product has each thread read a part of every row of the parameters, and not only rows of its own.
bool all_cores_read(const Vector<float>& parameters, const Program& program) {
  return std::any_of(program.begin(), program.end(), [&](const Node& node) {
    const Matmul* const product = std::get_if<Matmul>(&node.command);
    return product != nullptr && product->b.data == parameters.data &&
           static_cast<const PanelProduct*>(product->plan)->splits_rows_of_b();
  });
}

std::unique_ptr<ProductSequel> far_sequel_at(const Program& program, std::size_t i, InstructionSet set) {
  const Matmul* const product = std::get_if<Matmul>(&program[i].command);
  if (product == nullptr || i + 1 == program.size()) return nullptr;
  const Elementwise* const next = std::get_if<Elementwise>(&program[i + 1].command);
  const AdamUpdate* const adam = next == nullptr ? nullptr : std::get_if<AdamUpdate>(next);
  if (adam == nullptr || !all_cores_read(adam->parameters, program)) return nullptr;
  return make_far_sequel(*product, *adam, set);
}

}  // namespace

TeamProgram::TeamProgram(const Program& program, std::int64_t repeats, int threads, InstructionSet set,
                         std::optional<CoreDistance> distance)
    : repeats_(repeats),
      threads_(threads),
      set_(set),
      measures_distance_(false),
      distance_(distance.value_or(CoreDistance::near)) {
  for (std::size_t i = 0; i < program.size(); ++i) {
    segment_sums_.fit(program[i].command);
    stages_.push_back({program[i].command, sequel_at(program, i, set), far_sequel_at(program, i, set)});
    if (stages_.back().far_sequel && !distance) measures_distance_ = true;
    if (stages_.back().sequel) ++i;
  }
}

void TeamProgram::replay() {
  const auto now = std::chrono::steady_clock::now();
  if (measures_distance_ && now - measured_ > kDistanceHolds) {
    distance_ = measure_core_distance(threads_);
    measured_ = now;
  }
  run_team(threads_, [this](Part member) { run_member(member); });
}

void TeamProgram::run_member(Part member) {
  for (std::int64_t repeat = 0; repeat < repeats_; ++repeat) {
    for (const Stage& stage : stages_) {
      if (stage.sequel) {
        const Matmul& product = std::get<Matmul>(stage.command);
        const bool far = distance_ == CoreDistance::far && stage.far_sequel;
        static_cast<const PanelProduct*>(product.plan)
            ->run(product, member, (far ? stage.far_sequel : stage.sequel).get());
      } else {
        run_part(stage.command, member, set_, segment_sums_);
      }
      barrier_.wait(member.of);
    }
  }
}

}  // namespace rushlight
