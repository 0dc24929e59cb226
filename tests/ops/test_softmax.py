"""Softmax and the log-likelihood cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.gradcheck import check_operation
from tests.ops.checks import assert_agree, check_work, laid_out, left_alone, normal, refuses
from tests.strategies import dtypes, layouts, seeds, sizes


def digits(rng, m, n, dtype=float):
    """Desired outputs: a 1 in each row."""
    return np.eye(n, dtype=dtype)[rng.integers(0, n, m)]


@given(m=sizes(6), n=sizes(10), largest=st.sampled_from([0.1, 1, 2]), seed=seeds)
def test_gradient_of_softmax(ops, m, n, largest, seed):
    """Not further apart: where one neuron has it all, the gradient is lost in a's rounding."""
    z = np.random.default_rng(seed).uniform(-largest, largest, (m, n))
    check_operation(lambda z: ops.softmax_forward(z),
                    lambda da, a, z: ops.softmax_backward(da, a), z=z)


@given(m=sizes(6), n=sizes(10), seed=seeds)
def test_gradient_of_the_cost_through_softmax(ops, m, n, seed):
    """(84): delta = a - y is dC/dz, not dC/da."""
    rng = np.random.default_rng(seed)
    y = digits(rng, m, n)

    def backward(d_cost, cost, z):
        return d_cost[:, None] * ops.log_likelihood_backward(ops.softmax_forward(z), y)

    check_operation(lambda z: ops.log_likelihood_forward(ops.softmax_forward(z), y), backward,
                    z=rng.normal(size=(m, n)))


