"""What the tests of the comparison with peers share: a program and peers that are none, and a record."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))

from comparison import rounds, targets  # noqa: E402
from comparison.processes import PeerFailed  # noqa: E402

# A program that answers with the JSON of rushlight bench, and trains by writing a checkpoint.
FAKE_PROGRAM = """#!/usr/bin/env python3
import json, pathlib, sys, time
words = sys.argv[1:]
if words[0] == "--version":
    print("rushlight 0.1.0\\ncommit    0123456789ab-dirty\\ncompiler  GNU 12\\nbackends  cpu, 2 threads")
elif "bf16" in words:
    sys.exit("rushlight: --precision bf16 takes AVX512-BF16, which this CPU lacks")
elif words[0] == "train":
    pathlib.Path(words[words.index("--out") + 1], ".checkpoint.safetensors.tmp-1").touch()
    time.sleep(0.05)
else:
    slower = 2 / int(words[words.index("--threads") + 1])
    def M(name, seconds, **more):
        return {"name": name, "timed": 90, "seconds": {"median": seconds * slower, "min": 0, "max": 9}, **more}
    print(json.dumps({"case": words[1], "ratios": {name + "_to_copy": {"median": 0.9, "min": 0.8, "max": 1} for name in
            ("adam", "bias_relu_dropout_forward", "bias_relu_dropout_backward")},
        "ceilings": {"fma": M("fma", 1, flops_per_second=2e11), "products": M("products", 4)},
        "results": {"lab": [M("epoch", 3, flops=4e11)], "infer": [M("predict_1", 5e-5), M("predict_10000", 0.1)]}
            .get(words[1])}))
"""


class FakePeer:
    """In place of Worker. Our step takes 5 ms, our calls 50 us and 100 ms: see FAKE_PROGRAM."""

    def __init__(self, peer, threads):
        if peer == "jax":
            raise PeerFailed("ModuleNotFoundError: No module named 'jax'")
        self.versions = {peer: "1.0"}

    def ask(self, patience, do, case, count, rows):
        if case == "train compile":
            raise PeerFailed("CppCompileError: no g++")
        return {"seconds": {0: 0.02, 1: 1e-4, 10000: 0.4}[rows]} if do == "round" else {}


def fake_program(folder, text=FAKE_PROGRAM):
    path = Path(folder, "rushlight")
    path.write_text(text)
    path.chmod(0o755)
    return path


def row(name, *seconds, ours=(1, 1, 1), status="measured", reason=""):
    one = rounds.Contestant(name, seconds=list(seconds), status=status, reason=reason)
    return one.row(rounds.Contestant("ours", seconds=list(ours)))


def canned_record(**changes):
    kernels = {f"{name}_to_copy": rounds.spread([share - 0.1, share, share + 0.1]) for name, share in zip(targets.PASSES, (0.97, 0.91, 0.93))}
    return {
        "machine": {"cpu": "AMD EPYC, Zen 3", "cores": 2, "system": "Debian"}, "threads": 2, "rounds": 3,
        "commit": "0123456789ab", "dirty": True, "date": "2026-01-02T03:04:05Z", "notes": [], "program": {"compiler": "GNU"},
        "versions": {"torch": "2.15.0", "onnxruntime": "<&1.32>"},
        "training": [
            row(targets.OURS, 1, 1, 1),
            row(targets.OURS_BF16, status="skipped", reason="this CPU lacks bf16"),
            row(targets.ONE_THREAD, 1.9, 1.8, 1.7),
            row(targets.EAGER, 2, 2.9, 3),
            row(targets.JAX, 1.5, 1.3, 1.2),
            row(targets.PRODUCTS, 1.1, 1.1, 1.1),
            row(targets.FLOOR, 0.72, 0.73, 0.74),
        ],
        "inference_1": [row(targets.OURS, 1), row(targets.ONNX_BYTES, 3, ours=[1]), row(targets.ONNX_FLOATS, 1.25, ours=[1])],
        "inference_10000": [row(targets.OURS, 1), row(targets.ONNX_BYTES, status="failed", reason="no memory")],
        "kernels": kernels, "start": {"seconds": {"median": 0.3}}, "memory": {"reason": "there is no data"},
    } | changes
