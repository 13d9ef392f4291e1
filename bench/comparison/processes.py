"""Peers as processes that live through all rounds, of which only the one whose turn it is may run."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


class PeerFailed(Exception):
    """What a peer could not do, as a sentence."""


def cpu_seconds(pid):
    """CPU time of all threads of a process, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Worker:
    """A process that answers a line of JSON with a line of JSON: see worker.py. Between its turns it is stopped by a
    signal, so that threads that spin for a while after their work take nothing from the next in turn; and
    `idle_cpu_seconds` is what it used there nevertheless."""

    def __init__(self, peer, threads, command=None, patience=120):
        self.peer, self.idle_cpu_seconds = peer, 0.0
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "comparison.worker", peer, str(threads)],
            cwd=BENCH, env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=0,
        )
        try:
            hello = self._hear(patience)
        except PeerFailed:
            self.close()
            raise
        self.versions = hello["versions"]
        self._stop()

    def ask(self, patience, **request):
        """The answer, within so many seconds. Raises PeerFailed; a worker that is late or dead is of no more use."""
        self._go_on()
        try:
            self.process.stdin.write((json.dumps(request) + "\n").encode())
            return self._hear(patience)
        except BrokenPipeError:
            raise PeerFailed(self._end()) from None
        finally:
            self._stop()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def _hear(self, patience):
        if not select.select([self.process.stdout], [], [], patience)[0]:
            self.process.kill()
            raise PeerFailed(f"no answer within {patience} s")
        line = self.process.stdout.readline()
        if not line:
            raise PeerFailed(self._end())
        answer = json.loads(line)
        if "error" in answer:
            raise PeerFailed(answer["error"])
        return answer

    def _end(self):
        status = self.process.wait()
        self.log.seek(0)
        words = [line for line in self.log.read().decode(errors="replace").splitlines() if line.strip()]
        return f"its process ended with status {status}" + (f": {words[-1][:300]}" if words else "")

    def _stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            # Until all its threads stand, they may still run.
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            self.stopped_at = cpu_seconds(self.process.pid)

    def _go_on(self):
        if self.process.poll() is None:
            self.idle_cpu_seconds += cpu_seconds(self.process.pid) - self.stopped_at
            self.process.send_signal(signal.SIGCONT)
