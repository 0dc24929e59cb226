"""Prints a hash of what each family's Numba kernels compute; test_backends runs it cold and warm."""

import contextlib
import hashlib

import numpy as np

from nndl import backends
from nndl.ops.dense_numba import MANY_EXAMPLES
from nndl.selftest import _cases
from tests.ops.checks import shared_out


def more_cases(rng):
    """(name, function of a backend returning arrays) for the paths that selftest's cases leave out."""
    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    w, b = draw(21, 37), draw(21)
    for m, part in ((10, 1.0), (10, 0.2), (2 * MANY_EXAMPLES + 3, 1.0)):
        a, delta = draw(m, 37), draw(m, 21)
        delta[rng.random(delta.shape) >= part] = 0

        def dense(ops, a=a, delta=delta):
            return (ops.dense_forward(a, w, b), *ops.dense_backward(delta, a, w),
                    *ops.dense_step(delta, a, w, b, 0.1, 0.01, 0.001))
        yield f"a dense layer's step, {m} examples, {part:g} of delta", dense
    x = draw(5, 3, 11, 10)
    for c, f in ((2, 5), (6, 9)):  # short rows of patches, and long ones
        maps, filters, bias = draw(3, c, 23, 22), draw(f, c, 3, 4), draw(f)

        def conv(ops, maps=maps, filters=filters, bias=bias):
            z = ops.conv_forward(maps, filters, bias, (1, 2), (1, 0))
            return z, *ops.conv_backward(z, maps, filters, (1, 2), (1, 0))
        yield f"a convolution of {c} maps", conv
    yield "patches", lambda ops: (ops.im2col(x, (3, 2)),
                                  ops.col2im(ops.im2col(x, (3, 2)), x.shape, (3, 2)))
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 7)]
    yield "log-likelihood", lambda ops: (ops.log_likelihood_forward(ops.softmax_forward(y), y),
                                         ops.log_likelihood_backward(ops.softmax_forward(y), y))
    yield "a mask", lambda ops: (ops.dropout_mask((7, 10), 0xC58EFD154CE32F6D, 0.4),)
    images, rows = rng.integers(0, 256, (23, 30), np.uint8), np.eye(4, dtype=np.float32)
    which, order = rng.integers(0, 4, 23), rng.permutation(23)
    weights, biases = [draw(9, 30), draw(8, 9), draw(4, 8)], [draw(9), draw(8), draw(4)]
    for kinds in (("sigmoid", "tanh", "softmax"), ("relu", "linear", "sigmoid")):
        def epoch(ops, kinds=kinds):
            weights_, biases_, _ = ops.dense_epoch(images, rows, which, order, 5, weights, biases,
                                                   kinds, True, 0.1, 0.01)
            return *weights_, *biases_
        yield f"an epoch, {kinds[-1]}", epoch

    def gather(ops):
        x, y = np.empty((23, 30), np.float32), np.empty((23, 4), np.float32)
        ops.gather(images, rows, which, order, x, y)
        return x, y
    yield "a mini-batch", gather


if __name__ == "__main__":
    fast = backends.get("numba")
    with fast.running():
        # Small as it is, this is left to the calling thread, and then shared out all the same.
        for sharing in contextlib.nullcontext, shared_out:
            for cases in _cases, more_cases:
                for what, compute in cases(np.random.default_rng(0)):
                    total = hashlib.sha256()
                    with sharing():
                        for array in compute(fast):
                            if array is not None:
                                total.update(np.ascontiguousarray(array).tobytes())
                    print(what, total.hexdigest()[:12])
