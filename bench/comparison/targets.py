"""What the CPU is to reach, and whether this record does. A target tells what it is of a record, or why it is not there."""

from dataclasses import dataclass
from typing import Callable


class Missing(Exception):
    """Why a record has no figure for a target."""


@dataclass(frozen=True)
class Target:
    what: str
    at_least: float
    stretch: float | None
    more_is_better: bool
    shown: str  # A format.
    figure: Callable[[dict], float]  # Of a record; raises Missing.

    def row(self, record):
        row = {"what": self.what, "at_least": self.at_least, "stretch": self.stretch, "more_is_better": self.more_is_better}
        try:
            here = self.figure(record)
        except Missing as missing:
            return row | {"here": None, "reached": None, "reason": str(missing)}
        reached = "at least" if self._holds(here, self.at_least) else "no"
        if reached != "no" and self.stretch is not None and self._holds(here, self.stretch):
            reached = "stretch"
        return row | {"here": here, "reached": reached, "reason": ""}

    def text(self, value):
        return "" if value is None else self.shown.format(value)

    def _holds(self, here, wanted):
        return here >= wanted if self.more_is_better else here <= wanted


def times_of(record, table, name):
    """How many times ours the time of a row is. Raises Missing."""
    for row in record[table]:
        if row["name"] == name:
            if row["seconds"] is None:
                raise Missing(row["reason"])
            if row["times_ours"] is None:
                raise Missing("ours was not measured")
            return row["times_ours"]["median"]
    raise Missing(f"{name} was left out")


def median_of(record, *path):
    """The median of a spread in the record. Raises Missing with the reason that stands beside it."""
    part = record[path[0]]
    for key in path[1:]:
        if part.get("reason"):
            raise Missing(part["reason"])
        part = part[key]
    if part is None:
        raise Missing("it was not measured")
    return part["median"]


def times_ours(table, *names):
    """How many times ours the time of the fastest of these is."""

    def figure(record):
        found, reasons = [], []
        for name in names:
            try:
                found.append(times_of(record, table, name))
            except Missing as missing:
                reasons.append(str(missing))
        if not found:
            raise Missing("; ".join(dict.fromkeys(reasons)))
        return min(found)

    return figure


def share_of_theirs(table, *names):
    """Our time as a share of the time of the fastest of these."""
    times = times_ours(table, *names)
    return lambda record: 1 / times(record)


OURS, OURS_BF16, ONE_THREAD = "Rushlight", "Rushlight, bf16", "Rushlight, 1 thread"
PRODUCTS, FLOOR = "the 14 products alone, oneDNN", "all flops at the FMA peak"
EAGER, COMPILED, JAX = "PyTorch, eager", "PyTorch, torch.compile", "JAX, jit and scan"
PYTORCH, ONNX_BYTES, ONNX_FLOATS = "PyTorch", "onnxruntime", "onnxruntime, given floats"
PASSES = ("adam", "bias_relu_dropout_forward", "bias_relu_dropout_backward")


def bf16_gain(record):
    return 1 / times_of(record, "training", OURS_BF16)


def efficiency(record):
    if record["threads"] == 1:
        raise Missing("there is one thread")
    return times_of(record, "training", ONE_THREAD) / record["threads"]


def pass_share(record):
    return min(median_of(record, "kernels", f"{name}_to_copy") for name in PASSES)


TARGETS = [
    Target("lab epoch, fp32: time of the 14 GEMMs of a step alone, dense, oneDNN", 0.95, 0.85, False, "{:.2f}x",
           share_of_theirs("training", PRODUCTS)),
    Target("lab epoch, fp32: share of the FMA peak", 0.60, 0.72, True, "{:.0%}",
           times_ours("training", FLOOR)),
    Target("lab epoch: faster than PyTorch eager", 2.3, 2.8, True, "{:.2f}x", times_ours("training", EAGER)),
    Target("lab epoch: faster than JAX", 1.4, 1.7, True, "{:.2f}x", times_ours("training", JAX)),
    Target("lab epoch, bf16: faster than our fp32", 1.6, 2, True, "{:.2f}x", bf16_gain),
    Target("inference, batch 1: time of onnxruntime's", 0.8, 0.6, False, "{:.2f}x",
           share_of_theirs("inference_1", ONNX_BYTES, ONNX_FLOATS)),
    Target("inference, batch 10,000: time of onnxruntime's", 0.9, 0.8, False, "{:.2f}x",
           share_of_theirs("inference_10000", ONNX_BYTES, ONNX_FLOATS)),
    Target("Adam, bias + ReLU + dropout, beyond the cache: share of the copy bandwidth", 0.90, 0.95, True, "{:.0%}", pass_share),
    Target("start of rushlight train to first step, s", 0.3, 0.2, False, "{:.2f}",
           lambda record: median_of(record, "start", "seconds")),
    Target("peak memory of the lab's training, MB", 200, 150, False, "{:.0f}",
           lambda record: median_of(record, "memory", "megabytes")),
    Target("1 thread to all cores: efficiency", 0.90, None, True, "{:.0%}", efficiency),
]
