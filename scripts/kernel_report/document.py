"""docs/kernels.md."""

from model import GPUS
from occupancy import REGISTERS, occupancy
from sass import CLASSES

HEAD = """\
# Kernels

What nvcc makes of each kernel, and what each has to do in a step. All of it is known without a GPU: nothing on this page was
measured on one. `scripts/kernel_report.sh` writes the page from the compiled kernels; with `--check` it holds them to
`kernels/budgets.txt` instead.

Made with nvcc {nvcc} and nvdisasm {nvdisasm}, and the flags of the preset `cuda`. Another toolkit gives other numbers.

## Blocks

Threads and dynamic shared memory are what `launch` asks for. Static shared memory, stack and spills are ptxas's, the most of all
architectures, in bytes. A spill is a register that went to local memory, which lies in the GPU's memory; stack is local memory as
well. Both are 0, or `--check` fails.

{blocks}

## Registers

Registers a thread. An SM has {registers:,}: enough for 8 blocks of 256 threads with up to 32 registers each, for 6 with 40, for 5 with 48
and for 4 with 64.

{register_table}

## Occupancy

The warps that an SM can hold at once, of the most that it can hold at all, and what keeps it from more: registers, shared memory,
threads (the next block would not fit) or the number of blocks. Many warps hide the time that memory takes to answer; more than hide it
do not help, and a kernel that holds much in registers needs fewer. The rules are those of NVIDIA's cuda_occupancy.h. Shared memory is
taken to be the most that an SM gives. Whether a grid has blocks enough to fill the SMs is another question.

{occupancy}

## Instructions

How many a kernel has, not how many run: loops count once, and both sides of a branch count. The padding behind the last one does not.

{totals}

Loads and stores of global memory, and in brackets how many of them move 128 bits or more a thread. The others are for rows that are
not aligned or do not end with eight columns, and for single numbers.

{accesses}

### By class

MUFU is the unit for reciprocals, roots, exponentials and logarithms. An HFMA2 that adds to zero writes a constant into a register, and
counts as a move.

{classes}
"""

MODEL = """
## A step, as a model

What `rushlight plan --device h100` and `--device h200` tell, in fp32, of a step of the lab (batch 100), or of its network with
2,000 classes for kernels that the lab's step does not launch. Elements are the numbers that the kernel's formula is applied to; of a
product, those of its result. Each byte that must move counts once, and each comparison, root or exponential is one flop.

**The times are a model, not a measurement**: of each launch the longest of its bytes' time, its flops' time and the time that a kernel
in a CUDA graph takes at least. The ceilings, and the sum over the lab's step, its products included:

{ceilings}

Of each kernel, all its launches in a step together; the last column tells which of the three it is on the {first}:

{work}
"""

def table(head, rows):
    """A table of Markdown; columns but the first stand right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def by_architecture(kernels, architectures, cell):
    head = ["Kernel"] + [f"sm_{architecture}" for architecture in architectures]
    return table(head, [[f"`{kernel}`"] + [cell(kernel, at) for at in architectures] for kernel in kernels])


def blocks_table(kernels, functions, launches):
    rows = []
    for kernel in kernels:
        compiled = [by_name[kernel] for by_name in functions.values()]
        most = [max(getattr(one, what) for one in compiled) for what in ("static_shared", "stack", "spill_stores", "spill_loads")]
        rows.append([f"`{kernel}`", launches[kernel].threads, most[0], launches[kernel].dynamic_shared, *most[1:]])
    head = ["Kernel", "threads", "static shared", "dynamic shared", "stack", "spill stores", "spill loads"]
    return table(head, rows)


def occupancy_cell(one):
    percent = f"{100 * one.warps / one.most:.0f}%, {one.warps} of {one.most}"
    return percent + (": " + ", ".join(one.limited_by) if one.limited_by else "")


def access_cell(counts):
    cells = []
    for name in ("global loads", "global stores"):
        cells.append(f"{counts[name]} ({counts.wide[name]})")
    return " / ".join(cells)


def classes_table(kernels, counts):
    """Of one architecture."""
    names = list(CLASSES)
    others = sorted({opcode for kernel in kernels for opcode in counts[kernel].others})
    if others:
        names.append("other")
    shown = [name for name in names if any(counts[kernel][name] for kernel in kernels)]
    rows = [[f"`{kernel}`"] + [counts[kernel][name] for name in shown] + [counts[kernel].total()] for kernel in kernels]
    note = f"\n\nOther: {', '.join(others)}." if others else ""
    return table(["Kernel", *shown, "all"], rows) + note


def short(value):
    return f"{value:.1f}".removesuffix(".0")


def work_table(kernels, work):
    rows = []
    for kernel in [*kernels, "cuBLAS"]:
        name = "products, by cuBLAS" if kernel == "cuBLAS" else f"`{kernel}`"
        if kernel not in work:
            rows.append([name, "none of them"] + ["–"] * (6 + len(GPUS)))
            continue
        one = work[kernel]
        cost = [f"{one.launches}", f"{one.elements:,}", short(one.bytes / one.elements), short(one.flops / one.elements)]
        times = [f"{one.seconds[gpu] * 1e6:.2f}" for gpu in GPUS]
        rows.append([name, one.network, *cost, f"{one.flops / one.bytes:.2f}", *times, ", ".join(sorted(one.bounds))])
    head = ["Kernel", "network", "launches", "elements", "bytes an element", "flops an element", "flops a byte"]
    return table(head + [f"{gpu}, us (model)" for gpu in GPUS] + ["bound by"], rows)


def ceilings_table(ceilings):
    rows = []
    for gpu, step in ceilings.items():
        copy, fp32 = step["copy_bytes_per_second"] / 1e12, step["fp32_flops_per_second"] / 1e12
        kernel, all_of_it = step["seconds_per_kernel"] * 1e6, step["seconds_model"] * 1e6
        rows.append([gpu, f"{copy:.1f}", f"{fp32:.0f}", f"{kernel:.1f}", step["launches"], f"{all_of_it:.2f}"])
    return table(["GPU", "copy, TB/s", "fp32, TFLOP/s", "least of a kernel, us", "launches", "step, us (model)"], rows)


def write(functions, launches, counts, nvcc, nvdisasm, ceilings, work):
    """The page's text. `functions` and `counts`: {architecture: {kernel: ...}}."""
    architectures = list(functions)
    kernels = sorted(launches)

    def registers(kernel, at):
        return functions[at][kernel].registers

    def occupied(kernel, at):
        launch = launches[kernel]
        shared = functions[at][kernel].static_shared + launch.dynamic_shared
        return occupancy_cell(occupancy(at, registers(kernel, at), launch.threads, shared))

    text = HEAD.format(
        nvcc=nvcc,
        nvdisasm=nvdisasm,
        registers=REGISTERS,
        blocks=blocks_table(kernels, functions, launches),
        register_table=by_architecture(kernels, architectures, registers),
        occupancy=by_architecture(kernels, architectures, occupied),
        totals=by_architecture(kernels, architectures, lambda kernel, at: functions[at][kernel].instructions),
        accesses=by_architecture(kernels, architectures, lambda kernel, at: access_cell(counts[at][kernel])),
        classes="\n\n".join(f"#### sm_{at}\n\n{classes_table(kernels, counts[at])}" for at in architectures),
    )
    return text + MODEL.format(ceilings=ceilings_table(ceilings), first=GPUS[0], work=work_table(kernels, work))
