"""The kernels' report where no nvcc is: what it reads, what it complains of, and NVIDIA's occupancy."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts/kernel_report"))

import budgets  # noqa: E402
import cubin  # noqa: E402
import sass  # noqa: E402
from occupancy import occupancy  # noqa: E402

KERNEL = "elementwise_kernel<AdamUpdate>"
PTXAS = """\
ptxas info    : Compiling entry function '_Zk' for 'sm_90'
ptxas info    : Function properties for _Zk
    8 bytes stack frame, 16 bytes spill stores, 28 bytes spill loads
ptxas info    : Used 54 registers, used 1 barriers, 96 bytes cumulative stack size, 1024 bytes smem
ptxas info    : Function properties for _Zcalled
    64 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
"""


def complaints(compiled, allowed, kernel=KERNEL, threads=256, dynamic=0):
    launch = cubin.Launch(threads, dynamic)
    found = {(KERNEL, "90"): budgets.Budget.of(compiled, launch)}
    return budgets.complaints({"90": {KERNEL: compiled}}, found, {(kernel, "90"): budgets.Budget(*allowed)})


class KernelReportTest(unittest.TestCase):
    def test_what_ptxas_says_is_read(self):
        found = cubin.read_ptxas(PTXAS)
        self.assertEqual(
            found["_Zk"], cubin.Compiled(stack=96, spill_stores=16, spill_loads=28, registers=54, static_shared=1024)
        )
        self.assertEqual(found["_Zcalled"], cubin.Compiled(stack=64))

    def test_a_kernel_within_its_budget_passes(self):
        self.assertEqual(complaints(cubin.Compiled(registers=54, instructions=700, static_shared=8), (54, 700, 24), dynamic=16), [])

    def test_each_excess_is_named(self):
        compiled = cubin.Compiled(registers=55, instructions=701, static_shared=8)
        self.assertEqual(
            complaints(compiled, (54, 700, 23), dynamic=16),
            [
                f"{KERNEL} for sm_90: 55 registers, allowed are 54",
                f"{KERNEL} for sm_90: 701 instructions, allowed are 700",
                f"{KERNEL} for sm_90: 24 bytes of shared memory, allowed are 23",
            ],
        )

    def test_spills_and_stack_fail_within_any_budget(self):
        said = complaints(cubin.Compiled(registers=1, spill_stores=4, spill_loads=8, stack=16), (255, 9999, 9999))
        self.assertEqual(len(said), 2)
        self.assertIn("spills 4 bytes of stores and 8 bytes of loads", said[0])
        self.assertIn("a stack of 16 bytes", said[1])

    def test_a_missing_line_and_one_too_many_are_named(self):
        said = complaints(cubin.Compiled(registers=1), (1, 1, 1), kernel="elementwise_kernel<Gone>")
        self.assertIn(f"{KERNEL} for sm_90: has no line", said[0])
        self.assertIn("elementwise_kernel<Gone>: has a line", said[1])

    def test_budgets_and_document_name_the_same_kernels(self):
        kernels = {kernel for kernel, _ in budgets.read()[0]}
        self.assertGreater(len(kernels), 5)
        self.assertEqual(list(budgets.document_complaints(kernels)), [])
        self.assertIn(KERNEL, "\n".join(budgets.document_complaints(kernels - {KERNEL})))

    def test_flags_of_source_result_and_architecture_are_left_out(self):
        command = "nvcc -O3 --generate-code=arch=compute_80,code=[sm_80] -MD -MT a -MF b -x cu -c a.cu -o a.o".split()
        self.assertEqual(cubin.device_flags(command), ["nvcc", "-O3", "-x", "cu"])

    def test_padding_is_no_instruction(self):
        nop, add = bytes([0x18, 0x79]) + bytes(14), bytes([0x10, 0x72]) + bytes(14)
        self.assertEqual(cubin.without_padding(add + nop + add + nop + nop), 3)
        said = [{"opcode": "LDG.E.128"}, {"opcode": "LDG.E.ENL2.256"}, {"opcode": "LDG.E"}, {"opcode": "HADD2"}, {"opcode": "NOP"}]
        counts = sass.count(said)
        self.assertEqual((counts.total(), counts["global loads"], counts.wide["global loads"]), (4, 3, 2))
        self.assertEqual(counts.others, {"HADD2"})

    # From cudaOccMaxActiveBlocksPerMultiprocessor of CUDA 13.0's cuda_occupancy.h, in warps.
    def test_occupancy_is_that_of_nvidias_header(self):
        for architecture, registers, threads, shared, warps in OCCUPANCIES:
            with self.subTest(architecture=architecture, registers=registers, threads=threads, shared=shared):
                self.assertEqual(occupancy(architecture, registers, threads, shared).warps, warps)


OCCUPANCIES = [
    ("80", 54, 256, 0, 32),
    ("80", 40, 256, 10560, 48),
    ("80", 17, 32, 4624, 29),
    ("80", 33, 96, 7904, 48),
    ("80", 128, 1024, 0, 0),
    ("80", 12, 256, 48000, 24),
    ("86", 54, 256, 0, 32),
    ("86", 40, 256, 10560, 48),
    ("86", 17, 32, 4624, 16),
    ("86", 33, 96, 7904, 33),
    ("86", 128, 1024, 0, 0),
    ("86", 12, 256, 48000, 16),
    ("89", 54, 256, 0, 32),
    ("89", 40, 256, 10560, 48),
    ("89", 17, 32, 4624, 17),
    ("89", 33, 96, 7904, 33),
    ("89", 128, 1024, 0, 0),
    ("89", 12, 256, 48000, 16),
    ("90", 54, 256, 0, 32),
    ("90", 40, 256, 10560, 48),
    ("90", 17, 32, 4624, 32),
    ("90", 33, 96, 7904, 48),
    ("90", 128, 1024, 0, 0),
    ("90", 12, 256, 48000, 32),
    ("100", 54, 256, 0, 32),
    ("100", 40, 256, 10560, 48),
    ("100", 17, 32, 4624, 32),
    ("100", 33, 96, 7904, 48),
    ("100", 128, 1024, 0, 0),
    ("100", 12, 256, 48000, 32),
    ("120", 54, 256, 0, 32),
    ("120", 40, 256, 10560, 48),
    ("120", 17, 32, 4624, 17),
    ("120", 33, 96, 7904, 33),
    ("120", 128, 1024, 0, 0),
    ("120", 12, 256, 48000, 16),
]

if __name__ == "__main__":
    unittest.main()
