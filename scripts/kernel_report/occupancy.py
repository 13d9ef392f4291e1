"""How many warps of a kernel an SM holds. The rules are those of cuda_occupancy.h in NVIDIA's toolkit."""

from dataclasses import dataclass

from problem import Problem

WARP = 32
REGISTERS = 65536  # Of an SM, in four parts.
PARTS = 4
REGISTER_UNIT = 256  # A warp takes a multiple of it.
SHARED_UNIT = 128
RESERVED_SHARED = 1024  # Of each block, by CUDA.


@dataclass
class Limits:
    """Of an SM: warps and blocks that it holds, bytes of shared memory."""

    warps: int
    blocks: int
    shared: int


# CUDA C++ Programming Guide, technical specifications per compute capability.
SM = {
    "80": Limits(64, 32, 164 << 10),
    "86": Limits(48, 16, 100 << 10),
    "89": Limits(48, 24, 100 << 10),
    "90": Limits(64, 32, 228 << 10),
    "100": Limits(64, 32, 228 << 10),
    "120": Limits(48, 24, 100 << 10),
}


@dataclass
class Occupancy:
    warps: int
    most: int
    limited_by: list  # Of registers, shared memory, threads, blocks; nothing where the SM is full.


def up(value, unit):
    return -(-value // unit) * unit


def require_known(architectures):
    for architecture in architectures:
        if architecture not in SM:
            raise Problem(
                f"no limits are known of sm_{architecture}'s multiprocessors; add them to SM in scripts/kernel_report/occupancy.py"
            )


def occupancy(architecture, registers, threads, shared):
    """`shared`: bytes a block, static and dynamic. REQUIRES: `SM` has the architecture."""
    limits = SM[architecture]
    warps = up(threads, WARP) // WARP
    registers_a_warp = up(registers * WARP, REGISTER_UNIT)
    # Warps lie in one part each; whether a block can start is asked as if it filled all parts alike.
    starts = registers_a_warp * up(warps, PARTS) <= REGISTERS
    blocks = {
        "registers": REGISTERS // PARTS // registers_a_warp * PARTS // warps if starts else 0,
        "shared memory": limits.shared // up(shared + RESERVED_SHARED, SHARED_UNIT),
        "threads": limits.warps // warps,
        "blocks": limits.blocks,
    }
    fewest = min(blocks.values())
    full = fewest * warps == limits.warps
    return Occupancy(fewest * warps, limits.warps, [] if full else [name for name, most in blocks.items() if most == fewest])
