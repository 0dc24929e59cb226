"""What `nndl verify` runs: is this installation, on this machine, computing what it should?

Half a minute, most of it for compiling kernels the first time.
"""

import time

import numpy as np

from . import backends, gradcheck
from .data import load_mnist
from .layers import ConvPool, Dense, Dropout, Sigmoid, Softmax
from .network import Network

FLOAT32 = 1e-5  # bound on |numba - numpy|, relative to the largest number of the result


def selftest(say):
    """Run every check, telling say() a line for each.  Returns whether all went well."""
    good = True
    for check in (data, kernels, gradients, threads, training):
        began = time.perf_counter()
        try:
            found, verdict = check(), "ok"
        except (ValueError, TypeError, ArithmeticError, AssertionError, OSError) as error:
            found, verdict, good = str(error), "FAILED", False
        say(f"{verdict:<7} {check.__name__:<10} {found}  ({time.perf_counter() - began:.1f} s)")
    return good


def data():
    """The shipped MNIST, by its SHA-256."""
    splits = load_mnist()
    return "MNIST is whole: " + " / ".join(f"{len(part.images):,}" for part in splits)


def kernels():
    """Every family of compiled operations against NumPy, on shapes that no block divides."""
    rng = np.random.default_rng(0)
    reference, fast = backends.get("numpy"), backends.get("numba")
    worst = 0.0
    with fast.running():
        for what, compute in _cases(rng):
            for expected, got in zip(compute(reference), compute(fast), strict=True):
                error = np.abs(expected - got).max() / max(1e-30, np.abs(expected).max())
                worst = max(worst, float(error))
                if not error < FLOAT32:
                    raise ArithmeticError(f"{what} differs from NumPy by {error:.2g} relative to "
                                          f"its largest number, {FLOAT32:g} is allowed")
    return f"agree with NumPy to {worst:.1g}"


def _cases(rng):
    """(name, function of a backend returning arrays) for the operations of the book's networks."""
    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    # Small layers, which are left to one thread, large ones, and delta with few numbers that are not 0.
    for n_in, n_out, part in (37, 11, 1), (203, 101, 1), (203, 101, 0.1):
        a, w, b, delta = draw(13, n_in), draw(n_out, n_in), draw(n_out), draw(13, n_out)
        delta[rng.random(delta.shape) >= part] = 0

        def dense(ops, a=a, w=w, b=b, delta=delta):
            return (ops.dense_forward(a, w, b), *ops.dense_backward(delta, a, w),
                    *ops.dense_step(delta, a, w, b, 0.1, 0.01))
        yield f"dense layer of {n_out}", dense
    z, dz, v = draw(130, 131), draw(130, 131), draw(130, 131)
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu"):
        def activation(ops, name=name):
            out = ops.activation_forward(z, name, 0.3)
            return out, ops.activation_backward(dz, out, z, name, 0.3)
        yield name, activation
    yield "softmax", lambda ops: (ops.softmax_forward(z),
                                  ops.softmax_backward(dz, ops.softmax_forward(z)))
    mask = (rng.random(z.shape) < 0.5).astype(np.uint8)
    yield "dropout", lambda ops: (ops.dropout_mask(z.shape, 12345, 0.5).astype(np.float32),
                                  ops.dropout_draw(z, 12345, 0.5)[0],
                                  ops.dropout_forward(z, mask, 0.5),
                                  ops.dropout_backward(dz, mask, 0.5))
    yield "update", lambda ops: (*ops.sgd_step(z, dz, v, 0.1, 0.01, 0.02, 0.9),
                                 *ops.layer_step(z, z[:, 0], dz, dz[:, 0], 0.1, 0.01, 0.02))
    x, filters, bias = draw(9, 3, 13, 12), draw(7, 3, 5, 4), draw(7)

    def max_pool(ops):
        pooled, winner = ops.max_pool_forward(x)
        return pooled, winner, ops.max_pool_backward(pooled, winner, x.shape)
    yield "max-pooling", max_pool
    for pool in ("max", "l2"):
        unit = {"activation": "relu", "pool": pool, "padding": (1, 0)}
        d_pooled = draw(*reference_shape(x, filters, bias, unit))

        def conv_pool(ops, unit=unit, d_pooled=d_pooled):
            remembered = ops.conv_pool_forward(x, filters, bias, **unit)
            given = d_pooled, *remembered, x, filters
            _, *first_layer = ops.conv_pool_backward(*given, **unit, need_dx=False)
            return remembered[0], *ops.conv_pool_backward(*given, **unit), *first_layer
        yield f"convolution with {pool}-pooling", conv_pool
    maps, more = draw(9, 6, 13, 12), draw(7, 6, 5, 4)  # rows of a patch long enough for the other path
    gradient = draw(*reference_shape(maps, more, bias, {}))

    def second(ops):
        remembered = ops.conv_pool_forward(maps, more, bias)
        return remembered[0], *ops.conv_pool_backward(gradient, *remembered, maps, more)
    yield "second convolution with max-pooling", second
    for cell, gates in ("recurrent", 1), ("lstm", 4):
        x, dh, valid = draw(5, 4, 3), draw(5, 4, 21), rng.random((5, 4)) < 0.8
        w_xh, w_hh, b, h0 = draw(gates * 21, 3), draw(gates * 21, 21) / 5, draw(gates * 21), draw(5, 21)

        def steps(ops, cell=cell, given=(x, w_xh, w_hh, b), dh=dh, h0=h0, valid=valid):
            forward, backward = getattr(ops, f"{cell}_forward"), getattr(ops, f"{cell}_backward")
            out = forward(*given, h0, valid=valid)
            out = out if isinstance(out, tuple) else (out,)
            return *out, *backward(dh, *out, *given[:3], h0, valid=valid, truncate=3)
        yield f"a layer of cells, {cell}", steps
    symbols = rng.integers(0, 7, (5, 4))
    vectors, d = draw(7, 3), draw(5, 4, 3)
    yield "symbols", lambda ops: (ops.embedding_forward(symbols, vectors),
                                  ops.embedding_backward(d, symbols, vectors))


