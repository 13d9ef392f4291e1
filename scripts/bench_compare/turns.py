"""Runs `rushlight bench` of two programs in turn, A B A B, and prints medians, their ratio, and the noise.

    turns.py --rounds N NAME_A NAME_B PROGRAM_A PROGRAM_B [-- ARGUMENT...]

Called by scripts/bench_compare.sh, which builds the programs. Exit code: 0 done, 1 a program failed.
"""
import argparse
import json
import statistics
import subprocess
import sys


def seconds_of(program: str, arguments: list[str]) -> dict[str, float]:
    """One turn: the median of each result, by its name."""
    run = subprocess.run([program, "bench", *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"bench_compare: {program} bench {' '.join(arguments)} ended with code {run.returncode}")
    return {one["name"]: one["seconds"]["median"] for one in json.loads(run.stdout)["results"]}


def with_defaults(arguments: list[str]) -> list[str]:
    """A turn is short, as there are many, unless it was told how long it is."""
    given = {argument.split("=")[0] for argument in arguments}
    for option, value in {"--seconds": "2", "--rounds": "3", "--device": "cpu"}.items():
        if option not in given:
            arguments = [*arguments, option, value]
    return arguments


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds * 1e9:.4g} ns"


def table(first: list[dict[str, float]], second: list[dict[str, float]], names: list[str]) -> list[str]:
    """Lines for a person: `first` and `second` are the turns of A and of B."""
    rows = [f"{'':28} {names[0][:12]:>12} {names[1][:12]:>12}  {'B / A':23} A / A before it"]
    for name in first[0]:
        a, b = [turn[name] for turn in first], [turn[name] for turn in second]
        ratios = [after / before for before, after in zip(a, b)]
        noise = [after / before for before, after in zip(a, a[1:])]
        rows.append(
            f"{name:28} {duration(statistics.median(a)):>12} {duration(statistics.median(b)):>12}  "
            f"{spread(ratios):23} {spread(noise) if noise else 'one turn has none'}"
        )
    return rows


def main() -> None:
    own, arguments = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, arguments = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("names_and_programs", nargs=4)
    options = parser.parse_args(own)
    names, programs = options.names_and_programs[:2], options.names_and_programs[2:]
    arguments = with_defaults(arguments)
    turns: list[list[dict[str, float]]] = [[], []]
    for number in range(options.rounds):
        for which, program in enumerate(programs):
            print(f"turn {number + 1} of {options.rounds}, {'AB'[which]}", file=sys.stderr)
            turns[which].append(seconds_of(program, arguments))
    print(f"A is {names[0]}, B is {names[1]}: rushlight bench {' '.join(arguments)}")
    print("\n".join(table(*turns, names)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
