"""Which networks SGD hands to dense_epoch, and that they learn the same there."""

import numpy as np
import pytest

from nndl import (
    Conv,
    ConvPool,
    Dense,
    Diverged,
    Dropout,
    Flatten,
    LeakyReLU,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from nndl.costs import CrossEntropyCost, QuadraticCost
from nndl.network import STEPS_AT_ONCE
from nndl.small_dense import MOST, SmallDense


def net(layers, cost=None, input_shape=(6,), **options):
    return Network(layers, cost, input_shape, **{"backend": "numba", "dtype": "float64", **options})


SMALL = {
    "the book's first": lambda: net([Dense(5), Sigmoid(), Dense(3), Sigmoid()], "quadratic"),
    "cross-entropy": lambda: net([Dense(5), Tanh(), Dense(3), Sigmoid()]),
    "log-likelihood": lambda: net([Dense(5), ReLU(), Dense(4), ReLU(), Dense(3), Softmax()]),
    "linear": lambda: net([Dense(3)]),
    "linear inside": lambda: net([Dense(4), Dense(3), Tanh()]),
    "images": lambda: net([Dense(5), Sigmoid(), Dense(3), ReLU()], input_shape=(1, 2, 3)),
}


class MySigmoid(Sigmoid):
    """Somebody's own, which may do anything."""


class MyCost(CrossEntropyCost):
    """The same."""


NOT_SMALL = {
    "a convolution": lambda: net([Conv(2, 2), Dense(3), Softmax()], input_shape=(1, 2, 3)),
    "a unit": lambda: net([ConvPool(2, 1), Dense(3), Softmax()], input_shape=(1, 2, 3)),
    "dropout": lambda: net([Dense(5), Sigmoid(), Dropout(0.5), Dense(3), Softmax()]),
    "another activation": lambda: net([Dense(5), LeakyReLU(), Dense(3), Softmax()]),
    "one's own layer": lambda: net([Dense(5), MySigmoid(), Dense(3), Softmax()]),
    "one's own cost": lambda: net([Dense(5), Sigmoid(), Dense(3), Sigmoid()], MyCost()),
    "softmax inside": lambda: net([Dense(5), Softmax(), Dense(3), Softmax()]),
    "two activations": lambda: net([Dense(5), Sigmoid(), Tanh(), Dense(3), Softmax()]),
    "an activation first": lambda: net([Sigmoid(), Dense(3), Softmax()]),
    "flattened inside": lambda: net([Dense(5), Flatten(), Dense(3), Softmax()]),
    "numpy": lambda: net([Dense(3), Softmax()], backend="numpy"),
    "large": lambda: net([Dense(MOST // 6), Sigmoid(), Dense(3), Softmax()]),
}


@pytest.mark.parametrize("kind", SMALL)
def test_small_ones(kind):
    small = SmallDense.of(SMALL[kind](), 0.0)
    assert small is not None and len(small.dense) == len(small.activations)
    assert SmallDense.of(SMALL[kind](), 0.5) is None  # with momentum


@pytest.mark.parametrize("kind", NOT_SMALL)
def test_others(kind):
    assert SmallDense.of(NOT_SMALL[kind](), 0.0) is None


@pytest.mark.parametrize("method", ["update_mini_batch", "backprop"])
def test_a_network_whose_steps_somebody_watches_goes_layer_by_layer(method):
    one = SMALL["linear"]()
    setattr(one, method, getattr(one, method))
    assert SmallDense.of(one, 0.0) is None


def data(one, kind=np.uint8, n=53):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, *one.input_shape))
    return (x if kind == np.uint8 else x / 256).astype(kind), rng.integers(0, 3, n)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("type_of_data", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("rows", [False, True])
def test_they_learn_as_layer_by_layer(kind, type_of_data, rows):
    nets = [SMALL[kind]() for _ in range(2)]
    nets[1].update_mini_batch = nets[1].update_mini_batch
    x, y = data(nets[0], type_of_data)
    if rows:
        y = np.random.default_rng(1).dirichlet(np.ones(3), len(x)).astype("f")
    histories = [one.SGD((x, y), 3, 10, lambda epoch: 0.5 / (1 + epoch), 0.4, lmbda_l1=0.1,
                         evaluation_data=(x, y), monitor_evaluation_cost=True, progress=False)
                 for one in nets]
    np.testing.assert_allclose(*[h.evaluation_cost for h in histories], rtol=1e-11)
    fresh = SMALL[kind]()
    for one, other, before in zip(*[n.layers for n in nets], fresh.layers):
        for name in one.parameters:
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-12)
            assert not np.array_equal(getattr(one, name), getattr(before, name))
    assert nets[0].rng.bit_generator.state == nets[1].rng.bit_generator.state


def test_more_steps_than_one_call_takes():
    nets = [net([Dense(3), Softmax()], input_shape=(2,)) for _ in range(2)]
    nets[1].update_mini_batch = nets[1].update_mini_batch
    n = 2 * STEPS_AT_ONCE + 3
    x, y = data(nets[0], n=n)
    for one in nets:
        one.SGD((x, y), 1, 1, 0.05, 1.0, progress=False)
    np.testing.assert_allclose(*[one.layers[0].w for one in nets], rtol=0, atol=1e-11)


def test_divergence_is_told():
    one = net([Dense(3)], QuadraticCost())
    x, y = data(one)
    with pytest.raises(Diverged, match="not finite"):
        one.SGD((x, y), 50, 10, 1e6, progress=False)
    one = net([Dense(3)], QuadraticCost())
    one.layers[0].w[1, 2] = np.nan
    with pytest.raises(Diverged, match=r"w of layers\[0\]"):
        one.SGD((x, y), 1, 10, 0.1, progress=False)
