"""An epoch of the lab in eager PyTorch on this CPU, as a peer of TrainEpoch in lab_bench.cpp.

    pip install torch && python3 bench/pytorch_lab.py [--samples 6000] [--epochs 5]

Prints samples a second of each epoch: data in memory, fused Adam, one thread a core.
"""
import argparse
import time

import torch
from torch import nn


def lab() -> nn.Sequential:
    modules, width = [], 784
    for _ in range(4):
        modules += [nn.Linear(width, 512), nn.ReLU(), nn.Dropout(0.3)]
        width = 512
    model = nn.Sequential(*modules, nn.Linear(width, 10))
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
    return model.train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    images = torch.randint(0, 256, (options.samples, 784), dtype=torch.uint8)
    labels = torch.randint(0, 10, (options.samples,))
    model, loss = lab(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for _ in range(options.epochs):
        start = time.perf_counter()
        for rows in torch.randperm(options.samples).split(100):
            optimizer.zero_grad()
            loss(model(images[rows].float() / 255), labels[rows]).backward()
            optimizer.step()
        print(f"{options.samples / (time.perf_counter() - start):.0f} samples/s")


if __name__ == "__main__":
    main()
