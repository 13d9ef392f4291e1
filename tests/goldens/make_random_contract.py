"""Makes the vectors that freeze the random contract: docs/design.md, section 4, in Python's whole numbers.

Usage: python tests/goldens/make_random_contract.py
Needs nothing but Python. The file beside this script is committed; a change to it breaks every saved run.
"""

import json
import math
import struct
from pathlib import Path

FOLDER = Path(__file__).parent
WORD = 2**32
DROPOUT, INITIAL_WEIGHTS, SHUFFLE, MC_DROPOUT = 0, 1, 2, 4


def philox(counter, seed):
    """Salmon et al. 2011, section 3.3: ten rounds of multiply and exchange, the key moved on between them."""
    key = [seed % WORD, seed // WORD]
    c = list(counter)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], WORD)
        high1, low1 = divmod(0xCD9E8D57 * c[2], WORD)
        c = [high1 ^ c[1] ^ key[0], low1, high0 ^ c[3] ^ key[1], low0]
        key = [(key[0] + 0x9E3779B9) % WORD, (key[1] + 0xBB67AE85) % WORD]
    return c


def draw(seed, purpose, node, model, c0, c1, c2):
    return philox((c0, c1, c2, purpose * 2**28 + node * 2**16 + model), seed)


def fp32_bits(value):
    """The bits of the nearest fp32. Exact products of two fp32 numbers fit a double: rounded once."""
    return struct.unpack("<I", struct.pack("<f", value))[0]


def fp32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def dropout_lanes(seed, purpose, node, model, row, step, cols):
    """The 16-bit lanes of a row: the eight lanes of a block are one whole number of 128 bits, lowest first."""
    lanes = []
    for block in range(-(-cols // 8)):
        words = draw(seed, purpose, node, model, block, row, step)
        number = sum(word * WORD**i for i, word in enumerate(words))
        lanes += [(number // 65536**lane) % 65536 for lane in range(8)]
    return lanes[:cols]


def threshold(p):
    return math.floor(p * 65536 + 0.5)


def scale(p):
    return 65536 / (65536 - threshold(p))


def shuffled(position, n, seed, epoch):
    b = 1
    while 4**b < n:
        b += 1
    x = position
    while True:
        left, right = divmod(x, 2**b)
        for r in range(8):
            left, right = right, left ^ (draw(seed, SHUFFLE, 0, 0, right, r, epoch)[0] % 2**b)
        x = left * 2**b + right
        if x < n:
            return x


def weight(seed, node, model, tensor, i, bound):
    u = (draw(seed, INITIAL_WEIGHTS, node, model, i // 4, tensor, 0)[i % 4] >> 8) * 2.0**-24
    return (2 * u - 1) * bound


def dropout_vectors():
    cases = [
        # seed, purpose, node, model, row, step, cols
        (777, DROPOUT, 2, 0, 0, 0, 17),
        (777, DROPOUT, 2, 0, 1, 0, 17),
        (777, DROPOUT, 2, 0, 0, 1, 17),
        (777, DROPOUT, 5, 0, 0, 0, 17),
        (777, DROPOUT, 2, 1, 0, 0, 17),
        (777, MC_DROPOUT, 2, 0, 0, 0, 17),
        (778, DROPOUT, 2, 0, 0, 0, 17),
        (777 + 3 * WORD, DROPOUT, 2, 0, 0, 0, 17),
        (2**64 - 1, MC_DROPOUT, 4095, 65535, 59999, 2**32 - 1, 129),
        (1, DROPOUT, 11, 3, 99, 8999, 512),
    ]
    names = ("seed", "purpose", "node", "model", "row", "step", "cols")
    return [dict(zip(names, case)) | {"lanes": dropout_lanes(*case)} for case in cases]


def rate_vectors():
    rates = [0.0, 1 / 65536, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1 - 1 / 65536, 0.5 / 65536, 1.5 / 65536]
    return [{"p": p, "threshold": threshold(p), "scale_bits": fp32_bits(scale(p))} for p in rates]


def shuffle_vectors():
    whole = [(n, seed, epoch) for n in (1, 2, 3, 4, 5, 16, 17, 129) for seed in (777, 2**40 + 1) for epoch in (0, 1)]
    vectors = [
        {"n": n, "seed": seed, "epoch": epoch, "positions": list(range(n)),
         "samples": [shuffled(x, n, seed, epoch) for x in range(n)]}
        for n, seed, epoch in whole
    ]  # fmt: skip
    for n, seed, epoch in [(60000, 777, 0), (60000, 777, 14), (65537, 3, 2**32 - 1), (2**32, 5, 1), (10**9, 777, 0)]:
        positions = [0, 1, 2, 3, 4, n // 3, n // 2, n - 2, n - 1]
        samples = [shuffled(x, n, seed, epoch) for x in positions]
        vectors.append({"n": n, "seed": seed, "epoch": epoch, "positions": positions, "samples": samples})
    return vectors


def weight_vectors():
    cases = [
        # seed, node, model, in, out
        (777, 0, 0, 784, 512),
        (777, 3, 0, 512, 512),
        (777, 0, 1, 784, 512),
        (2**63 + 12345, 4095, 65535, 17, 3),
        (1, 6, 0, 1, 1),
    ]
    vectors = []
    for seed, node, model, inputs, outputs in cases:
        for tensor, size in ((0, inputs * outputs), (1, outputs)):
            bound = fp32(math.sqrt(6 / (inputs + outputs)) if tensor == 0 else 1 / math.sqrt(inputs))
            elements = sorted({i for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, size // 2, size - 1) if i < size})
            bits = [fp32_bits(weight(seed, node, model, tensor, i, bound)) for i in elements]
            vectors.append(
                {"seed": seed, "node": node, "model": model, "in": inputs, "out": outputs, "tensor": tensor,
                 "bound_bits": fp32_bits(bound), "elements": elements, "value_bits": bits}
            )  # fmt: skip
    return vectors


def stream_vectors():
    cases = [(777, purpose, 2, 3, 1, 2, 4) for purpose in range(8)]
    cases += [(2**64 - 1, 7, 4095, 65535, WORD - 1, WORD - 1, WORD - 1), (0, 0, 0, 0, 0, 0, 0)]
    names = ("seed", "purpose", "node", "model", "c0", "c1", "c2")
    return [dict(zip(names, case)) | {"words": draw(*case)} for case in cases]


def main():
    golden = {
        "streams": stream_vectors(),
        "rates": rate_vectors(),
        "dropout": dropout_vectors(),
        "shuffle": shuffle_vectors(),
        "weights": weight_vectors(),
    }
    lines = []
    for name, vectors in golden.items():
        rows = ",\n".join("    " + json.dumps(vector) for vector in vectors)
        lines.append(f"  {json.dumps(name)}: [\n{rows}\n  ]")
    (FOLDER / "random_contract.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
