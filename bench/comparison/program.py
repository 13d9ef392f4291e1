"""Rushlight, as its users run it: each measurement is a process of its own."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from comparison.network import EPOCH_STEPS
from comparison.processes import PeerFailed


def last_words(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("rushlight: ")[:500] if lines else "it said nothing"


class Program:
    def __init__(self, path, threads):
        self.path, self.threads = Path(path), threads

    def version(self):
        """What the program tells of itself: version, commit, compiler, backends. Raises PeerFailed."""
        lines = self._run(["--version"], 30).splitlines()
        told = dict(line.split(maxsplit=1) for line in lines if len(line.split()) > 1)
        return {"version": told.pop("rushlight", None)} | told

    def bench(self, case, *options, seconds, rounds=1, threads=None):
        """`rushlight bench CASE --json`, as a dict. Raises PeerFailed."""
        words = ["bench", case, "--json", "--device", "cpu", "--threads", str(threads or self.threads)]
        text = self._run([*words, "--rounds", str(rounds), "--seconds", str(seconds), *options], 60 + 10 * seconds)
        try:
            return json.loads(text)
        except ValueError:
            raise PeerFailed(f"rushlight bench {case} --json did not answer with JSON: {text[:100]!r}") from None

    def first_step(self):
        """Seconds from the start of `rushlight train` to the end of its first step: to the moment when it begins to write
        the checkpoint, which it does next. Raises PeerFailed."""
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
            start = time.perf_counter()
            process = subprocess.Popen(self._train(folder, 1), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            seconds = None
            while process.poll() is None:
                if seconds is None and any("checkpoint" in name for name in os.listdir(folder)):
                    seconds = time.perf_counter() - start
                time.sleep(0.001)
            whole = time.perf_counter() - start
            log.seek(0)
            if process.returncode or seconds is None:
                raise PeerFailed(f"rushlight train ended with status {process.returncode}: {last_words(log.read())}")
        return {"seconds": seconds, "whole_seconds": whole}

    def training_memory(self):
        """Most bytes that `rushlight train` had in memory in an epoch. Raises PeerFailed."""
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                self._train(folder, EPOCH_STEPS), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            if process.returncode:
                raise PeerFailed(f"rushlight train ended with status {process.returncode}: {last_words(log.read())}")
        return usage.ru_maxrss * 1024

    def _train(self, folder, steps):
        words = ["train", "--device", "cpu", "--threads", str(self.threads), "--quiet", "--max-steps", str(steps)]
        return [self.path, *words, "--out", folder]

    def _run(self, arguments, limit):
        try:
            done = subprocess.run([self.path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            raise PeerFailed(f"rushlight {arguments[0]} did not end within {limit} s") from None
        except OSError as error:
            raise PeerFailed(f"{self.path} does not start: {error.strerror}") from None
        if done.returncode:
            raise PeerFailed(f"rushlight {arguments[0]} ended with status {done.returncode}: {last_words(done.stderr)}")
        return done.stdout
