"""The most that each kernel may take: kernels/budgets.txt."""

import re
from dataclasses import astuple, dataclass

from cubin import ROOT, order
from problem import Problem, write_whole

FILE = ROOT / "kernels/budgets.txt"
DOCUMENT = ROOT / "docs/kernels.md"
UPDATE = "scripts/kernel_report.sh --update-budgets"
HEAD = """\
# The most that a kernel may take: registers a thread, instructions, bytes of shared memory a block. Stack and spills are 0.
# scripts/kernel_report.sh --check holds nvcc to it, --update-budgets writes it anew. Written with nvcc {version}.
"""
COLUMNS = ("kernel", "architecture", "registers", "instructions", "shared")


@dataclass
class Budget:
    registers: int
    instructions: int
    shared: int

    @staticmethod
    def of(compiled, launch):
        return Budget(compiled.registers, compiled.instructions, compiled.static_shared + launch.dynamic_shared)


WORDS = ("registers", "instructions", "bytes of shared memory")


def read():
    """{(kernel, architecture): Budget}, and the version of nvcc that it was written with."""
    if not FILE.exists():
        raise Problem(f"there is no {FILE.relative_to(ROOT)}; {UPDATE} writes it")
    budgets = {}
    text = FILE.read_text()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S.*\S)\s+sm_(\w+)\s+(\d+)\s+(\d+)\s+(\d+)\s*", line)
        if not match:
            raise Problem(
                f"kernels/budgets.txt, line {number}: expected {', '.join(COLUMNS)}, but found: {line.strip()}"
            )
        key = match.group(1), match.group(2)
        if key in budgets:
            raise Problem(f"kernels/budgets.txt, line {number}: {key[0]} has a second line for sm_{key[1]}; remove one")
        budgets[key] = Budget(*map(int, match.groups()[2:]))
    version = re.search(r"Written with nvcc (\S+)\.$", text, re.M)
    return budgets, version.group(1) if version else "unknown"


def write(found, version):
    """`found`: {(kernel, architecture): Budget}. Lines of other architectures stay, for kernels that are still there."""
    kernels = {kernel for kernel, _ in found}
    architectures = {architecture for _, architecture in found}
    old = read()[0] if FILE.exists() else {}
    kept = {key: one for key, one in old.items() if key[0] in kernels and key[1] not in architectures}
    rows = [(kernel, f"sm_{at}", *astuple(one)) for (kernel, at), one in sorted({**kept, **found}.items(), key=by_name)]
    width = max(len(row[0]) for row in rows)
    lines = [f"{name:{width}}  {at:>12}  {a:>9}  {b:>12}  {c:>6}" for name, at, a, b, c in [("# kernel", *COLUMNS[1:]), *rows]]
    write_whole(FILE, HEAD.format(version=version) + "\n".join(lines) + "\n")


def by_name(item):
    (kernel, architecture), _ = item
    return kernel, order(architecture)


def complaints(functions, found, budgets):
    """A line for each fault. `functions`: {architecture: {function: Compiled}}; `found` as in write."""
    said = [
        line
        for architecture, compiled in functions.items()
        for name, one in sorted(compiled.items())
        for line in local_memory(f"{name} for sm_{architecture}", one)
    ]
    for key, one in sorted(found.items(), key=by_name):
        where = f"{key[0]} for sm_{key[1]}"
        if key not in budgets:
            said.append(f"{where}: has no line in kernels/budgets.txt; found " + describe(one))
            continue
        for word, is_now, allowed in zip(WORDS, astuple(one), astuple(budgets[key])):
            if is_now > allowed:
                said.append(f"{where}: {is_now} {word}, allowed are {allowed}")
    for kernel in sorted({kernel for kernel, _ in budgets} - {kernel for kernel, _ in found}):
        said.append(f"{kernel}: has a line in kernels/budgets.txt, but the binary has no such kernel")
    return said


def local_memory(where, one):
    """Local memory lies in the GPU's memory: what should be in registers is then slow."""
    if one.spill_stores or one.spill_loads:
        yield f"{where}: spills {one.spill_stores} bytes of stores and {one.spill_loads} bytes of loads, allowed are 0"
    if one.stack:
        yield f"{where}: has a stack of {one.stack} bytes, allowed are 0"


def describe(one):
    return ", ".join(f"{value} {word}" for word, value in zip(WORDS, astuple(one)))


def document_complaints(kernels):
    """Whether docs/kernels.md names other kernels than there are."""
    text = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    named = set(re.findall(r"`(\w+<\w+>)`", text))
    for kernel in sorted(set(kernels) - named):
        yield f"{kernel}: docs/kernels.md does not name it; scripts/kernel_report.sh writes that page anew"
    for kernel in sorted(named - set(kernels)):
        yield f"{kernel}: docs/kernels.md names it, but the binary has no such kernel; scripts/kernel_report.sh writes that page anew"