@given(m=sizes(20), n=sizes(12), dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, m, n, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    z, da = (laid_out(3 * normal(rng, dtype, m, n), layout) for _ in range(2))
    y = laid_out(digits(rng, m, n, dtype), layout)
    a = laid_out(reference.softmax_forward(z), layout)
    with left_alone(z, da, y, a):
        got = (fast.softmax_forward(z), fast.softmax_backward(da, a), fast.log_likelihood_forward(a, y),
               fast.log_likelihood_backward(a, y))
    assert_agree(got[0], a, (1 + abs(z).max()) * a, dtype)
    assert_agree(got[1], reference.softmax_backward(da, a),
                 a * (abs(da) + (abs(da) * a).sum(axis=1, keepdims=True)), dtype)
    assert_agree(got[2], reference.log_likelihood_forward(a, y),
                 abs(reference.log_likelihood_forward(a, y)), dtype)
    assert_agree(got[3], reference.log_likelihood_backward(a, y), 0, dtype)


def test_work(ops):
    rng = np.random.default_rng(0)

    def run(arrays, work):
        z, da, y = arrays
        a = ops.softmax_forward(z, work)
        return (a, ops.softmax_backward(da, a, work), ops.log_likelihood_forward(a, y, work),
                ops.log_likelihood_backward(a, y, work))

    check_work(run, lambda m: (normal(rng, float, m, 10), normal(rng, float, m, 10),
                               digits(rng, m, 10)), [10, 3, 17, 1])


def test_by_hand(ops):
    """e^z in the proportions 1 : 2 : 1."""
    z = np.log([[1.0, 2, 1]])
    a = ops.softmax_forward(z)
    assert np.allclose(a, [[0.25, 0.5, 0.25]], rtol=1e-15)
    a = np.array([[0.25, 0.5, 0.25]])
    # sum_k da_k a_k = 1 + 1 + 0 = 2
    assert np.array_equal(ops.softmax_backward(np.array([[4.0, 2, 0]]), a), [[0.5, 0, -0.5]])
    y = np.array([[1.0, 0, 0]])
    assert np.allclose(ops.log_likelihood_forward(a, y), [np.log(4)], rtol=1e-15)
    assert np.array_equal(ops.log_likelihood_backward(a, y), [[-0.75, 0.5, 0.25]])


def test_desired_outputs_that_are_shares(ops):
    """A y need not be a single 1: each share counts."""
    a, y = np.array([[0.25, 0.5, 0.25]]), np.array([[0.5, 0.25, 0.25]])
    assert np.allclose(ops.log_likelihood_forward(a, y), [(0.75 * 2 + 0.25) * np.log(2)], rtol=1e-15)
    assert np.array_equal(ops.log_likelihood_backward(a, y), [[-0.25, 0.25, 0]])


@given(m=sizes(5), n=sizes(6), dtype=dtypes, seed=seeds, shift=st.sampled_from([-1000, 0, 1000]))
def test_rows_sum_to_one_and_a_shift_changes_nothing(ops, m, n, dtype, seed, shift):
    z = np.random.default_rng(seed).integers(-20, 20, (m, n)).astype(dtype)
    a = ops.softmax_forward(z)
    assert a.dtype == dtype
    assert np.allclose(a.sum(axis=1), 1, rtol=0, atol=4 * np.finfo(dtype).eps)
    assert np.array_equal(ops.softmax_forward(z + dtype(shift)), a)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_float_warns_or_overflows(ops, dtype):
    """Warnings are errors here."""
    inf, largest = np.inf, np.finfo(dtype).max
    z = np.array([[0, largest, -largest], [0, -inf, 0], [largest, largest, -inf], [-largest] * 3],
                 dtype)
    third = dtype(1) / dtype(3)
    assert np.array_equal(ops.softmax_forward(z),
                          np.array([[0, 1, 0], [0.5, 0, 0.5], [0.5, 0.5, 0], [third] * 3], dtype))
    z = np.array([[0, inf, 1], [-inf] * 3, [0, np.nan, 1], [np.nan, 0, 1], [1, 2, np.nan], [inf] * 3],
                 dtype)
    assert np.isnan(ops.softmax_forward(z)).all()
    assert not np.isnan(ops.softmax_forward(np.array([[np.nan, 1], [0, 1]], dtype))[1]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_cost_of_an_impossible_digit(ops, dtype):
    """An a of 0 counts as the smallest normal float: the cost is large, not infinite."""
    a, y = np.array([[0, 1], [1, 0]], dtype), np.array([[1, 0], [1, 0]], dtype)
    cost = ops.log_likelihood_forward(a, y)
    assert cost.dtype == dtype
    assert np.allclose(cost, [{np.float32: 126, np.float64: 1022}[dtype] * np.log(2), 0], rtol=1e-6)


@pytest.mark.parametrize("row", [[np.nan, 0.5], [0.5, np.nan]])
def test_the_cost_hands_nan_on(ops, row):
    y = np.array([[1.0, 0]])
    assert np.isnan(ops.log_likelihood_forward(np.array([row]), y)).all()


def test_no_examples(ops):
    none = np.ones((0, 3))
    assert ops.softmax_forward(none).shape == ops.softmax_backward(none, none).shape == (0, 3)
    assert ops.log_likelihood_forward(none, none).shape == (0,)


A, LESS, ROW = np.full((2, 3), 0.5), np.full((2, 2), 0.5), np.full(3, 0.5)


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.softmax_forward(ROW), ValueError, ("z must", "(m, n)", "(3,)", "reshape")),
    (lambda ops: ops.softmax_forward(A[None, None]), ValueError, ("z must", "(1, 1, 2, 3)")),
    (lambda ops: ops.softmax_forward(A[:, :0]), ValueError, ("z must", "(2, 0)")),
    (lambda ops: ops.softmax_forward(A.astype(int)), TypeError, ("z must", "int64")),
    (lambda ops: ops.softmax_backward(A, LESS), ValueError, ("a has shape (2, 2)", "da has (2, 3)")),
    (lambda ops: ops.softmax_backward(ROW, ROW), ValueError, ("da must", "(m, n)")),
    (lambda ops: ops.softmax_backward(A, A.astype("f")), TypeError, ("a is float32",)),
    (lambda ops: ops.log_likelihood_forward(A, LESS), ValueError, ("y has shape (2, 2)",)),
    (lambda ops: ops.log_likelihood_forward(ROW, ROW), ValueError, ("a must", "(m, n)")),
    (lambda ops: ops.log_likelihood_forward(A, A.astype(int)), TypeError, ("y is int64",)),
    (lambda ops: ops.log_likelihood_backward(A, LESS), ValueError, ("y has shape",)),
    (lambda ops: ops.log_likelihood_backward(ROW, ROW), ValueError, ("a must",)),
])
def test_refuses(call, error, words):
    refuses(call, error, *words)
