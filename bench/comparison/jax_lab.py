"""The lab in JAX, for a CPU and for a GPU. `jax` is an argument: importing this file takes no framework."""

import functools
import math

from comparison.network import DROPOUT, RATE, WIDTHS


def draw_weights(jax, key):
    weights = []
    for columns, rows in zip(WIDTHS, WIDTHS[1:]):
        key, one = jax.random.split(key)
        bound = math.sqrt(6 / (columns + rows))
        weights.append((jax.random.uniform(one, (columns, rows), minval=-bound, maxval=bound), jax.numpy.zeros(rows)))
    return weights


def first_state(jax, key):
    """Weights, both moments, and the number of steps made."""
    weights = draw_weights(jax, key)
    zeros = lambda: jax.tree_util.tree_map(jax.numpy.zeros_like, weights)
    return weights, zeros(), zeros(), jax.numpy.zeros((), "int32")


def loss_of(jax, weights, x, labels, key):
    for layer, (weight, bias) in enumerate(weights):
        x = x @ weight + bias
        if layer + 1 < len(weights):
            kept = jax.random.bernoulli(jax.random.fold_in(key, layer), 1 - DROPOUT, x.shape)
            x = jax.numpy.where(kept, jax.nn.relu(x) / (1 - DROPOUT), 0)
    return -jax.numpy.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=1).mean()


def adam(jax, weights, gradients, first, second, step):
    mean = lambda beta, old, new: jax.tree_util.tree_map(lambda a, b: beta * a + (1 - beta) * b, old, new)
    first = mean(0.9, first, gradients)
    second = mean(0.999, second, jax.tree_util.tree_map(jax.numpy.square, gradients))
    rate, correction = RATE / (1 - 0.9**step), 1 / (1 - 0.999**step)
    move = lambda w, m, v: w - rate * m / (jax.numpy.sqrt(v * correction) + 1e-8)
    return jax.tree_util.tree_map(move, weights, first, second), first, second


def step(jax, key, images, labels, state, rows):
    """One step on the rows of a batch: the state after it, and the loss. To be compiled by the caller."""
    weights, first, second, count = state
    # Data are arguments: what a jit closes over becomes a constant of its program.
    x = images[rows].astype("float32") / 255
    mask_key = jax.random.fold_in(key, count)
    loss, gradients = jax.value_and_grad(lambda w: loss_of(jax, w, x, labels[rows], mask_key))(weights)
    count = count + 1
    return (*adam(jax, weights, gradients, first, second, count), count), loss


def many_steps(jax, key, state, images, labels, order):
    """Steps over the batches in `order`, [steps, batch], as one program: the state, and each step's loss."""
    return jax.lax.scan(functools.partial(step, jax, key, images, labels), state, order)
