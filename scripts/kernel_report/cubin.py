"""Compiles the kernels as the preset cuda does, an architecture at a time, and reads what ptxas says of them."""

import concurrent.futures
import json
import os
import re
import shlex
import struct
from dataclasses import dataclass
from pathlib import Path

from problem import Problem, run

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "kernels"
INSTRUCTION_BYTES = 16  # Since sm_70.
NOP = 0x918  # The low 12 bits.


@dataclass
class Compiled:
    """A kernel for one architecture, or a function that a kernel calls: then `registers` is None."""

    stack: int = 0  # Bytes, that of functions called included.
    spill_stores: int = 0
    spill_loads: int = 0
    registers: int | None = None
    static_shared: int = 0
    instructions: int = 0  # Without the padding behind the last one.


@dataclass
class Launch:
    threads: int
    dynamic_shared: int


class Compiler:
    """nvcc and its flags: those of a build folder that is configured here with the preset cuda and nothing else."""

    def __init__(self):
        configure = ["cmake", "--preset", "cuda", "-B", BUILD, "-DRUSHLIGHT_TESTS=OFF", "-DCMAKE_CUDA_COMPILER_LAUNCHER="]
        run(configure, "configuring the preset cuda, which the kernels are compiled by,", cwd=ROOT)
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.commands = {
            Path(entry["file"]): device_flags(shlex.split(entry["command"]))
            for entry in commands
            if entry["file"].endswith(".cu")
        }
        if not self.commands:
            raise Problem(f"{BUILD}/compile_commands.json names no .cu file: the preset cuda compiles no kernels")
        self.nvcc = next(iter(self.commands.values()))[0]
        version = run([self.nvcc, "--version"], "asking nvcc for its version").stdout
        self.version = re.search(r"V(\d+\.\d+\.\d+)", version).group(1)

    def architectures(self, wanted):
        """Those of cmake/Cuda.cmake that the toolkit knows, or the ones wanted, as numbers in text: `90`."""
        listed = run([self.nvcc, "--list-gpu-code"], "asking nvcc for its architectures").stdout
        known = re.findall(r"^sm_(\w+)$", listed, re.M)
        if wanted:
            for architecture in wanted:
                if architecture not in known:
                    raise Problem(
                        f"nvcc {self.version} knows no architecture {architecture!r}; it knows " + ", ".join(sorted(known, key=order))
                    )
            return sorted(set(wanted), key=order)
        match = re.search(r"set\(rushlight_architectures ([\d ]+)\)", (ROOT / "cmake/Cuda.cmake").read_text())
        if not match:
            raise Problem("cmake/Cuda.cmake sets no rushlight_architectures, whose kernels are to be looked at")
        return [architecture for architecture in match.group(1).split() if architecture in known]

    def compile(self, architectures):
        """{architecture: {function: Compiled}}, by short names, and {architecture: [its cubins]}."""
        jobs = [(architecture, source) for architecture in architectures for source in self.commands]
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            results = list(pool.map(lambda job: self._compile_one(*job), jobs))
        functions = {architecture: {} for architecture in architectures}
        cubins = {architecture: [] for architecture in architectures}
        for (architecture, _), (found, cubin) in zip(jobs, results):
            functions[architecture].update(found)
            cubins[architecture].append(cubin)
        return functions, cubins

    def _compile_one(self, architecture, source):
        cubin = BUILD / f"{source.stem}.sm_{architecture}.cubin"
        flags = [f"-arch=sm_{architecture}", "-cubin", "-Xptxas", "-v", source, "-o", cubin]
        said = run(self.commands[source] + flags, f"compiling {source.name} for sm_{architecture}", cwd=BUILD).stdout
        functions = read_ptxas(said)
        if not any(one.registers is not None for one in functions.values()):
            raise Problem(f"ptxas told of no kernel in {source.name} for sm_{architecture}; it said:\n{said}")
        counts = count_instructions(cubin)
        for mangled, one in functions.items():
            one.instructions = counts.get(mangled, 0)
        return dict(zip(short_names(list(functions)), functions.values())), cubin

    def launches(self):
        """{kernel: Launch}, as the headers say it that src/backend/cuda/launch.cu launches by."""
        program = BUILD / "launch_shapes"
        flags = [Path(__file__).with_name("launch_shapes.cu"), "-o", program]
        run(next(iter(self.commands.values())) + flags, "compiling launch_shapes.cu", cwd=BUILD)
        found = {}
        for line in run([program], "running launch_shapes").stdout.splitlines():
            kernel, operation, threads, shared = line.split()
            found[without_room(f"{kernel}<{operation}>")] = Launch(int(threads), int(shared))
        return found


def order(architecture):
    return (int(re.match(r"\d+", architecture).group()), architecture)


def device_flags(command):
    """The command without source, result and architectures."""
    kept = []
    arguments = iter(command)
    for argument in arguments:
        if argument in ("-o", "-MT", "-MF", "-gencode", "-arch"):
            next(arguments)
        elif argument in ("-c", "-MD") or argument.startswith(("--generate-code", "-arch=", "-gencode=")):
            continue
        elif not argument.endswith(".cu"):
            kept.append(argument)
    return kept


def read_ptxas(text):
    """{mangled name: Compiled} of what `ptxas -v` printed."""
    found = {}
    current = entry = None
    for line in text.splitlines():
        if match := re.search(r"Compiling entry function '(\S+)'", line):
            entry = found.setdefault(match.group(1), Compiled())
        elif match := re.search(r"Function properties for (\S+)", line):
            current = found.setdefault(match.group(1), Compiled())
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            current.stack, current.spill_stores, current.spill_loads = map(int, match.groups())
        elif match := re.search(r"Used (\d+) registers", line):
            entry.registers = int(match.group(1))
            if shared := re.search(r"(\d+) bytes smem", line):
                entry.static_shared = int(shared.group(1))
            if stack := re.search(r"(\d+) bytes cumulative stack size", line):
                entry.stack = max(entry.stack, int(stack.group(1)))
    return found


def count_instructions(cubin):
    """{mangled name: instructions}, from the sections `.text.<name>` of an ELF file of 64 bits."""
    data = cubin.read_bytes()
    table, = struct.unpack_from("<Q", data, 40)
    size, count, names_at = struct.unpack_from("<HHH", data, 58)
    sections = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    names = sections[names_at][4]
    counts = {}
    for name_at, _, _, _, offset, length in sections:
        name = data[names + name_at : data.index(b"\0", names + name_at)].decode()
        if name.startswith(".text."):
            counts[name.removeprefix(".text.")] = without_padding(data[offset : offset + length])
    return counts


def without_padding(code):
    end = len(code)
    while end and struct.unpack_from("<H", code, end - INSTRUCTION_BYTES)[0] & 0xFFF == NOP:
        end -= INSTRUCTION_BYTES
    return end // INSTRUCTION_BYTES


def short_names(mangled):
    """`elementwise_kernel<AdamUpdate>`: no result, room, parameters."""
    text = run(["c++filt"], "reading the names of kernels with c++filt, of the package binutils,", input="\n".join(mangled)).stdout
    return [without_room(name) for name in text.splitlines()]


def without_room(name):
    name = re.sub(r"\(.*\)$", "", name.removeprefix("void "))
    return name.replace("rushlight::", "").replace("(anonymous namespace)::", "")
