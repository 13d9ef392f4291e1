#!/usr/bin/env python3
"""Breaks the GPU's code on purpose, one small edit of mutants.txt at a time, and says which tests notice.

    tests/mutants/run.py [NAME...] [--jobs N] [--report FILE] [--doctor]   build, run the tests of each, print a table
    tests/mutants/run.py --list                                            what there is
    tests/mutants/run.py --check                                           only whether each edit fits the sources

All edits are woven into one copy of the sources, under build/mutants: `old` becomes `mutant_is(id) ? new : old`, and
the environment says which one is wrong. So one build serves them all, and your files stay as they are. Tests run on the
emulated device: plain in three orders of its threads and, where none of them sees the edit, under ThreadSanitizer and
AddressSanitizer. Exit code: 0 each was caught, 1 one survived, 2 they could not be run.
"""

import argparse
import configparser
import dataclasses
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).with_name("mutants.txt")
NOT_COPIED = {"build", "runs"}
SWITCH = "RUSHLIGHT_MUTANT"
HEADER = f"""#pragma once
#include <cstdlib>
inline const unsigned long rushlight_mutant = [] {{
  const char* const chosen = std::getenv("{SWITCH}");
  return chosen == nullptr ? 0ul : std::strtoul(chosen, nullptr, 10);
}}();
inline bool mutant_is(unsigned long id) {{ return rushlight_mutant == id; }}
"""


@dataclasses.dataclass(frozen=True)
class Stage:
    name: str
    preset: str
    seed: int


STAGES = [Stage("plain", "emulated", seed) for seed in (1, 2, 3)]
STAGES += [Stage("ThreadSanitizer", "emulated-tsan", 1), Stage("AddressSanitizer", "emulated-asan", 1)]


class CannotRun(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    what: str
    file: str
    old: str  # «» stand around what is replaced; the rest says where.
    new: str

    @property
    def id(self):
        return zlib.crc32(self.name.encode()) or 1

    def place(self, text):
        """Where the replaced part begins and ends. White space may differ."""
        before, target, after = re.fullmatch("([^«»]*)«([^«»]+)»([^«»]*)", self.old).groups()
        spaced = [r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)) for part in (before, target, after)]
        found = list(re.finditer("{}({}){}".format(*spaced), text))
        if len(found) != 1:
            raise CannotRun(f"{self.name}: its old text is in {self.file} {len(found)} times and not once: {self.old}")
        return found[0].span(1)


def read_list():
    parser = configparser.ConfigParser(interpolation=None, delimiters=":", comment_prefixes="#", strict=True)
    parser.read(LIST, encoding="utf-8")
    mutants = []
    for name in parser.sections():
        entry = dict(parser[name])
        if set(entry) != {"what", "file", "old", "new"}:
            raise CannotRun(f"{name}: an entry has what, file, old and new, and this one has {', '.join(entry)}")
        if not re.fullmatch("[^«»]*«[^«»]+»[^«»]*", entry["old"]):
            raise CannotRun(f"{name}: put « and » around what is replaced in: {entry['old']}")
        mutants.append(Mutant(name, **entry))
    return mutants


def weave(text, mutants):
    """The text with all mutants of its file in it. Those of one place become one choice."""
    places = {}
    for mutant in mutants:
        places.setdefault(mutant.place(text), []).append(mutant)
    for (first, second) in itertools.pairwise(sorted(places)):
        if second[0] < first[1]:
            names = f"{places[first][0].name} and {places[second][0].name}"
            raise CannotRun(f"{names} overlap: let both replace the same text")
    for (begin, end), choices in sorted(places.items(), reverse=True):
        old = text[begin:end]
        if old.endswith((";", "}")):
            new = "".join(f"if (mutant_is({one.id}ul)) {{ {one.new} }} else " for one in choices)
            woven = f"{{ {new}{{ {old} }} }}"
        else:
            new = "".join(f"mutant_is({one.id}ul) ? ({one.new}) : " for one in choices)
            woven = f"({new}({old}))"
        text = text[:begin] + woven + text[end:]
    return text


def write_if_new(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def woven_files(mutants):
    by_file = {}
    for mutant in mutants:
        by_file.setdefault(mutant.file, []).append(mutant)
    return {file: weave((ROOT / file).read_text(encoding="utf-8"), those) for file, those in by_file.items()}


def make_copy(mutants, copy):
    """Files that stay the same keep their times, so that little is built again."""
    woven = woven_files(mutants)
    kept = set()
    for folder, folders, files in os.walk(ROOT):
        inside = pathlib.Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders if not name.startswith(".") and str(inside / name) not in NOT_COPIED]
        for file in files:
            path = inside / file
            kept.add(path)
            content = woven[str(path)].encode() if str(path) in woven else (ROOT / path).read_bytes()
            write_if_new(copy / path, content)
            shutil.copymode(ROOT / path, copy / path)
    for path in [path for path in copy.rglob("*") if path.is_file() and path.relative_to(copy) not in kept]:
        path.unlink()


