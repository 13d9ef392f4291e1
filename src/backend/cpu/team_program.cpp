#include "src/backend/cpu/team_program.h"

#include "src/backend/cpu/command_parts.h"
#include "src/backend/cpu/product_sequels.h"

namespace rushlight {
namespace {

std::unique_ptr<ProductSequel> sequel_at(const Program& program, std::size_t i, InstructionSet set) {
  const Matmul* const product = std::get_if<Matmul>(&program[i].command);
  if (product == nullptr || i + 1 == program.size()) return nullptr;
  std::unique_ptr<ProductSequel> sequel = make_sequel(*product, program[i + 1].command, set);
  const bool fits = sequel && static_cast<const PanelProduct*>(product->plan)->can_feed(sequel->takes());
  return fits ? std::move(sequel) : nullptr;
}

}  // namespace

TeamProgram::TeamProgram(const Program& program, std::int64_t repeats, int threads, InstructionSet set)
    : repeats_(repeats), threads_(threads), set_(set) {
  for (std::size_t i = 0; i < program.size(); ++i) {
    segment_sums_.fit(program[i].command);
    stages_.push_back({program[i].command, sequel_at(program, i, set)});
    if (stages_.back().sequel) ++i;
  }
}

void TeamProgram::replay() {
  run_team(threads_, [this](Part member) { run_member(member); });
}

void TeamProgram::run_member(Part member) {
  for (std::int64_t repeat = 0; repeat < repeats_; ++repeat) {
    for (const Stage& stage : stages_) {
      if (stage.sequel) {
        const Matmul& product = std::get<Matmul>(stage.command);
        static_cast<const PanelProduct*>(product.plan)->run(product, member, stage.sequel.get());
      } else {
        run_part(stage.command, member, set_, segment_sums_);
      }
      barrier_.wait(member.of);
    }
  }
}

}  // namespace rushlight
