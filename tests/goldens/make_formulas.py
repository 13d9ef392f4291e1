"""Makes what PyTorch computes for the formulas of kernels/: goldens/formulas.safetensors.

Usage: python tests/goldens/make_formulas.py
Needs torch, numpy and safetensors. The file beside this script is committed; run it again only to change it.
"""

from pathlib import Path

import torch
from make_random_contract import DROPOUT, dropout_lanes, fp32, scale, threshold
from safetensors.torch import save_file

FOLDER = Path(__file__).parent
ROWS, COLS = 17, 129
STEPS, SIZE = 20, 40

# lr of the first ten steps, lr of the others, beta1, beta2, eps
ADAM = [
    (1e-3, 1e-3, 0.9, 0.999, 1e-8),
    (0.1, 0.1, 0.5, 0.9, 1e-3),
    (0.01, 0.01, 0.0, 0.99, 1e-8),
    (3e-4, 3e-4, 0.95, 0.999, 1e-6),
    (1e-2, 1e-3, 0.9, 0.999, 1e-8),
]


def bias_relu_dropout():
    """Seed 777, node 2, model 0, step 5, p 0.3: the mask of the random contract, everything else PyTorch's."""
    x, bias, dy = torch.randn(ROWS, COLS), torch.randn(COLS), torch.randn(ROWS, COLS)
    lanes = torch.tensor([dropout_lanes(777, DROPOUT, 2, 0, row, 5, COLS) for row in range(ROWS)])
    mask = (lanes >= threshold(0.3)).to(torch.float32)
    tensors = {"x": x, "bias": bias, "dy": dy}
    for name, relu, drop in [("linear", 0, 0), ("relu", 1, 0), ("dropout", 0, 1), ("relu_dropout", 1, 1)]:
        inputs, terms = x.clone().requires_grad_(), bias.clone().requires_grad_()
        y = inputs + terms
        y = torch.relu(y) if relu else y
        y = y * mask * fp32(scale(0.3)) if drop else y
        y.backward(dy)
        tensors |= {f"{name}.y": y.detach(), f"{name}.dx": inputs.grad, f"{name}.dbias": terms.grad}
    return {f"bias_relu_dropout.{name}": tensor for name, tensor in tensors.items()}


def cross_entropy():
    logits = torch.randn(ROWS, COLS) * 4
    logits[3] *= 2500
    logits[4] = 1.5
    labels = torch.randint(0, COLS, (ROWS,))
    exact = logits.double().requires_grad_()
    losses = torch.nn.functional.cross_entropy(exact, labels, reduction="none")
    losses.mean().backward()
    return {
        "cross_entropy.logits": logits,
        "cross_entropy.labels": labels.float(),
        "cross_entropy.loss": losses.detach().float(),
        "cross_entropy.dlogits": exact.grad.float(),
        "cross_entropy.correct": (logits.argmax(dim=1) == labels).float(),
    }


def adam():
    tensors = {}
    start = torch.randn(SIZE)
    gradients = torch.randn(STEPS, SIZE) * 10.0 ** torch.linspace(-6, 2, SIZE)
    start[-3:] = 0  # Padding.
    gradients[:, -3:] = 0
    for index, (lr, later_lr, beta1, beta2, eps) in enumerate(ADAM):
        parameter = torch.nn.Parameter(start.clone())
        optimizer = torch.optim.Adam([parameter], lr=lr, betas=(beta1, beta2), eps=eps, foreach=False)
        after = []
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = lr if step < STEPS // 2 else later_lr
            parameter.grad = gradients[step].clone()
            optimizer.step()
            after.append(parameter.detach().clone())
        state = optimizer.state[parameter]
        tensors[f"adam.{index}.parameters"] = torch.stack(after)
        tensors[f"adam.{index}.exp_avg"] = state["exp_avg"]
        tensors[f"adam.{index}.exp_avg_sq"] = state["exp_avg_sq"]
    return tensors | {"adam.start": start, "adam.gradients": gradients}


def main():
    torch.manual_seed(777)
    tensors = bias_relu_dropout() | cross_entropy() | adam()
    tensors["pixels"] = torch.arange(256, dtype=torch.uint8).to(torch.float32) / 255.0
    options = {f"adam.{index}": " ".join(map(repr, values)) for index, values in enumerate(ADAM)}
    save_file({k: v.contiguous() for k, v in tensors.items()}, FOLDER / "formulas.safetensors", metadata=options)


if __name__ == "__main__":
    main()
