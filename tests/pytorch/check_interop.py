"""Compares the program with PyTorch on networks of random shape, in both directions.

Usage: python tests/pytorch/check_interop.py PROGRAM [--networks N] [--trainings N] [--seed N]
Needs torch, numpy and safetensors. Says the largest differences; the exit status is 1 if one is above 1e-4.
"""

import argparse
import json
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

TOLERANCE = 1e-4


def write_idx(file, values):
    header = bytes([0, 0, 8, values.dim()]) + b"".join(struct.pack(">I", size) for size in values.shape)
    file.write_bytes(header + values.contiguous().numpy().tobytes())


def write_split(folder, prefix, samples, sample, classes):
    images = torch.randint(0, 256, (samples, *sample), dtype=torch.uint8)
    labels = torch.randint(0, classes, (samples,), dtype=torch.uint8)
    labels[0] = classes - 1
    write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
    write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)
    return images, labels


def network(widths, dropouts):
    modules = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        modules.append(nn.Linear(inputs, outputs))
        if i + 2 < len(widths):
            modules.append(nn.ReLU())
            if dropouts[i]:
                modules.append(nn.Dropout(0.4))
    return nn.Sequential(*modules)


class Check:
    def __init__(self, program, folder, seed):
        self.program = program
        self.folder = folder
        self.draw = random.Random(seed)
        self.largest = {"logits": 0.0, "loss": 0.0, "accuracy": 0.0}

    def run(self, *words):
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}: exit status {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def shape(self):
        width = lambda most: max(1, int(most ** self.draw.random()))
        sample = (width(30), width(30))
        hidden = [width(200) for _ in range(self.draw.randint(0, 4))]
        return sample, hidden, width(40)

    def compare(self, about, model, file, images, labels):
        """`file` is what the program reads; `model` what PyTorch runs, in double precision."""
        model = model.double().eval()
        with torch.no_grad():
            logits = model(images.flatten(1).double() / 255.0)
        loss = nn.functional.cross_entropy(logits, labels.long()).item()
        rows = self.run("predict", file, self.folder / "t10k-images-idx3-ubyte", "--logits", "--json")
        found = torch.tensor([row["logits"] for row in rows], dtype=torch.float64)
        metrics = self.run("eval", file, "--data", self.folder, "--json")[0]
        # Of two logits that agree to float32, either may be the answer.
        margin = logits.topk(min(2, logits.shape[1])).values
        close = int((margin[:, 0] - margin[:, -1] < 1e-5).sum()) if logits.shape[1] > 1 else 0
        accuracy = (logits.argmax(1) == labels).double().mean().item()
        differences = {
            "logits": (found - logits).abs().max().item(),
            "loss": abs(metrics["loss"] - loss),
            "accuracy": max(0.0, abs(metrics["accuracy"] - accuracy) - close / len(labels)),
        }
        for key, value in differences.items():
            if not value <= TOLERANCE:
                sys.exit(f"{about}: {key} differs by {value}")
            self.largest[key] = max(self.largest[key], value)

    def saved_by_pytorch(self):
        sample, hidden, classes = self.shape()
        model = network([sample[0] * sample[1], *hidden, classes], [self.draw.random() < 0.5 for _ in hidden])
        dtype = self.draw.choice([torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16])
        model = model.to(dtype)
        file = self.folder / "state_dict.safetensors"
        save_file(model.state_dict(), file)
        images, labels = write_split(self.folder, "t10k", self.draw.randint(1, 300), sample, classes)
        self.compare(f"{sample} {hidden} {classes} {dtype}", model, file, images, labels)

    def trained_here(self, number):
        sample, hidden, classes = self.shape()
        write_split(self.folder, "train", 64, sample, classes)
        images, labels = write_split(self.folder, "t10k", 33, sample, classes)
        widths = ",".join(map(str, hidden)) or "none"
        out = self.folder / f"run-{number}"
        self.run("train", "--data", self.folder, "--out", out, "--hidden", widths, "--batch", 16, "--epochs", 2, "--json")
        for name in ("model", "checkpoint"):
            state = load_file(out / f"{name}.safetensors")
            state = {key: value for key, value in state.items() if not key.startswith("optimizer.")}
            model = network([sample[0] * sample[1], *hidden, classes], [True for _ in hidden])
            model.load_state_dict(state, strict=True)
            self.compare(f"{name} of {sample} {hidden} {classes}", model, out / f"{name}.safetensors", images, labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--networks", type=int, default=50)
    parser.add_argument("--trainings", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        check = Check(arguments.program, Path(folder), arguments.seed)
        for _ in range(arguments.networks):
            check.saved_by_pytorch()
        for number in range(arguments.trainings):
            check.trained_here(number)
    largest = ", ".join(f"{key} {value:.2g}" for key, value in check.largest.items())
    print(f"{arguments.networks} networks of PyTorch and {arguments.trainings} trained here agree; largest differences: {largest}")


if __name__ == "__main__":
    main()
