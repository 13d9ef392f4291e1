"""A peer's process: reads requests, a line of JSON each, and answers them so. Started by processes.Worker alone.

    {"do": "prepare", "case": "train eager", "count": 20, "rows": 1}    compiles and warms up, in rounds of this size
    {"do": "round", "case": "train eager", "count": 200, "rows": 1}     answers with the "seconds" of a step, or call
Each answer has "error" where it failed. The first answer, without a request, tells the versions.
"""

import ctypes
import json
import os
import signal
import sys
import traceback

from comparison.frameworks import FRAMEWORKS


def die_with_parent():
    """A worker that is stopped would outlive a parent that was killed."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def private_stdout():
    """What a framework prints is not for whoever reads the answers."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def guarded(work):
    try:
        return work()
    except Exception as error:  # A peer that fails is a result.
        traceback.print_exc()
        return {"error": (f"{type(error).__name__}: {error}".splitlines() or ["?"])[0][:500]}


def serve(framework, requests, answer):
    """Answers each request in turn, until there are no more."""
    ready = {}

    def prepare(case, count, rows):
        ready[case] = framework.prepare(case)
        # The program for a round's shape is made now.
        for _ in range(2):
            ready[case](count, rows)
        return {}

    def round_of(case, count, rows):
        return {"seconds": ready[case](count, rows)}

    for line in requests:
        request = json.loads(line)
        work = prepare if request.pop("do") == "prepare" else round_of
        answer(guarded(lambda: work(**request)))


def main():
    peer, threads = sys.argv[1], int(sys.argv[2])
    die_with_parent()
    stream = private_stdout()
    answer = lambda fields: print(json.dumps(fields), file=stream)
    # Before a framework looks how many cores there are.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    framework = guarded(lambda: FRAMEWORKS[peer](threads))
    if isinstance(framework, dict):
        return answer(framework)
    answer({"versions": framework.versions})
    return serve(framework, sys.stdin, answer)


if __name__ == "__main__":
    main()
