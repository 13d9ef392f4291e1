"""Counts the instructions of a training step under callgrind, by function.

    steps.py PROGRAM [--steps N] [-- ARGUMENT...]

Called by scripts/count_instructions.sh, which builds the program. Exit code: 0 done, 1 a training failed.
"""
import argparse
import collections
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
# More to train on than either run gets to, so that both stop in the first epoch; few to test on.
IMAGES = {"train": 10_000, "t10k": 100}
FIRST_STEPS = 2  # They differ from later ones.

Counts = collections.Counter  # Of (object, function).


def write_data(folder: pathlib.Path) -> None:
    """The first images of each file."""
    for split, count in IMAGES.items():
        for name, header, each in ((f"{split}-images-idx3-ubyte", 16, 784), (f"{split}-labels-idx1-ubyte", 8, 1)):
            with gzip.open(DATA / f"{name}.gz") as file:
                whole = file.read(header + count * each)
            (folder / name).write_bytes(whole[:4] + count.to_bytes(4, "big") + whole[8:])


def read_counts(profile: pathlib.Path) -> Counts:
    """What each function executed itself. The format is that of callgrind's manual, with no names or positions compressed."""
    counts: Counts = collections.Counter()
    where = ["", ""]
    called = False
    for line in profile.read_text().splitlines():
        if match := re.match(r"(ob|fn)=(.*)", line):
            where[match[1] == "fn"] = match[2]
        elif line.startswith("calls="):
            called = True  # The next line is the callee's cost.
        elif re.match(r"[+\-*\d]", line):
            if not called:
                counts[tuple(where)] += int(line.split()[1])
            called = False
    return counts


def count(program: str, data: pathlib.Path, steps: int, arguments: list[str]) -> Counts:
    print(f"Counting a training of {steps} steps.", file=sys.stderr)
    profile, run = data / f"{steps}.out", data / f"run-{steps}"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--compress-strings=no"]
    command += ["--compress-pos=no", program, "train", "--data", str(data), "--device", "cpu", "--threads", "1"]
    command += ["--epochs", "1", "--max-steps", str(steps), "--out", str(run), "--quiet", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stderr}count_instructions: the training ended with code {done.returncode}")
    return read_counts(profile)


def short(function: str) -> str:
    """A name without this project's namespaces and without arguments, one line long."""
    name = function.replace("rushlight::", "").replace("(anonymous namespace)::", "")
    return name if len(name) <= 110 else name[:107] + "..."


def table(difference: Counts, steps: int, program: str) -> list[str]:
    ours: Counts = collections.Counter()
    others: Counts = collections.Counter()
    for (path, function), instructions in difference.items():
        if os.path.realpath(path) == os.path.realpath(program):
            ours[short(function)] += instructions
        else:
            others["code made at run time, by oneDNN" if path == "???" else os.path.basename(path)] += instructions
    rows = [f"instructions a step, one thread ({steps} steps counted)"]
    rows += [f"{n // steps:>14,}  {name}" for name, n in ours.most_common() if n >= 1000 * steps]
    rows.append(f"{sum(ours.values()) // steps:>14,}  ours, with what is below 1,000")
    rows += [f"{n // steps:>14,}  {name}" for name, n in others.most_common() if n >= 1000 * steps]
    return rows


def main() -> None:
    own, arguments = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, arguments = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args(own)
    if options.steps < 1:
        parser.error(f"--steps must be 1 or more, but is {options.steps}")
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder)
        write_data(data)
        few = count(options.program, data, FIRST_STEPS, arguments)
        many = count(options.program, data, FIRST_STEPS + options.steps, arguments)
    many.subtract(few)
    print("\n".join(table(many, options.steps, options.program)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