def reference_shape(x, w, b, unit):
    """The shape of what a convolution-pooling unit makes."""
    return backends.get("numpy").conv_pool_forward(x, w, b, **unit)[0].shape


def gradients():
    """Backpropagation through a small network against central differences, in float64."""
    rng = np.random.default_rng(1)
    net = Network([ConvPool(3, 3), Dense(7), Sigmoid(), Dropout(0.2), Dense(4), Softmax()],
                  input_shape=(1, 8, 8), backend="numpy", dtype="float64")
    errors = gradcheck.check_network(net, rng.random((3, 1, 8, 8)), np.array([0, 3, 1]))
    return f"agree with central differences to {max(errors.values()):.1g}"


def threads():
    """The same bits with one thread and with all."""
    fast = backends.get("numba")
    all_of_them, weights = fast.threads, []
    try:
        for fast.threads in (1, all_of_them):
            net = _book_network()
            net.SGD(load_mnist().training[:300], 1, 7, 0.05, progress=False)
            weights.append([layer.w for layer in net.layers if layer.parameters])
    finally:
        fast.threads = all_of_them
    if not all(np.array_equal(one, many) for one, many in zip(*weights, strict=True)):
        raise ArithmeticError(f"1 and {all_of_them} threads train to different weights")
    return f"1 and {all_of_them} train to the same bits"


def training():
    """2,000 images are enough to get most of 1,000 others right."""
    splits = load_mnist()
    net = _book_network()
    net.SGD(splits.training[:2000], 3, 10, 0.05, progress=False)
    accuracy = net.accuracy(splits.validation[:1000])
    if accuracy < 0.85:
        raise ArithmeticError(f"only {accuracy:.1%} right after three epochs on 2,000 images; "
                              "more than 90 % is usual")
    return f"{accuracy:.1%} right after three epochs on 2,000 images"


def _book_network():
    from .cli import book_network
    return book_network(backend="numba")
