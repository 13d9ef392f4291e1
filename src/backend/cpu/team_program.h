// A program as one team runs it: every command in parts, a barrier after each, and no thread sleeps in between.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
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
  /// Without a distance between the team's cores it is measured now and then, where it matters.
  TeamProgram(const Program& program, std::int64_t repeats, int threads, InstructionSet set,
              std::optional<CoreDistance> distance = {});

  void replay() override;

 private:
  struct Stage {
    Command command;
    std::unique_ptr<ProductSequel> sequel;      // Of a product; null: none.
    std::unique_ptr<ProductSequel> far_sequel;  // In its place where cores are far; null: it is the same.
  };

  void run_member(Part member);

  std::vector<Stage> stages_;
  std::int64_t repeats_;
  int threads_;
  InstructionSet set_;
  bool measures_distance_;
  CoreDistance distance_;
  std::chrono::steady_clock::time_point measured_;
  Barrier barrier_;
  SegmentSums segment_sums_;
};

}  // namespace rushlight
