// Every set of vectors that this machine has.
#pragma once

#include <vector>

#include "src/backend/cpu/instruction_set.h"

namespace rushlight {

inline std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set <= best_instruction_set()) sets.push_back(set);
  }
  return sets;
}

}  // namespace rushlight
