"""Makes small networks of random shape with PyTorch, images for them, and what PyTorch computes, for tests/app.

Usage: python tests/goldens/make_networks.py
Needs torch, numpy and safetensors. The folder networks beside this script is committed; run it again only to change it.
"""

import json
import random
import shutil
import struct
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).parent / "networks"


def write_idx(file, values):
    header = bytes([0, 0, 8, values.dim()]) + b"".join(struct.pack(">I", size) for size in values.shape)
    file.write_bytes(header + values.contiguous().numpy().tobytes())


def network(widths, dropout):
    modules = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        modules.append(nn.Linear(inputs, outputs))
        if i + 2 < len(widths):
            modules.append(nn.ReLU())
            if dropout[i]:
                modules.append(nn.Dropout(0.4))
    return nn.Sequential(*modules)


def expected(model, images, labels):
    """In double precision: an oracle more exact than either side."""
    logits = model.double().eval()(images.flatten(1).double() / 255.0)
    loss = nn.functional.cross_entropy(logits, labels.long())
    return {
        "logits": [[float(f"{value:.9g}") for value in row] for row in logits.tolist()],
        "loss": loss.item(),
        "accuracy": (logits.argmax(1) == labels).double().mean().item(),
    }


def make(name, sample, hidden, classes, samples, dropout, dtype=torch.float32):
    folder = FOLDER / name
    folder.mkdir(parents=True)
    images = torch.randint(0, 256, (samples, *sample), dtype=torch.uint8)
    labels = torch.randint(0, classes, (samples,), dtype=torch.uint8)
    while True:
        model = network([sample[0] * sample[1], *hidden, classes], dropout)
        for parameter in model.parameters():
            parameter.mul_(2.5)  # Logits far enough apart that a class is certain.
        model = model.to(dtype)
        save_file(model.state_dict(), folder / "state_dict.safetensors")
        results = expected(model, images, labels)
        logits = torch.tensor(results["logits"])
        if logits.std(0).min() > 0.1:  # Not a network whose ReLUs are all dead.
            break
    labels[::2] = logits.argmax(1)[::2].to(torch.uint8)
    labels[1] = classes - 1
    write_idx(folder / "t10k-images-idx3-ubyte", images)
    write_idx(folder / "t10k-labels-idx1-ubyte", labels)
    return expected(model.to(dtype), images, labels)


@torch.no_grad()
def main():
    torch.manual_seed(31)
    draw = random.Random(31)
    shutil.rmtree(FOLDER, ignore_errors=True)

    def width(most=40):
        return draw.randint(2, most)

    results = {
        "single": make("single", (5, 7), [], width(), 13, []),
        "width_one": make("width_one", (3, 3), [1], width(9), 9, [True]),
        "bare": make("bare", (6, 5), [width(), width()], width(12), 17, [False, False]),
        "dropout": make("dropout", (4, 9), [width(), width(), width()], width(12), 11, [True] * 3),
        "mixed": make("mixed", (1, 23), [width(), 1, width(), width()], 1, 7, [True, False, True, False]),
        "half": make("half", (5, 5), [width(), width()], width(12), 15, [False, True], torch.float16),
        "brain": make("brain", (7, 3), [width()], width(12), 8, [True], torch.bfloat16),
    }
    (FOLDER / "expected.json").write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
