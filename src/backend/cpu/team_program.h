// A program as one team runs it: every command in parts, a barrier after each, and no thread sleeps in between.
#pragma once

#include <memory>
#include <vector>

#include "src/backend/cpu/core_distance.h"
#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/product.h"
#include "src/backend/cpu/tall_backward.h"
#include "src/backend/cpu/team.h"
#include "src/backend/graph_capture.h"

namespace rushlight {

/// Products take the operation after them along where they can. The bits are those of the commands one by one.
class TeamProgram final : public Graph {
 public:
  TeamProgram(const Program& program, std::int64_t repeats, int threads, InstructionSet set,
              CoreDistanceWatch::Measure measure_distance = measure_core_distance);

  void replay() override;

 private:
  struct Stage {
    Command command;
    std::unique_ptr<ProductSequel> sequel;      // Of a product; null: none.
    std::unique_ptr<ProductSequel> far_sequel;  // In its place where cores are far; null: it is the same.
  };

  static Stage stage_at(const Program& program, std::size_t i, InstructionSet set);
  void run_member(Part member);

  std::vector<Stage> stages_;
  std::int64_t repeats_;
  int threads_;
  InstructionSet set_;
  bool distance_matters_ = false;
  CoreDistanceWatch watch_;
  CoreDistance distance_ = CoreDistance::near;
  Barrier barrier_;
  SegmentSums segment_sums_;
};

}  // namespace rushlight
