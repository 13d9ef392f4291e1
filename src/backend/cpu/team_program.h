// A program as one team runs it: every command in parts, a barrier after each, and no thread sleeps in between.
#pragma once

#include <memory>
#include <vector>

#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/product.h"
#include "src/backend/cpu/tall_backward.h"
#include "src/backend/cpu/team.h"
#include "src/backend/graph_capture.h"

namespace rushlight {

/// Products take the operation after them along where they can. The bits are those of the commands one by one.
class TeamProgram final : public Graph {
 public:
  TeamProgram(const Program& program, std::int64_t repeats, int threads, InstructionSet set);

  void replay() override;

 private:
  struct Stage {
    Command command;
    std::unique_ptr<ProductSequel> sequel;  // Of a product; null: none.
  };

  void run_member(Part member);

  std::vector<Stage> stages_;
  std::int64_t repeats_;
  int threads_;
  InstructionSet set_;
  Barrier barrier_;
  SegmentSums segment_sums_;
};

}  // namespace rushlight
