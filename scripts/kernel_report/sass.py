"""Instructions by class, from NVIDIA's disassembler."""

import collections
import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from cubin import BUILD, short_names
from problem import Problem, run

# By the opcode without its modifiers. What is in none of them is "other", which the report names.
CLASSES = {
    "global loads": "LDG LD LDGSTS",
    "global stores": "STG ST RED ATOM ATOMG",
    "local": "LDL STL",
    "shared": "LDS STS LDSM ATOMS",
    "shuffles, barriers": "SHFL BAR WARPSYNC VOTE VOTEU MATCH REDUX MEMBAR DEPBAR ENDCOLLECTIVE",
    "fp32": "FADD FMUL FFMA FSETP FSEL FMNMX FCHK FSET",
    "fp64": "DADD DMUL DFMA DSETP DMNMX",
    "MUFU": "MUFU",
    "conversions": "F2F F2I I2F I2FP F2FP F2IP FRND UI2F UF2F UF2I I2I",
    "integer, moves": "IADD IADD3 IMAD ISETP IABS IMNMX VIADD VIMNMX VIADDMNMX LOP3 SHF LEA SEL MOV PRMT POPC FLO BREV BMSK SGXT "
    "P2R R2P PLOP3 R2UR UIADD3 UIMAD UISETP ULOP3 USHF ULEA USEL UMOV UPRMT UPLOP3",
    "constants, indices": "LDC LDCU ULDC S2R S2UR CS2R",
    "control": "BRA EXIT BSSY BSYNC BREAK BRX BMOV CALL RET NOP YIELD RPCMOV KILL BPT",
}
CLASS_OF = {opcode: name for name, opcodes in CLASSES.items() for opcode in opcodes.split()}


class Counts(collections.Counter):
    """Of one kernel: instructions a class; `wide` of the global ones move 128 bits or more a thread."""

    def __init__(self):
        super().__init__()
        self.wide = collections.Counter()
        self.widths = set()
        self.others = set()


def find_disassembler(compiler):
    """nvdisasm of PATH, of the toolkit, or of PyPI; that is put below build/kernels once."""
    beside = Path(compiler.nvcc).resolve().parent / "nvdisasm"
    if there := shutil.which("nvdisasm") or shutil.which(beside):
        return there
    folder = BUILD / "disassembler"
    found = list(folder.glob("lib/python*/site-packages/nvidia/*/bin/nvdisasm"))
    if not found:
        fetch_disassembler(folder, compiler.version)
        found = list(folder.glob("lib/python*/site-packages/nvidia/*/bin/nvdisasm"))
    if not found:
        raise Problem(f"the package nvidia-cuda-nvdisasm holds no nvdisasm where it is looked for, below {folder}")
    return str(found[0])


def fetch_disassembler(folder, version):
    print("Fetching nvdisasm from PyPI, as this toolkit has none.", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
        wanted = f"nvidia-cuda-nvdisasm>={'.'.join(version.split('.')[:2])}"  # No older than the compiler.
        pip = [folder / "bin/python", "-m", "pip", "install", "-q", "--retries", "1", "--timeout", "15", wanted]
        run(pip, "pip's installation")
    except (Problem, OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Problem(
            "the report needs nvdisasm, which is neither on PATH nor beside nvcc, and PyPI's nvidia-cuda-nvdisasm could not be "
            f"had: {error}\nInstall the toolkit's cuda-nvdisasm, or go online. --check and --update-budgets do without it."
        ) from error


def classes(disassembler, cubin):
    """{kernel: Counts}."""
    said = run([disassembler, "-json", cubin], f"disassembling {cubin.name}").stdout
    try:
        functions = json.loads(said)[1]
    except (ValueError, IndexError) as error:
        raise Problem(f"{disassembler} printed no JSON for {cubin.name}, but: {said[:200]}") from error
    names = short_names([function["function-name"] for function in functions])
    return {name: count(function["sass-instructions"]) for name, function in zip(names, functions)}


def count(instructions):
    counts = Counts()
    while instructions and instructions[-1]["opcode"] == "NOP":
        instructions = instructions[:-1]
    for instruction in instructions:
        opcode = instruction["opcode"].split(".")[0]
        name = CLASS_OF.get(opcode, "other")
        # So the compiler writes constants into registers.
        if opcode == "HFMA2" and ",-RZ,RZ," in instruction.get("operands", ""):
            name = "integer, moves"
        counts[name] += 1
        if name == "other":
            counts.others.add(opcode)
        if name.startswith("global"):
            bits = max([int(width) for width in re.findall(r"\.(64|128|256)\b", instruction["opcode"])], default=32)
            counts.wide[name] += bits >= 128
            counts.widths.add(bits)
    return counts