class Build:
    def __init__(self, work, jobs):
        self.work, self.jobs, self.limits = work, jobs, {}

    def folder(self, stage):
        return self.work / stage.preset

    def make(self, stage):
        folder = self.folder(stage)
        settings = ["-DRUSHLIGHT_WERROR=OFF", f"-DCMAKE_CXX_FLAGS=-include {self.work / 'mutants.h'}",
                    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -DNDEBUG"]
        if shutil.which("ccache"):
            settings.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        self.call(stage, ["cmake", "--preset", stage.preset, "-S", self.work / "source", "-B", folder, *settings])
        self.call(stage, ["cmake", "--build", folder, "-j", str(self.jobs), "--target", "rushlight_tests",
                          "rushlight_emulator_tests", "rushlight_allocation_tests"])

    def call(self, stage, command):
        log = self.work / f"{stage.preset}.log"
        with log.open("a") as out:
            if subprocess.run(command, cwd=self.work / "source", stdout=out, stderr=out, check=False).returncode:
                raise CannotRun(f"{stage.preset} can't be built with the mutants in it; {log} says why")

    def environment(self, stage, mutant):
        return {**os.environ, SWITCH: str(mutant.id if mutant else 0), "RUSHLIGHT_EMULATOR_SEED": str(stage.seed),
                "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}

    def test(self, stage, mutant, limit):
        """The tests of the GPU's code that fail, those that take the least time first."""
        command = ["ctest", "--test-dir", str(self.folder(stage)), "-L", "gpu", "-j", str(self.jobs)]
        with tempfile.TemporaryFile("w+") as out:
            with subprocess.Popen(command, stdout=out, stderr=out, env=self.environment(stage, mutant),
                                  start_new_session=True) as tests:
                try:
                    tests.wait(limit)
                except subprocess.TimeoutExpired:
                    pass
                finally:
                    hung = tests.poll() is None
                    if hung:
                        os.killpg(tests.pid, signal.SIGKILL)
            out.seek(0)
            text = out.read()
        ended = re.findall(r"Test +#\d+: (\S+).*? \.+ *(\S.*?) +([\d.]+) sec", text)
        if not ended and not hung:
            raise CannotRun(f"ctest ran nothing:\n{text}")
        failed = [(float(seconds), name) for name, how, seconds in ended if "***" in how and "Skipped" not in how]
        running = set(re.findall(r"Start +\d+: (\S+)", text)) - {name for name, _, _ in ended} if hung else []
        return [name for _, name in sorted(failed)] + [f"{name}: hangs" for name in sorted(running)]

    def ready(self, stage):
        """Builds what the stage needs, once, and sees that without a mutant nothing fails."""
        if stage.preset not in self.limits:
            print(f"building {stage.preset}, which takes minutes", file=sys.stderr)
            self.make(stage)
            start = time.monotonic()
            failed = self.test(stage, None, 1800)
            if failed:
                raise CannotRun(f"without a mutant these tests of {stage.preset} fail: {', '.join(failed)}")
            self.limits[stage.preset] = 60 + 4 * (time.monotonic() - start)
        return self.limits[stage.preset]

    def doctor(self, mutant):
        program = self.folder(STAGES[0]) / "bin" / "rushlight"
        try:
            code = subprocess.run([program, "doctor", "--device", "cuda"], env=self.environment(STAGES[0], mutant),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
                                  check=False).returncode
        except subprocess.TimeoutExpired:
            return "hangs"
        return "passes" if code == 0 else f"code {code}" if code > 0 else f"signal {-code}"


def find_catchers(build, chosen):
    """For each mutant the first stage that sees it, and its tests that fail. The next stage tries what is left."""
    caught = {}
    for stage in STAGES:
        left = [mutant for mutant in chosen if mutant not in caught]
        if not left:
            break
        limit = build.ready(stage)
        for number, mutant in enumerate(left, 1):
            failed = build.test(stage, mutant, limit)
            if failed:
                caught[mutant] = stage, failed
            said = f"caught by {failed[0]}, of {len(failed)} tests in all" if failed else "not seen"
            which = f"{stage.name}, seed {stage.seed}, {number} of {len(left)}"
            print(f"{which}: {mutant.name}: {said}", file=sys.stderr, flush=True)
    return caught


def row(mutant, stage, failed, doctor):
    if stage is None:
        caught = "**SURVIVED**"
    else:
        # Suite.Test alone: the names of instantiations and parameters say little.
        name, *how = re.sub(r"^\w+/|/\w+", "", failed[0]).split(":")
        caught = f"`{name}`" + "".join(how) + (f" and {len(failed) - 1} more" if len(failed) > 1 else "")
        caught += f", by {stage.name}" if stage.preset != "emulated" else ""
    cells = [mutant.name, mutant.file, caught] + ([doctor] if doctor else [])
    return "| " + " | ".join(cells) + " |"


def run(mutants, chosen, options):
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    make_copy(mutants, work / "source")
    write_if_new(work / "mutants.h", HEADER.encode())
    build = Build(work, options.jobs)
    caught = find_catchers(build, chosen)
    head = ["Mutant", "File", "Caught by"] + (["doctor"] if options.doctor else [])
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for mutant in chosen:
        lines.append(row(mutant, *caught.get(mutant, (None, [])), build.doctor(mutant) if options.doctor else ""))
    print("\n".join(lines))
    survived = len(chosen) - len(caught)
    if options.report:
        options.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(chosen) - survived} of {len(chosen)} mutants were caught", file=sys.stderr)
    return 1 if survived else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="how much runs at a time")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE", help="also write the table there, as Markdown")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "mutants", metavar="FOLDER")
    parser.add_argument("--doctor", action="store_true", help="also say what `rushlight doctor --device cuda` says")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # Runs the clauses that end the tests.
    try:
        mutants = read_list()
        unknown = set(options.names) - {mutant.name for mutant in mutants}
        if unknown:
            raise CannotRun(f"there is no mutant {', '.join(sorted(unknown))}: --list shows what there is")
        chosen = [mutant for mutant in mutants if not options.names or mutant.name in options.names]
        if options.list:
            print("\n".join(f"{mutant.name:48} {mutant.what}" for mutant in chosen))
            return 0
        if options.check:
            woven_files(mutants)
            print(f"{len(mutants)} mutants fit the sources")
            return 0
        return run(mutants, chosen, options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Nobody reads on.
        return 0
    except (CannotRun, OSError, UnicodeError, configparser.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
