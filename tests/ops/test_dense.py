"""The fully connected layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.gradcheck import check_operation
from nndl.ops import dense_numba
from nndl.ops.dense_numba import MANY_EXAMPLES
from nndl.ops.jit import BLOCKS, MOST_ROWS, SMALL_PRODUCT, rows_at_once
from tests.ops.checks import (
    assert_agree,
    check_work,
    laid_out,
    left_alone,
    normal,
    refuses,
    shared_out,
    spy,
    thresholds,
)
from tests.strategies import dtypes, layouts, seeds, sizes

pytestmark = pytest.mark.usefixtures("sharing")

# On both sides of every threshold: one example, blocks without a neuron, blocks of examples.
EXAMPLES = st.sampled_from([1, 2, 7, 16, 17, 40, MANY_EXAMPLES])
NEURONS = st.sampled_from([1, 3, BLOCKS - 1, BLOCKS, BLOCKS + 1, 30])
# So many examples are many, so many multiplications a small product, so many rows of one the most.
LIMITS = st.fixed_dictionaries({"MANY_EXAMPLES": st.sampled_from([1, 4, 17, MANY_EXAMPLES]),
                                "SMALL_PRODUCT": st.sampled_from([1, 60, 300, SMALL_PRODUCT]),
                                "MOST_ROWS": st.sampled_from([1, 2, 3, MOST_ROWS])})


@given(m=sizes(4), n_in=sizes(5), n_out=sizes(10), seed=seeds)
def test_gradients_of_every_index(ops, m, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    check_operation(lambda a, w, b: ops.dense_forward(a, w, b),
                    lambda delta, z, a, w, b: ops.dense_backward(delta, a, w),
                    seed=seed % 1000, a=rng.normal(size=(m, n_in)), w=rng.normal(size=(n_out, n_in)),
                    b=rng.normal(size=n_out))


def test_gradients_of_many_examples(ops):
    """The path on which a block takes examples."""
    rng = np.random.default_rng(0)
    check_operation(lambda a, w, b: ops.dense_forward(a, w, b),
                    lambda delta, z, a, w, b: ops.dense_backward(delta, a, w),
                    a=rng.normal(size=(MANY_EXAMPLES + 3, 2)), w=rng.normal(size=(3, 2)),
                    b=rng.normal(size=3))


@given(m=EXAMPLES, n_in=sizes(20), n_out=NEURONS, limits=LIMITS, dtype=dtypes, layout=layouts,
       seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, m, n_in, n_out, limits, dtype, layout, seed):
    check_agreement(reference, fast, m, n_in, n_out, limits, dtype, layout, seed)


@pytest.mark.parametrize("m, n_in, n_out, limits", [
    (1, 1, 1, {}), (MANY_EXAMPLES - 1, 4, 3, {}), (MANY_EXAMPLES, 4, 3, {}),
    (MANY_EXAMPLES, 4, MANY_EXAMPLES, {}), (MANY_EXAMPLES + 1, 4, MANY_EXAMPLES, {}),
    (BLOCKS * MANY_EXAMPLES + MANY_EXAMPLES, 3, 5, {}),
    # A large product at once, a small one at a time, not even one row of it.
    (3, 350_000, BLOCKS * 2, {}), (11, 1000, BLOCKS * 2 * MOST_ROWS, {}),
    (40, 1000, BLOCKS * MOST_ROWS + 1, {}), (9, 2000, BLOCKS * MOST_ROWS - 1, {}),
    # One block with a neuron more than the others, which take one at a time.
    (5, 4, BLOCKS + 1, {"SMALL_PRODUCT": 1}), (5, 4, 3 * BLOCKS + 1, {"SMALL_PRODUCT": 3 * 20}),
    # Many examples, and of them so many rows at a time.
    (31, 5, 9, {"MANY_EXAMPLES": 3, "SMALL_PRODUCT": 100, "MOST_ROWS": 3}),
    (31, 5, 9, {"MANY_EXAMPLES": 10, "SMALL_PRODUCT": 1, "MOST_ROWS": 99}),
])
def test_numba_agrees_with_numpy_at_every_threshold(reference, fast, m, n_in, n_out, limits):
    check_agreement(reference, fast, m, n_in, n_out, limits, np.float64, "plain", 0)


def check_agreement(reference, fast, m, n_in, n_out, limits, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    a, w, delta = (laid_out(normal(rng, dtype, *shape), layout)
                   for shape in ((m, n_in), (n_out, n_in), (m, n_out)))
    b = normal(rng, dtype, n_out)
    with left_alone(a, w, b, delta), thresholds(**limits):
        z = fast.dense_forward(a, w, b)
        gradients = fast.dense_backward(delta, a, w)
    assert_agree(z, reference.dense_forward(a, w, b),
                 reference.dense_forward(abs(a), abs(w), abs(b)), dtype)
    magnitudes = reference.dense_backward(abs(delta), abs(a), abs(w))
    for got, expected, magnitude in zip(gradients, reference.dense_backward(delta, a, w), magnitudes):
        assert_agree(got, expected, magnitude, dtype)


def test_a_bias_between_other_numbers(reference, fast):
    rng = np.random.default_rng(0)
    a, w, b = normal(rng, float, 3, 4), normal(rng, float, 5, 4), normal(rng, float, 10)[::2]
    assert_agree(fast.dense_forward(a, w, b), reference.dense_forward(a, w, b), 20, np.float64)


FORWARD = "_forward_at_once", "_forward_by_neurons", "_forward_by_examples"


@pytest.mark.parametrize("m, n_out, path, blocks", [
    (1, 3, "_forward_by_neurons", None), (MANY_EXAMPLES - 1, 3, "_forward_by_neurons", None),
    (MANY_EXAMPLES, 3, "_forward_by_examples", 1),
    (MANY_EXAMPLES, MANY_EXAMPLES, "_forward_by_neurons", None),  # no more examples than neurons
    (MANY_EXAMPLES + 1, MANY_EXAMPLES, "_forward_by_examples", 2),
    (2 * MANY_EXAMPLES, 3, "_forward_by_examples", 2),
    (BLOCKS * MANY_EXAMPLES + MANY_EXAMPLES, 3, "_forward_by_examples", BLOCKS),
])
def test_which_path_forward_takes(fast, monkeypatch, m, n_out, path, blocks):
    calls = spy(monkeypatch, dense_numba, *FORWARD)
    with shared_out():
        z = fast.dense_forward(np.ones((m, 2)), np.ones((n_out, 2)), np.ones(n_out))
    (name, arguments), = calls
    assert name == path and np.all(z == 3)
    assert blocks is None or arguments[3] == blocks


@pytest.mark.parametrize("m, n_in, n_out, path", [
    (3, 4, 5, "_forward_at_once"), (5, 4, 3, "_forward_at_once"), (61, 1, 1, "_forward_by_neurons"),
    (3, 7, 3, "_forward_by_neurons"), (MANY_EXAMPLES, 1, 1, "_forward_by_examples"),
    (1, 1, 60, "_forward_at_once"), (1, 1, 61, "_forward_by_neurons"), (0, 9, 9, "_forward_at_once"),
])
def test_a_small_layer_is_left_to_the_calling_thread(fast, monkeypatch, m, n_in, n_out, path):
    """Up to so many multiplications, here 60."""
    calls = spy(monkeypatch, dense_numba, *FORWARD)
    with thresholds(TOO_FEW_TO_SHARE=60):
        z = fast.dense_forward(np.ones((m, n_in)), np.ones((n_out, n_in)), np.arange(float(n_out)))
    assert [name for name, _ in calls] == [path]
    assert np.all(z == n_in + np.arange(n_out))


@pytest.mark.parametrize("m, blocks", [
    (1, None), (MANY_EXAMPLES - 1, None), (MANY_EXAMPLES, 1), (2 * MANY_EXAMPLES - 1, 2),
    (2 * MANY_EXAMPLES, 2), (BLOCKS * MANY_EXAMPLES + MANY_EXAMPLES, BLOCKS)])
def test_which_path_da_takes(fast, monkeypatch, m, blocks):
    """The neurons' shares are summed, or with more examples than neurons it has a pass of its own."""
    calls = spy(monkeypatch, dense_numba, "_backward", "_by_examples")
    delta, a, w = np.ones((m, 3)), np.ones((m, 2)), np.ones((3, 2))
    da, nabla_w, nabla_b = fast.dense_backward(delta, a, w)
    assert [name for name, _ in calls] == ["_backward"] + ["_by_examples"] * (blocks is not None)
    assert (calls[0][1][-1].size > 0) == (blocks is None)  # the shares
    assert blocks is None or calls[1][1][2] == blocks
    assert np.all(da == 3) and np.all(nabla_w == m) and np.all(nabla_b == m)
    calls.clear()
    fast.dense_backward(delta, a, w, need_da=False)
    (name, arguments), = calls
    assert name == "_backward" and not arguments[-1].size


