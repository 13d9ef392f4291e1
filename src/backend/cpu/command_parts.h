// A thread's part of a command.
#pragma once

#include "src/backend/command.h"
#include "src/backend/cpu/instruction_set.h"
#include "src/backend/cpu/part.h"
#include "src/backend/cpu/tall_backward.h"

namespace rushlight {

/// How many threads a command is worth, of `threads`. A product's plan is a PanelProduct.
int useful_parts(const Command& command, int threads);

/// Items, rows or panels are split evenly among the useful parts; a member beyond them does nothing. The bits do not
/// depend on the number of parts. `sums`: the team's, with room for the command.
void run_part(const Command& command, Part part, InstructionSet set, SegmentSums& sums);

}  // namespace rushlight
