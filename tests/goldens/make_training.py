"""Trains a network with dropout in PyTorch for the golden of tests/train/pytorch_training_test.cpp.

Usage: python tests/goldens/make_training.py
Needs torch and safetensors. Initial weights, dropout masks and the order of samples are drawn here, in plain Python, from
the random contract in docs/design.md, section 4. The file beside this script is committed; run it again only to change it.
"""

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

SEED = 777
SAMPLES, FEATURES, CLASSES, BATCH, STEPS = 61, 20, 10, 7, 20
WORD = 0xFFFFFFFF


def philox(counter, seed):
    c0, c1, c2, c3 = counter
    k0, k1 = seed & WORD, seed >> 32
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 1 << 32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def draw(purpose, node, c0, c1, c2):
    return philox((c0, c1, c2, purpose << 28 | node << 16), SEED)


def uniform(node, tensor, count, bound):
    words = [draw(1, node, i // 4, tensor, 0)[i % 4] for i in range(count)]
    u = torch.tensor([word >> 8 for word in words], dtype=torch.float32) * 2.0**-24
    return (2 * u - 1) * torch.tensor(bound, dtype=torch.float32)


def dropout_factors(p, node, step, rows, columns):
    threshold = math.floor(p * 65536 + 0.5)
    scale = 65536 / (65536 - threshold)
    factors = torch.empty(rows, columns)
    for row in range(rows):
        for column in range(columns):
            word = draw(0, node, column // 8, row, step)[column % 8 // 2]
            lane = word >> 16 if column % 2 else word & 0xFFFF
            factors[row, column] = 0.0 if lane < threshold else scale
    return factors


def shuffled(position, count, epoch):
    bits = 1
    while 4**bits < count:
        bits += 1
    mask = 2**bits - 1
    x = position
    while True:
        left, right = x >> bits, x & mask
        for turn in range(8):
            left, right = right, left ^ (draw(2, 0, right, turn, epoch)[0] & mask)
        x = left << bits | right
        if x < count:
            return x


def data_byte(i):
    """As tests/small_data.h."""
    x = (i + 1) * 2654435761 & WORD
    x = (x ^ x >> 15) * 739982445 & WORD
    return (x ^ x >> 13) >> 24


def main():
    pixels = torch.tensor([data_byte(i) for i in range(SAMPLES * FEATURES)], dtype=torch.float32)
    pixels = pixels.reshape(SAMPLES, FEATURES) / 255.0
    labels = torch.tensor([(3 * i + 1) % CLASSES for i in range(SAMPLES)])

    model = nn.Sequential(
        nn.Linear(20, 33), nn.ReLU(), nn.Dropout(0.3), nn.Linear(33, 17), nn.ReLU(), nn.Dropout(0.5), nn.Linear(17, 10)
    )
    with torch.no_grad():
        for node, module in enumerate(model):
            if isinstance(module, nn.Linear):
                out, inputs = module.weight.shape
                bound = math.sqrt(6 / (inputs + out))
                module.weight.copy_(uniform(node, 0, out * inputs, bound).reshape(out, inputs))
                module.bias.copy_(uniform(node, 1, out, 1 / math.sqrt(inputs)))
    golden = {"initial." + name: value.clone() for name, value in model.state_dict().items()}

    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps_an_epoch = SAMPLES // BATCH
    losses, smallest = [], math.inf
    for step in range(STEPS):
        epoch, batch = divmod(step, steps_an_epoch)
        rows = [shuffled(batch * BATCH + i, SAMPLES, epoch) for i in range(BATCH)]
        x = pixels[rows]
        for node, module in enumerate(model):
            if isinstance(module, nn.Dropout):
                x = x * dropout_factors(module.p, node, step, *x.shape)
            else:
                x = module(x)
        loss = criterion(x, labels[rows])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            moved = parameter.grad[parameter.grad != 0].abs()
            smallest = min([smallest, *moved.tolist()])
        optimizer.step()

    golden |= {"final." + name: value for name, value in model.state_dict().items()}
    golden["losses"] = torch.tensor(losses)
    save_file(golden, Path(__file__).parent / "training.safetensors")
    print(f"losses {losses[0]:.6f} to {losses[-1]:.6f}; smallest gradient other than zero {smallest:.3g}")


if __name__ == "__main__":
    main()
