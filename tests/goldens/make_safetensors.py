"""Makes the safetensors goldens of tests/io with PyTorch, and the values expected of them as JSON.

Usage: python tests/goldens/make_safetensors.py
Needs torch, numpy and safetensors. The files beside this script are committed; run it again only to change them.
"""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).parent


def exact(tensor):
    """Values as float32, written so that they read back to the same bits; what JSON lacks as a string."""
    values = tensor.to(torch.float32).flatten().tolist()
    return [value if math.isfinite(value) else str(value) for value in values]


def model_golden(name, model, inputs, prefix="", dtype=torch.float32):
    model = model.eval().to(dtype)
    state = {prefix + key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, FOLDER / f"{name}.safetensors", metadata={"format": "pt"})
    pixels = torch.randint(0, 256, (3, inputs))
    with torch.no_grad():
        logits = model.to(torch.float32)(pixels.to(torch.float32) / 255.0)
    return {"pixels": pixels.flatten().tolist(), "logits": exact(logits)}


def types_golden():
    special = [0.0, -0.0, 1.0, -2.5, 0.1, 65504.0, 6.0e-8, 1.0e-5, math.inf, -math.inf, math.nan, 1.0 / 3.0]
    tensors = {
        "f64": torch.tensor(special + [1.0e300, 1.0 + 2.0**-30], dtype=torch.float64),
        "f32": torch.tensor(special, dtype=torch.float32).reshape(3, 4),
        "f16": torch.tensor(special, dtype=torch.float16).reshape(2, 2, 3),
        "bf16": torch.tensor(special, dtype=torch.bfloat16),
        "i64": torch.tensor([-1, 2**40], dtype=torch.int64),
        "i32": torch.tensor([7], dtype=torch.int32),
        "i16": torch.tensor([7, 8, 9], dtype=torch.int16),
        "i8": torch.tensor([-7], dtype=torch.int8),
        "u8": torch.tensor([0, 127, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }
    save_file(tensors, FOLDER / "torch_types.safetensors", metadata={"quote": 'a "b" \u00e9 \n'})
    return {name: exact(tensor) for name, tensor in tensors.items() if tensor.is_floating_point()}


def main():
    torch.manual_seed(777)
    lab = nn.Sequential(
        nn.Linear(5, 4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2, bias=False)
    )
    stack = nn.Sequential(nn.Flatten(), nn.Linear(6, 1), nn.ReLU(), nn.Linear(1, 4))
    # Eleven modules: as text, index 10 sorts before 2.
    deep = nn.Sequential(*[module for _ in range(5) for module in (nn.Linear(3, 3), nn.ReLU())], nn.Linear(3, 2))
    expected = {
        "torch_lab": model_golden("torch_lab", lab, 5),
        "torch_stack_bf16": model_golden("torch_stack_bf16", stack, 6, "linear_relu_stack.", torch.bfloat16),
        "torch_deep_f64": model_golden("torch_deep_f64", deep, 3, dtype=torch.float64),
        "torch_single_f16": model_golden("torch_single_f16", nn.Sequential(nn.Linear(4, 3)), 4, dtype=torch.float16),
        "torch_types": types_golden(),
    }
    (FOLDER / "safetensors.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
