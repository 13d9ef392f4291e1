"""An epoch of the lab in PyTorch and in JAX on a GPU, as peers of `rushlight train`. Prints a line of JSON a case.

    python3 bench/gpu_peers.py [pytorch] [jax] [--seconds 240]
    python3 bench/gpu_peers.py --device cpu --samples 1000 --epochs 2     a trial, where there is no GPU

The same network, batch, optimizer and dropout; 600 steps of 100 random images that lie on the device, one byte a pixel;
a new order each epoch. PyTorch: eager, the step as a CUDA graph, torch.compile; fused Adam. JAX: the step as a jit, the
epoch as a jit of a scan; the generator rbg, its fastest. Each in fp32 and with products in TF32. Epochs before the first
that counts take compilation and warm-up. What is not installed is skipped with the reason.
"""
import argparse
import functools
import importlib
import json
import math
import os
import statistics
import sys
import time

from comparison import jax_lab, pytorch_lab
from comparison.network import BATCH, IMAGES, SEED, WIDTHS


def measure(options, epoch, synchronize):
    """Seconds of each epoch after the warm-up, on a clock that waits for the device; and the last loss."""
    seconds, loss = [], math.nan
    for number in range(options.warmup + options.epochs):
        synchronize()
        start = time.perf_counter()
        loss = epoch(number)
        synchronize()
        if number >= options.warmup:
            seconds.append(time.perf_counter() - start)
    return seconds, float(loss)


# ---- PyTorch


def pytorch_cuda_graph(torch, step, batch):
    """As PyTorch's notes on CUDA graphs have it: three steps on a stream of their own, then the recording."""
    rows = torch.zeros(batch, dtype=torch.int64, device="cuda")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step(rows)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(rows)

    def replay(chosen):
        rows.copy_(chosen)
        graph.replay()
        return loss

    return replay


def pytorch_case(torch, options, case, precision):
    device = torch.device("cuda" if options.device == "cuda" else "cpu")
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.manual_seed(SEED)
    images = torch.randint(0, 256, (options.samples, WIDTHS[0]), dtype=torch.uint8, device=device)
    labels = torch.randint(0, WIDTHS[-1], (options.samples,), device=device)
    if case == "compile":
        torch.compiler.reset()
        compiler = functools.partial(torch.compile, mode="reduce-overhead")
        step = pytorch_lab.training_step(torch, images, labels, compiler, torch.compiler.cudagraph_mark_step_begin)
    else:
        step = pytorch_lab.training_step(torch, images, labels)

    run = pytorch_cuda_graph(torch, step, options.batch) if case == "cuda graph" else step

    def epoch(_):
        for rows in torch.randperm(options.samples, device=device).split(options.batch):
            loss = run(rows)
        return loss

    return measure(options, epoch, torch.cuda.synchronize if device.type == "cuda" else lambda: None)


def pytorch_cases(options):
    torch = importlib.import_module("torch")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ModuleNotFoundError("this PyTorch sees no GPU")
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    cases = ["eager", "cuda graph", "compile"] if options.device == "cuda" else ["eager", "compile"]
    return torch.__version__, name, cases, functools.partial(pytorch_case, torch)


# ---- JAX


def jax_case(jax, options, case, precision):
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32" else "float32")
    key = jax.random.key(SEED, impl="rbg")
    image_key, label_key, weight_key, key = jax.random.split(key, 4)
    images = jax.random.randint(image_key, (options.samples, WIDTHS[0]), 0, 256).astype("uint8")
    labels = jax.random.randint(label_key, (options.samples,), 0, WIDTHS[-1])
    steps = options.samples // options.batch

    def order(number):
        shuffled = jax.random.permutation(jax.random.fold_in(key, number), options.samples)
        return shuffled[: steps * options.batch].reshape(steps, options.batch)

    state = jax_lab.first_state(jax, weight_key)
    if case == "jit and scan":

        def scan(state, images, labels, number):
            return jax_lab.many_steps(jax, key, state, images, labels, order(number))

        whole = jax.jit(scan, donate_argnums=0)

        def epoch(number):
            nonlocal state
            state, losses = whole(state, images, labels, number)
            return losses[-1]

    else:
        # Which step it is lies on the device, as all the rest.
        one = jax.jit(
            lambda state, images, labels, drawn: jax_lab.step(jax, key, images, labels, state, drawn[state[3] % steps]),
            donate_argnums=0,
        )
        draw = jax.jit(order)

        def epoch(number):
            nonlocal state
            drawn = draw(number)
            for _ in range(steps):
                state, loss = one(state, images, labels, drawn)
            return loss

    return measure(options, epoch, lambda: jax.block_until_ready(state))


def jax_cases(options):
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # Else it takes most of the GPU's memory.
    jax = importlib.import_module("jax")
    if options.device == "cuda" and jax.default_backend() != "gpu":
        raise ModuleNotFoundError(f"this JAX sees no GPU, but {jax.default_backend()}")
    return jax.__version__, jax.devices()[0].device_kind, ["jit", "jit and scan"], functools.partial(jax_case, jax)


# ---- Both


def say(**fields):
    print(json.dumps(fields, separators=(",", ":")), flush=True)


def run_case(peer, case, precision, run, options):
    if time.monotonic() > options.end:
        return {"status": "cut off", "reason": f"no time was left of {options.seconds} s", "median_seconds": None}
    try:
        seconds, loss = run(options, case, precision)
    except Exception as error:  # A peer that fails is a result, and the next case may go.
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"status": "failed", "reason": words[:500], "median_seconds": None}
    if not math.isfinite(loss):
        return {"status": "failed", "reason": f"the loss is {loss}", "median_seconds": None}
    return {"status": "measured", "reason": "", "median_seconds": statistics.median(seconds), "seconds": seconds,
            "loss": loss}


def run_peer(peer, cases_of, options):
    try:
        version, device, cases, run = cases_of(options)
    except ImportError as error:
        say(peer=peer, version="", device="", case="all", precision="", status="skipped",
            reason=str(error).splitlines()[0], median_seconds=None)
        return True
    passed = True
    for precision in ["fp32", "tf32"] if options.device == "cuda" else ["fp32"]:
        for case in cases:
            result = run_case(peer, case, precision, run, options)
            passed = passed and result["status"] != "failed"
            say(peer=peer, version=version, device=device, case=case, precision=precision, samples=options.samples,
                batch=options.batch, **result)
    return passed


def main() -> int:
    peers = {"pytorch": pytorch_cases, "jax": jax_cases}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", default=[], help="pytorch, jax; both unless named")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--samples", type=int, default=IMAGES)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--epochs", type=int, default=7, help="that count")
    parser.add_argument("--warmup", type=int, default=2, help="epochs before them")
    parser.add_argument("--seconds", type=float, default=math.inf, help="no case begins later")
    options = parser.parse_args()
    unknown = [name for name in options.peers if name not in peers]
    if unknown:
        parser.error(f"there is no peer {unknown[0]}: pytorch, jax")
    if options.samples < options.batch or options.epochs < 1:
        parser.error("at least one batch and one epoch are needed")
    options.samples -= options.samples % options.batch
    options.end = time.monotonic() + options.seconds
    results = [run_peer(peer, peers[peer], options) for peer in options.peers or peers]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