LARGE = SMALL_PRODUCT // MOST_ROWS + 1  # multiplications a row, of which MOST_ROWS are too many


@pytest.mark.parametrize("rows, cost, at_once", [
    (1, 1, 1), (MOST_ROWS - 1, 1, MOST_ROWS - 1), (MOST_ROWS, 1, MOST_ROWS), (1000, 1, MOST_ROWS),
    (1000, SMALL_PRODUCT // MOST_ROWS, MOST_ROWS),
    # Fewer than MOST_ROWS make a small product: all at once if there are many, else those few.
    (1000, LARGE, 1000), (MOST_ROWS, LARGE, MOST_ROWS), (MOST_ROWS - 1, LARGE, MOST_ROWS - 1),
    (MOST_ROWS - 1, SMALL_PRODUCT // 3, 3), (MOST_ROWS - 1, SMALL_PRODUCT, 1),
    (MOST_ROWS - 1, SMALL_PRODUCT + 1, 1), (MOST_ROWS, SMALL_PRODUCT + 1, MOST_ROWS), (5, 0, 5),
])
def test_how_many_rows_at_once(rows, cost, at_once):
    assert rows_at_once(rows, cost) == at_once


@pytest.mark.parametrize("m, rows", [(1, 3), (2, 1), (3, 1)])
def test_the_products_take_so_many_rows_at_once(fast, monkeypatch, m, rows):
    """24 neurons are three a block; a small product has 8 multiplications, a row 4 m."""
    calls = spy(monkeypatch, dense_numba, "_forward_by_neurons", "_backward")
    delta, a, w = np.ones((m, 24)), np.ones((m, 4)), np.ones((24, 4))
    with shared_out(), thresholds(SMALL_PRODUCT=12 if m == 1 else 8):
        fast.dense_forward(a, w, np.zeros(24))
        da, nabla_w, _ = fast.dense_backward(delta, a, w)
    assert calls[0][1][3] == calls[1][1][3] == rows
    one_share = calls[1][1][-2]
    assert bool(one_share.size) == (rows < 3)  # a block's share of da is added up, or made at once
    assert np.all(da == 24) and np.all(nabla_w == m)


def test_da_by_examples_takes_so_many_rows_at_once(fast, monkeypatch):
    """40 examples are four blocks of ten; 40 multiplications are small, a row has 8."""
    calls = spy(monkeypatch, dense_numba, "_by_examples")
    with thresholds(SMALL_PRODUCT=40, MANY_EXAMPLES=10):
        da, _, _ = fast.dense_backward(np.ones((40, 2)), np.ones((40, 4)), np.ones((2, 4)))
    (_, arguments), = calls
    assert arguments[2:4] == (4, 5) and np.all(da == 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_work(ops, dtype):
    rng = np.random.default_rng(0)

    def make(m):
        return normal(rng, dtype, m, 6), normal(rng, dtype, 9, 6), normal(rng, dtype, 9), normal(
            rng, dtype, m, 9)

    def run(arrays, work):
        a, w, b, delta = arrays
        return ops.dense_forward(a, w, b, work), *ops.dense_backward(delta, a, w, work=work)

    check_work(run, make, [10, 3, MANY_EXAMPLES + 6, 1, MANY_EXAMPLES, 12, 100])


def test_by_hand(ops):
    """One example, two inputs, three neurons; (25), BP2, BP3 and BP4 with pencil and paper."""
    a, w = np.array([[1.0, 2]]), np.array([[1.0, 0], [3, -1], [0.5, 2]])
    assert np.array_equal(ops.dense_forward(a, w, np.array([10.0, 20, 30])), [[11, 21, 34.5]])
    da, nabla_w, nabla_b = ops.dense_backward(np.array([[1.0, -1, 2]]), a, w)
    assert np.array_equal(da, [[1 - 3 + 1, 0 + 1 + 4]])
    assert np.array_equal(nabla_w, [[1, 2], [-1, -2], [2, 4]])
    assert np.array_equal(nabla_b, [1, -1, 2])


@pytest.mark.parametrize("m", [5, MANY_EXAMPLES])
def test_da_only_on_demand(ops, m):
    rng = np.random.default_rng(0)
    delta, a, w = normal(rng, float, m, 3), normal(rng, float, m, 4), normal(rng, float, 3, 4)
    da, nabla_w, nabla_b = ops.dense_backward(delta, a, w, need_da=False)
    assert da is None
    _, all_w, all_b = ops.dense_backward(delta, a, w)
    assert np.array_equal(nabla_w, all_w) and np.array_equal(nabla_b, all_b)


def test_nan_and_infinity_are_handed_on(ops):
    z = ops.dense_forward(np.array([[np.nan, 1], [1, np.inf], [1, 1]]), np.ones((2, 2)), np.zeros(2))
    assert np.array_equal(z, [[np.nan] * 2, [np.inf] * 2, [2, 2]], equal_nan=True)
    delta = np.array([[np.inf, np.nan], [1, 1]])
    _, _, nabla_b = ops.dense_backward(delta, np.ones((2, 1)), np.ones((2, 1)), need_da=False)
    assert np.array_equal(nabla_b, [np.inf, np.nan], equal_nan=True)


def test_no_examples(ops):
    none, w = np.ones((0, 4)), np.ones((3, 4))
    assert ops.dense_forward(none, w, np.ones(3)).shape == (0, 3)
    da, nabla_w, nabla_b = ops.dense_backward(np.ones((0, 3)), none, w)
    assert da.shape == (0, 4) and not nabla_w.any() and not nabla_b.any()


A, W, B, DELTA = np.ones((2, 4)), np.ones((3, 4)), np.ones(3), np.ones((2, 3))


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.dense_forward(A[0], W, B), ValueError, ("a must", "(m, 4)", "reshape")),
    (lambda ops: ops.dense_forward(A[:, :3], W, B), ValueError, ("a must", "(m, 4)", "(2, 3)")),
    (lambda ops: ops.dense_forward(A, W[0], B), ValueError, ("w must", "(n_out, n_in)")),
    (lambda ops: ops.dense_forward(A, W, B[:2]), ValueError, ("b must", "(3,)", "(2,)")),
    (lambda ops: ops.dense_forward(A, W, B[None]), ValueError, ("b must", "(1, 3)")),
    (lambda ops: ops.dense_forward(A.astype(int), W, B), TypeError, ("a must", "float32", "int64")),
    (lambda ops: ops.dense_forward(A.astype("f"), W, B), TypeError, ("w is float64", "a is float32")),
    (lambda ops: ops.dense_forward(A, W, B.astype("f")), TypeError, ("b is float32", "w is float64")),
    (lambda ops: ops.dense_backward(DELTA.T, A, W), ValueError, ("delta must", "(2, 3)", "(3, 2)")),
    (lambda ops: ops.dense_backward(DELTA.astype("f"), A, W), TypeError, ("delta is float32",)),
    (lambda ops: ops.dense_backward(DELTA, A[:, :3], W), ValueError, ("a must",)),
])
def test_refuses(call, error, words):
    refuses(call, error, *words)
