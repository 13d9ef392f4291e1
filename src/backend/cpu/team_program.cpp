#include "src/backend/cpu/team_program.h"

#include <algorithm>
#include <utility>

#include "src/backend/cpu/command_parts.h"
#include "src/backend/cpu/product_sequels.h"

namespace rushlight {
namespace {

const AdamUpdate* adam_of(const Command& command) {
  const Elementwise* const elementwise = std::get_if<Elementwise>(&command);
  return elementwise == nullptr ? nullptr : std::get_if<AdamUpdate>(elementwise);
}

// Whether a product has each thread read a part of every row of the parameters, and not only rows of its own.
bool all_cores_read(const Vector<float>& parameters, const Program& program) {
  return std::any_of(program.begin(), program.end(), [&](const Node& node) {
    const Matmul* const product = std::get_if<Matmul>(&node.command);
    return product != nullptr && product->b.data == parameters.data && plan_of(*product).splits_rows_of_b();
  });
}

}  // namespace

TeamProgram::TeamProgram(const Program& program, std::int64_t repeats, int threads, InstructionSet set,
                         CoreDistanceWatch::Measure measure_distance)
    : repeats_(repeats), threads_(threads), set_(set), watch_(threads, measure_distance) {
  for (std::size_t i = 0; i < program.size(); ++i) {
    segment_sums_.fit(program[i].command);
    stages_.push_back(stage_at(program, i, set));
    if (stages_.back().far_sequel) distance_matters_ = true;
    if (stages_.back().sequel) ++i;
  }
}

TeamProgram::Stage TeamProgram::stage_at(const Program& program, std::size_t i, InstructionSet set) {
  Stage stage{program[i].command, nullptr, nullptr};
  const Matmul* const product = std::get_if<Matmul>(&stage.command);
  if (product == nullptr || i + 1 == program.size()) return stage;
  const Command& next = program[i + 1].command;
  std::unique_ptr<ProductSequel> sequel = make_sequel(*product, next, set);
  if (!sequel || !plan_of(*product).can_feed(sequel->takes())) return stage;
  stage.sequel = std::move(sequel);
  const AdamUpdate* const adam = adam_of(next);
  if (adam != nullptr && all_cores_read(adam->parameters, program)) {
    stage.far_sequel = make_far_sequel(*product, *adam, set);
  }
  return stage;
}

void TeamProgram::replay() {
  if (distance_matters_) distance_ = watch_.at(CoreDistanceWatch::Clock::now());
  run_team(threads_, [this](Part member) { run_member(member); });
}

void TeamProgram::run_member(Part member) {
  for (std::int64_t repeat = 0; repeat < repeats_; ++repeat) {
    for (const Stage& stage : stages_) {
      if (stage.sequel) {
        const Matmul& product = std::get<Matmul>(stage.command);
        const bool far = distance_ == CoreDistance::far && stage.far_sequel;
        plan_of(product).run(product, member, (far ? stage.far_sequel : stage.sequel).get());
      } else {
        run_part(stage.command, member, set_, segment_sums_);
      }
      barrier_.wait(member.of);
    }
  }
}

}  // namespace rushlight
