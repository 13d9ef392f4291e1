// Which vectors this machine has. One program holds code for all of them and chooses when it runs.
#pragma once

namespace rushlight {

/// Each has all that those before it have. `baseline`: what every processor of the architecture has (SSE2, NEON).
/// AVX2 counts with FMA, AVX-512 with its parts F, BW, DQ and VL.
enum class InstructionSet { baseline, avx2, avx512 };

InstructionSet best_instruction_set();

/// Beside AVX-512 that counts as such, instructions that multiply pairs of bf16.
bool has_avx512_bf16();

const char* to_string(InstructionSet set);

}  // namespace rushlight
