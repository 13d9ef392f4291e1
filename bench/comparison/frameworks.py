"""The peers on a CPU, as they run in a worker's process: each gives the seconds of one step, or call, in a round of a case.

A round of training is `count` steps timed as one piece, a round of inference the median of `count` calls from host to
host. The order of the images, and what a call is given, are ready before the clock starts.
"""

import functools
import importlib
import math
import statistics
import time

from comparison import jax_lab, pytorch_lab
from comparison.network import BATCH, IMAGES, SEED, WIDTHS


def random_images(numpy):
    generator = numpy.random.default_rng(SEED)
    images = generator.integers(0, 256, (IMAGES, WIDTHS[0]), dtype=numpy.uint8)
    return images, generator.integers(0, WIDTHS[-1], IMAGES, dtype=numpy.int64)


def random_order(numpy, steps):
    """Batches of an epoch, and of the next where one is not enough: [steps, BATCH]."""
    generator = numpy.random.default_rng()
    epochs = -(-steps * BATCH // IMAGES)
    return numpy.concatenate([generator.permutation(IMAGES) for _ in range(epochs)])[: steps * BATCH].reshape(steps, BATCH)


def seconds_a_step(train, order):
    """Of a function that trains on batches and returns the last loss, which it has waited for."""
    start = time.perf_counter()
    loss = train(order)
    seconds = (time.perf_counter() - start) / len(order)
    if not math.isfinite(loss):
        raise ArithmeticError(f"the loss is {loss}")
    return seconds


def seconds_a_call(call, count):
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


class PyTorch:
    def __init__(self, threads):
        self.torch, self.numpy = importlib.import_module("torch"), importlib.import_module("numpy")
        self.torch.set_num_threads(threads)
        self.torch.set_float32_matmul_precision("highest")
        self.torch.manual_seed(SEED)
        self.versions = {"torch": self.torch.__version__, "numpy": self.numpy.__version__}
        self.images, self.labels = (self.torch.from_numpy(one) for one in random_images(self.numpy))

    def prepare(self, case):
        if case == "infer":
            return self.inference()
        compiler = [self.torch.compile] if case == "train compile" else []
        step = pytorch_lab.training_step(self.torch, self.images, self.labels, *compiler)

        def train(order):
            for rows in order:
                loss = step(rows)
            return loss.item()

        return lambda count, _: seconds_a_step(train, self.torch.from_numpy(random_order(self.numpy, count)))

    def inference(self):
        model = pytorch_lab.build(self.torch, self.images.device).eval()

        def predict(pixels):
            with self.torch.inference_mode():
                return model(pixels.float() / 255).numpy()

        return lambda count, rows: seconds_a_call(functools.partial(predict, self.images[:rows]), count)


class Jax:
    def __init__(self, threads):
        # XLA takes as many threads as the process may use cores, which the worker has set.
        self.jax, self.numpy = importlib.import_module("jax"), importlib.import_module("numpy")
        self.jax.config.update("jax_platforms", "cpu")
        self.jax.config.update("jax_default_matmul_precision", "float32")
        self.versions = {"jax": self.jax.__version__, "jaxlib": importlib.import_module("jaxlib").__version__}

    def prepare(self, case):
        # Of JAX's generators threefry, its default, is the fastest on a CPU.
        weight_key, mask_key = self.jax.random.split(self.jax.random.key(SEED))
        images, labels = (self.jax.numpy.asarray(one) for one in random_images(self.numpy))
        steps = self.jax.jit(functools.partial(jax_lab.many_steps, self.jax, mask_key), donate_argnums=0)
        state = jax_lab.first_state(self.jax, weight_key)

        def train(order):
            nonlocal state
            state, losses = steps(state, images, labels, order)
            return float(self.jax.block_until_ready((state, losses))[1][-1])

        def run(count, _):
            return seconds_a_step(train, self.jax.block_until_ready(self.jax.numpy.asarray(random_order(self.numpy, count))))

        return run


class OnnxRuntime:
    """The same network in two graphs: one is given pixels as bytes and divides them, one floats that are divided."""


    def __init__(self, threads):
        self.onnx, self.runtime = importlib.import_module("onnx"), importlib.import_module("onnxruntime")
        self.numpy, self.threads = importlib.import_module("numpy"), threads
        self.versions = {"onnxruntime": self.runtime.__version__, "onnx": self.onnx.__version__}
        self.images = random_images(self.numpy)[0]

    def prepare(self, case):
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        model = self.build(case == "infer bytes").SerializeToString()
        session = self.runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

        def run(count, rows):
            x = self.images[:rows] if case == "infer bytes" else self.images[:rows].astype(self.numpy.float32) / 255
            return seconds_a_call(lambda: session.run(None, {"x": x}), count)

        return run

    def build(self, takes_bytes):
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        generator, nodes, constants, value = self.numpy.random.default_rng(SEED), [], [], "x"
        if takes_bytes:
            constants.append(helper.make_tensor("scale", kinds.FLOAT, [], [255.0]))
            nodes.append(helper.make_node("Cast", ["x"], ["floats"], to=kinds.FLOAT))
            nodes.append(helper.make_node("Div", ["floats", "scale"], ["divided"]))
            value = "divided"
        for layer, (columns, rows) in enumerate(zip(WIDTHS, WIDTHS[1:])):
            bound = (6 / (columns + rows)) ** 0.5
            weight = generator.uniform(-bound, bound, (rows, columns)).astype(self.numpy.float32)
            constants.append(self.onnx.numpy_helper.from_array(weight, f"w{layer}"))
            constants.append(self.onnx.numpy_helper.from_array(self.numpy.zeros(rows, self.numpy.float32), f"b{layer}"))
            nodes.append(helper.make_node("Gemm", [value, f"w{layer}", f"b{layer}"], [f"y{layer}"], transB=1))
            value = f"y{layer}"
            if layer + 2 < len(WIDTHS):
                nodes.append(helper.make_node("Relu", [value], [f"r{layer}"]))
                value = f"r{layer}"
        given = helper.make_tensor_value_info("x", kinds.UINT8 if takes_bytes else kinds.FLOAT, ["rows", WIDTHS[0]])
        graph = helper.make_graph(nodes, "lab", [given], [helper.make_tensor_value_info(value, kinds.FLOAT, None)], constants)
        # Old enough for any runtime that reads this opset.
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


FRAMEWORKS = {"pytorch": PyTorch, "jax": Jax, "onnxruntime": OnnxRuntime}
