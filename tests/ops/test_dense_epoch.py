"""Many mini-batches of a small fully connected network in one call."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.gradcheck import central_difference, relative_error
from nndl.ops.dense_epoch_numpy import ACTIVATIONS
from tests.ops.checks import laid_out, left_alone, normal, refuses
from tests.strategies import dtypes, layouts, seeds, sizes

HIDDEN = st.sampled_from(["linear", "sigmoid", "tanh", "relu"])
# The output layer, and whether the cost is its companion.
LAST = st.sampled_from([("linear", True), ("sigmoid", True), ("softmax", True), ("linear", False),
                        ("sigmoid", False), ("tanh", False), ("relu", False)])
rates = st.sampled_from([0.0, 0.03, 0.2])


class Case:
    """A network and its data; images are bytes or floats of any kind."""

    def __init__(self, seed, dtype, neurons, kinds, matched, n=9, kind=np.uint8):
        rng = np.random.default_rng(seed)
        self.images = (rng.integers(0, 256, (n, neurons[0])) if kind == np.uint8
                       else rng.normal(size=(n, neurons[0]))).astype(kind)
        self.rows = normal(rng, dtype, 4, neurons[-1])
        self.which = rng.integers(0, 4, n)
        self.order = rng.permutation(n)
        self.weights = [normal(rng, dtype, n_out, n_in) / 2
                        for n_in, n_out in zip(neurons, neurons[1:])]
        self.biases = [normal(rng, dtype, n_out) for n_out in neurons[1:]]
        self.kinds, self.matched = kinds, matched

    def run(self, ops, mini_batch_size, *step, **options):
        return ops.dense_epoch(self.images, self.rows, self.which, self.order, mini_batch_size,
                               self.weights, self.biases, self.kinds, self.matched, *step, **options)

    @property
    def arrays(self):
        return (self.images, self.rows, self.which, self.order, *self.weights, *self.biases)


@given(neurons=st.lists(sizes(12), min_size=2, max_size=4),
       hidden=st.lists(HIDDEN, min_size=2, max_size=2), last=LAST, n=sizes(20),
       mini_batch_size=sizes(23), eta=rates, l2=rates, l1=rates, dtype=dtypes,
       kind=st.sampled_from([np.uint8, np.float32, np.float64]), layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, neurons, hidden, last, n, mini_batch_size, eta, l2,
                                 l1, dtype, kind, layout, seed):
    kinds = [*hidden[:len(neurons) - 2], last[0]]
    case = Case(seed, dtype, neurons, kinds, last[1], n, kind)
    case.images, case.rows = laid_out(case.images, layout), laid_out(case.rows, layout)
    case.weights = [laid_out(w, layout) for w in case.weights]
    with left_alone(*case.arrays):
        weights, biases, done = case.run(fast, mini_batch_size, eta, l2, l1)
        expected = case.run(reference, mini_batch_size, eta, l2, l1)
    assert done == expected[2] == n
    # Rounding grows from step to step: not by the magnitude of one sum.
    bound = 1e-4 if dtype == np.float32 else 1e-11
    for got, other in zip([*weights, *biases], [*expected[0], *expected[1]], strict=True):
        assert got.dtype == other.dtype == dtype and got.shape == other.shape
        assert np.all(abs(got - other) <= bound * (1 + abs(other).max()))


@pytest.mark.parametrize("kinds, matched", [
    (("sigmoid", "softmax"), True), (("tanh", "sigmoid"), True), (("relu", "linear"), True),
    (("linear", "sigmoid"), False), (("sigmoid", "tanh"), False), (("tanh", "relu"), False),
    (("relu", "relu", "softmax"), True)])
def test_one_step_is_the_gradient(ops, kinds, matched):
    """(w - w') / eta and the same of b, at every index, by central differences of the cost."""
    case = Case(3, np.float64, [5, 4, 3, 4][-1 - len(kinds):], kinds, matched, 6, np.float64)
    case.rows = np.eye(4)[:, :case.rows.shape[1]] if kinds[-1] != "relu" else case.rows
    x, y = case.images, case.rows[case.which]

    def cost():
        a = x
        for w, b, kind in zip(case.weights, case.biases, kinds):
            z = a @ w.T + b
            a = {"linear": lambda z: z, "tanh": np.tanh, "relu": lambda z: np.maximum(0, z),
                 "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
                 "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)}[kind](z)
        if not matched or kind == "linear":
            return 0.5 * np.sum((a - y) ** 2) / len(x)
        if kind == "softmax":
            return -np.sum(y * np.log(a)) / len(x)
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / len(x)

    weights, biases, done = case.run(ops, len(x), 0.5)
    assert done == len(x)
    for before, after in zip([*case.weights, *case.biases], [*weights, *biases]):
        numeric = central_difference(cost, before)
        assert relative_error(numeric, (before - after) / 0.5) < 1e-7


@pytest.mark.parametrize("mini_batch_size", [1, 3, 4, 9, 20])
def test_is_one_dense_step_after_the_other(ops, mini_batch_size):
    case = Case(0, np.float64, [6, 5, 3], ("tanh", "softmax"), True)
    weights, biases, _ = case.run(ops, mini_batch_size, 0.3, 0.02, 0.001)
    (w1, w2), (b1, b2) = [w.copy() for w in case.weights], [b.copy() for b in case.biases]
    for start in range(0, 9, mini_batch_size):
        some = case.order[start:start + mini_batch_size]
        x = case.images[some] / 256
        a = ops.tanh_forward(ops.dense_forward(x, w1, b1))
        delta = ops.softmax_forward(ops.dense_forward(a, w2, b2)) - case.rows[case.which[some]]
        da, w2, b2 = ops.dense_step(delta, a, w2, b2, 0.3 / len(some), 0.02, 0.001)
        _, w1, b1 = ops.dense_step(ops.tanh_backward(da, a), x, w1, b1, 0.3 / len(some), 0.02, 0.001)
    for one, other in zip([*weights, *biases], [w1, w2, b1, b2]):
        assert np.allclose(one, other, rtol=0, atol=1e-12)


def test_in_place_and_work(ops):
    """One dict for networks and data of different sizes; into the weights themselves, or others."""
    work = {}
    for n, neurons, size in ((9, [6, 5, 3], 4), (20, [6, 5, 3], 7), (4, [3, 2], 4), (9, [6, 5, 3], 4)):
        for dtype in (np.float32, np.float64):
            case = Case(n, dtype, neurons, ("sigmoid",) * (len(neurons) - 1), False, n)
            step = size, 0.3, 0.02, 0.001
            with left_alone(*case.arrays):
                weights, biases, done = case.run(ops, *step)
                again = case.run(ops, *step, work=work)
            expected = [x.copy() for x in [*weights, *biases]]
            for out in (None, "other", "same"):
                if out is not None:
                    outs = [case.weights, case.biases] if out == "same" else [
                        [np.full_like(x, -1) for x in some] for some in (case.weights, case.biases)]
                    again = case.run(ops, *step, out_weights=outs[0], out_biases=outs[1], work=work)
                    assert all(one is two for one, two in zip([*again[0], *again[1]],
                                                              [*outs[0], *outs[1]], strict=True))
                assert again[2] == done == n
                for one, two in zip([*again[0], *again[1]], expected, strict=True):
                    assert one.dtype == dtype and one.tobytes() == two.tobytes()
            for one, two in zip([*weights, *biases], expected, strict=True):
                assert one.tobytes() == two.tobytes()


def test_by_hand(ops):
    """One input, one neuron, two steps; bytes are byte/256, the last mini-batch counts by its size."""
    images, rows = np.array([[128], [0], [64]], np.uint8), np.array([[1.0], [2]])
    w, b = [np.array([[2.0]])], [np.array([1.0])]
    which, order = np.array([0, 1, 1]), np.array([2, 0, 1])
    (new_w,), (new_b,), done = ops.dense_epoch(images, rows, which, order, 2, w, b, ["linear"], True,
                                               0.5, 0.25, 0.125)
    # Images 2 and 0: a = 2/4 + 1 = 1.5, so delta = a - 2 = -0.5; a = 2/2 + 1 = 2, delta = a - 1 = 1.
    w1 = 2 - 0.25 * (-0.5 / 4 + 1 / 2) - 0.25 * 2 - 0.125
    b1 = 1 - 0.25 * 0.5
    # Image 1: a = b, delta = b - 2.
    assert new_w.item() == w1 - 0.25 * w1 - 0.125
    assert new_b.item() == b1 - 0.5 * (b1 - 2)
    assert done == 3 and w[0].item() == 2 and b[0].item() == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("bad, done", [(0, 0), (3, 2), (4, 4), (8, 8)])
def test_it_stops_before_the_step_that_is_not_finite(ops, value, bad, done):
    case, before = (Case(0, np.float64, [3, 2], ["linear"], True, kind=np.float64) for _ in range(2))
    case.order, before.order = np.arange(9), np.arange(done)
    case.weights = before.weights = [abs(w) for w in case.weights]  # so that infinities add up
    expected = before.run(ops, 2, 0.1)
    case.images[bad, 1] = value
    with np.errstate(invalid="ignore"):
        got = case.run(ops, 2, 0.1)
    assert got[2] == done
    for one, two in zip([*got[0], *got[1]], [*expected[0], *expected[1]]):
        assert np.array_equal(one, two)


def test_no_examples(ops):
    case = Case(0, np.float64, [3, 2], ["linear"], True)
    case.order = case.order[:0]
    weights, biases, done = case.run(ops, 5, 0.1)
    assert done == 0
    assert np.array_equal(weights[0], case.weights[0]) and np.array_equal(biases[0], case.biases[0])


@pytest.mark.parametrize("change, error, words", [
    ({"images": np.ones(4)}, ValueError, ("images must",)),
    ({"images": np.ones((9, 6), int)}, ValueError, ("images must", "int64")),
    ({"images": np.ones((9, 5))}, ValueError, ("weights[0]", "5")),
    ({"images": np.ones((8, 6))}, ValueError, ("which (8,)",)),
    ({"rows": np.ones((4, 2))}, ValueError, ("rows must", "(k, 3)")),
    ({"rows": np.ones((4, 3), "f")}, TypeError, ("rows is float32",)),
    ({"which": np.full(9, 4)}, ValueError, ("which must be from 0 to 3", "not 4")),
    ({"which": np.zeros(9)}, TypeError, ("which must be ints",)),
    ({"order": np.array([0, 9])}, ValueError, ("order must be from 0 to 8", "0 to 9")),
    ({"order": np.array([-1, 3])}, ValueError, ("order must", "-1 to 3")),
    ({"order": np.zeros((2, 2), int)}, TypeError, ("order must",)),
    ({"weights": [np.ones((5, 6))]}, ValueError, ("as many", "1, 2 and 2")),
    ({"weights": [np.ones((5, 6)), np.ones((3, 4))]}, ValueError, ("weights[1]", "5")),
    ({"biases": [np.ones(5), np.ones(2)]}, ValueError, ("biases[1]",)),
    ({"kinds": ("softmax", "softmax")}, ValueError, ("activations[0]", "'softmax'")),
    ({"kinds": ("relu", "gelu")}, ValueError, ("activations[1]", "'gelu'")),
    ({"matched": False}, ValueError, ("matched must be True",)),
    ({"size": 0}, ValueError, ("mini_batch_size",)),
    ({"size": 2.0}, ValueError, ("mini_batch_size",)),
])
def test_refuses(change, error, words):
    def call(ops):
        case = Case(0, np.float64, [6, 5, 3], ("relu", "softmax"), True)
        for name, value in change.items():
            setattr(case, name, value)
        case.run(ops, change.get("size", 4), 0.1)

    refuses(call, error, *words)


def test_every_activation_was_there():
    assert set(ACTIVATIONS) == {"linear", "sigmoid", "tanh", "relu", "softmax"}
