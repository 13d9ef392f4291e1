"""What nvcc makes of the kernels. Called by scripts/kernel_report.sh, whose head tells the options."""

import argparse
import re
import sys
from pathlib import Path

import budgets
import document
import model
import occupancy
import sass
from cubin import Compiler
from problem import Problem, run, write_whole


def read_arguments():
    parser = argparse.ArgumentParser(prog="kernel_report.sh", description="What nvcc makes of the kernels, without a GPU.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail where a kernel exceeds kernels/budgets.txt, or spills")
    mode.add_argument("--update-budgets", action="store_true", help="write kernels/budgets.txt from what is found")
    parser.add_argument("--architectures", default="", help="as 90,100; all of cmake/Cuda.cmake by default")
    parser.add_argument("--program", type=Path, help="a rushlight that is built, to plan the step; else build/cpu's is built")
    return parser.parse_args()


def matched(functions, launches):
    """The launches of the kernels found. Raises Problem where the binary and the launches tell of different ones."""
    kernels = {name for by_name in functions.values() for name, one in by_name.items() if one.registers is not None}
    if without := sorted(kernels - set(launches)):
        raise Problem(
            f"{', '.join(without)}: compiled, but scripts/kernel_report/launch_shapes.cu does not say how it is launched; "
            "add its shape there and to src/backend/cuda/launch_shape.cuh"
        )
    if gone := sorted(set(launches) - kernels):
        raise Problem(f"{', '.join(gone)}: scripts/kernel_report/launch_shapes.cu tells of it, but it is not among the compiled kernels")
    return {kernel: launches[kernel] for kernel in sorted(kernels)}


def check(functions, found, version):
    allowed, written_with = budgets.read()
    kernels = sorted({kernel for kernel, _ in found})
    said = budgets.complaints(functions, found, allowed) + list(budgets.document_complaints(kernels))
    for line in said:
        print(line, file=sys.stderr)
    if said:
        also = "" if written_with == version else f" They were written with nvcc {written_with}; this is {version}."
        print(f"Faults: {len(said)}. Where a budget has to grow: {budgets.UPDATE}.{also}", file=sys.stderr)
        return 1
    print(f"{len(kernels)} kernels on {', '.join('sm_' + at for at in functions)}: no spill, no stack, all within kernels/budgets.txt")
    return 0


def report(compiler, functions, launches, cubins, program):
    occupancy.require_known(functions)
    disassembler = sass.find_disassembler(compiler)
    counts = {at: {} for at in cubins}
    for at, files in cubins.items():
        for cubin in files:
            counts[at].update(sass.classes(disassembler, cubin))
        for kernel in launches:
            if counts[at][kernel].total() != functions[at][kernel].instructions:
                raise Problem(
                    f"{kernel} for sm_{at}: nvdisasm shows {counts[at][kernel].total()} instructions, "
                    f"the cubin holds {functions[at][kernel].instructions}; the way they are counted is wrong"
                )
    version = run([disassembler, "--version"], "asking nvdisasm for its version").stdout
    version = re.search(r"V(\d+\.\d+\.\d+)", version).group(1)
    ceilings, work = model.model(program or model.build_program())
    text = document.write(functions, launches, counts, compiler.version, version, ceilings, work)
    write_whole(budgets.DOCUMENT, text)
    print(f"Wrote {budgets.DOCUMENT}: {len(launches)} kernels, {len(functions)} architectures.")
    return 0


def main():
    arguments = read_arguments()
    if arguments.architectures and not (arguments.check or arguments.update_budgets):
        raise Problem("docs/kernels.md covers every architecture: --architectures goes with --check or --update-budgets")
    compiler = Compiler()
    functions, cubins = compiler.compile(compiler.architectures([at for at in arguments.architectures.split(",") if at]))
    launches = matched(functions, compiler.launches())
    if not (arguments.check or arguments.update_budgets):
        return report(compiler, functions, launches, cubins, arguments.program)
    found = {
        (kernel, at): budgets.Budget.of(by_name[kernel], launches[kernel])
        for at, by_name in functions.items()
        for kernel in launches
    }
    if arguments.update_budgets:
        budgets.write(found, compiler.version)
    return check(functions, found, compiler.version)


try:
    sys.exit(main())
except Problem as problem:
    print(f"kernel_report: {problem}", file=sys.stderr)
    sys.exit(2)
