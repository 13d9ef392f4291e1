"""What a step has each kernel do, and the time that a GPU's ceilings allow: `rushlight plan --device h100 --json`."""

import json
import sys
from dataclasses import dataclass, field

from cubin import ROOT
from problem import Problem, run

GPUS = ("h100", "h200")
LAB = "the lab"
# The second network's rows are too long for a warp.
NETWORKS = {LAB: [], "2,000 classes": ["--outputs", "2000"]}


@dataclass
class Work:
    """Of all launches of one kernel in one step."""

    network: str
    launches: int = 0
    elements: int = 0
    bytes: int = 0
    flops: int = 0
    seconds: dict = field(default_factory=dict)  # By GPU.
    bounds: set = field(default_factory=set)  # On the first GPU.


def build_program():
    build = ROOT / "build/cpu"
    if not (build / "build.ninja").exists():
        run(["cmake", "--preset", "cpu", "-DRUSHLIGHT_TESTS=OFF"], "configuring the preset cpu", cwd=ROOT)
    print(f"Building {build}/bin/rushlight, which plans the step.", file=sys.stderr)
    run(["cmake", "--build", build, "--target", "rushlight_program"], "building rushlight_program", cwd=ROOT)
    return build / "bin/rushlight"


def plan(program, gpu, options):
    command = [program, "plan", "--device", gpu, *options, "--json"]
    said = run(command, f"rushlight plan --device {gpu}").stdout
    try:
        step = json.loads(said)["step"]
        step["nodes"][0]["elements"]
        return step
    except (ValueError, LookupError) as error:
        raise Problem(f"{program} plan --device {gpu} --json told of no step with nodes and elements; it said: {said[:200]}") from error


def model(program):
    """{gpu: its ceilings}, and {kernel: Work} of the first network that launches it; of products the kernel is cuBLAS."""
    ceilings, work = {}, {}
    for network, options in NETWORKS.items():
        steps = {gpu: plan(program, gpu, options) for gpu in GPUS}
        ceilings.update({gpu: step for gpu, step in steps.items() if gpu not in ceilings})
        for kernel in {node["kernel"] for node in steps[GPUS[0]]["nodes"]} - set(work):
            work[kernel] = work_of(network, kernel, steps)
    return ceilings, work


def work_of(network, kernel, steps):
    work = Work(network)
    for gpu, step in steps.items():
        nodes = [node for node in step["nodes"] if node["kernel"] == kernel]
        work.seconds[gpu] = sum(node["seconds_model"] for node in nodes)
        if gpu == GPUS[0]:
            work.launches = len(nodes)
            work.elements = sum(node["elements"] for node in nodes)
            work.bytes = sum(node["bytes_read"] + node["bytes_written"] for node in nodes)
            work.flops = sum(node["flops"] for node in nodes)
            work.bounds = {bound(node, step) for node in nodes}
    return work


def bound(node, step):
    """What takes longest of a node by the model."""
    if node["seconds_model"] <= step["seconds_per_kernel"]:
        return "launch"
    moving = (node["bytes_read"] + node["bytes_written"]) / step["copy_bytes_per_second"]
    return "bytes" if moving >= node["seconds_model"] * 0.999 else "flops"
