"""Rushlight beside PyTorch, JAX and onnxruntime on this CPU, in turns, in one run.

    python3 bench/peers.py                    every peer that this Python can import
    python3 bench/peers.py --quick --no-peers

The lab's training: PyTorch eager and by torch.compile, JAX as jit and scan, with fused Adam where there is one;
inference, batch 1 and 10,000: PyTorch and onnxruntime. All have the same network, batch, kind of data (random bytes in
memory), threads and fp32. Peers are processes that live through the whole run, compiled and warmed up before it, and
stopped by a signal while it is another's turn; ours is `rushlight bench` for each round. Prints tables of medians, spread
and ratios, and the targets; writes a record, JSON, and its chart. `scripts/bench.sh` installs and builds what it takes.
Exit status: 0 measured, whatever was reached; 1 ours was not; 2 wrong usage; 130 interrupted.
"""

import argparse
import os
import resource
import shlex
import sys
import time
from pathlib import Path

import chart
from comparison import contest, record, report
from comparison.frameworks import FRAMEWORKS
from comparison.processes import PeerFailed, Worker, cpu_seconds
from comparison.program import Program
from comparison.targets import TARGETS

ROOT = Path(__file__).resolve().parents[1]
NOISE = 0.02  # Share of the machine that others may take before the record says so.


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"needs a number above 0, but was given {text}")
        return value

    convert.__name__ = "number"
    return convert


def read_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--program", type=Path, default=ROOT / "build/cpu/bin/rushlight", help="build/cpu's unless named")
    parser.add_argument("--rounds", type=positive(int), help="7; 3 with --quick")
    parser.add_argument("--seconds", type=positive(float), help="about, of our work in a round: 4; 2.5 with --quick")
    parser.add_argument("--steps", type=positive(int), help="of a peer's training in a round: 150; 75 with --quick")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--threads", type=positive(int), default=cores, help=f"all cores ({cores}) unless given")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--peers", default=",".join(FRAMEWORKS), help="as pytorch,jax; else all: %(default)s")
    who.add_argument("--no-peers", dest="peers", action="store_const", const="", help="ours alone")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="the record's folder: bench/results")
    options = parser.parse_args(arguments)
    options.peers = [name for name in options.peers.split(",") if name]
    if unknown := [name for name in options.peers if name not in FRAMEWORKS]:
        parser.error(f"--peers: there is no {unknown[0]!r}: {', '.join(FRAMEWORKS)}")
    if options.threads > cores:
        parser.error(f"--threads: {options.threads} were asked for, but there are {cores} cores")
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = options.seconds or (2.5 if options.quick else 4)
    options.steps = options.steps or (75 if options.quick else 150)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out: {options.out} cannot be made: {error.strerror}")
    if not os.access(options.out, os.W_OK):
        parser.error(f"--out: {options.out} cannot be written to")
    return options


def say(text):
    print(text, file=sys.stderr, flush=True)


def busy_seconds():
    """CPU time of this machine, what a host took from it included."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _, _, irq, soft, stolen = fields
    return (user + nice + system + irq + soft + stolen) / os.sysconf("SC_CLK_TCK")


def own_seconds(workers):
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    alive = [cpu_seconds(one.process.pid) for one in workers if one.process.poll() is None]
    return sum(one.ru_utime + one.ru_stime for one in used) + sum(alive)


def measure(options, program, workers):
    """The tables, and what is to be known of how they came about."""
    alive = [one for one in workers.values() if isinstance(one, Worker)]
    start, busy, own = time.monotonic(), busy_seconds(), own_seconds(alive)
    tables = contest.compare(program, workers, options.rounds, options.seconds, options.steps, say)
    elapsed = time.monotonic() - start
    others = max(busy_seconds() - busy - (own_seconds(alive) - own), 0) / (elapsed * os.cpu_count())
    notes = []
    if others > NOISE:
        notes.append(f"other processes took {others:.0%} of this machine meanwhile; a quiet one gives steadier figures")
    idle = {one.peer: round(one.idle_cpu_seconds, 2) for one in alive}
    versions = {name: version for one in alive for name, version in one.versions.items()}
    return tables | {
        "notes": notes, "share_of_others": others, "idle_cpu_seconds": idle, "seconds": elapsed, "versions": versions
    }


def main(arguments):
    options = read_arguments(arguments)
    program = Program(options.program, options.threads)
    try:
        version = program.version()
    except PeerFailed as error:
        say(f"peers.py: {error}; build it (scripts/bench.sh does), or name one with --program")
        return 1
    workers = contest.start_workers(options.peers, options.threads, say)
    try:
        tables = measure(options, program, workers)
    finally:
        for worker in workers.values():
            if isinstance(worker, Worker):
                worker.close()
    whole = {
        "machine": record.machine(), "threads": options.threads, "program": version, **record.built_from(version),
        "date": record.today(), "command": shlex.join(["bench/peers.py", *arguments]),
        "rounds": options.rounds, "seconds_a_round": options.seconds, "peers_steps_a_round": options.steps, **tables,
    }
    whole["targets"] = [target.row(whole) for target in TARGETS]
    path = record.free_path(options.out, record.stem(whole))
    record.write_whole(path, record.to_json(whole))
    record.write_whole(path.with_suffix(".svg"), chart.draw(whole))
    print(report.markdown(whole))
    print(path, path.with_suffix(".svg"), sep="\n", flush=True)
    return 0 if whole["training"][0]["seconds"] and whole["inference_1"][0]["seconds"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
