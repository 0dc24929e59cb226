"""Symbols as vectors."""

import numpy as np
import pytest
from hypothesis import given

from nndl.gradcheck import check_operation
from tests.ops.checks import assert_agree, check_work, laid_out, left_alone, normal, refuses
from tests.strategies import dtypes, layouts, seeds, sizes


@given(m=sizes(4), t=sizes(4), symbols=sizes(5), n=sizes(4), seed=seeds)
def test_gradients_of_every_index(ops, m, t, symbols, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, symbols, (m, t))
    check_operation(lambda w: ops.embedding_forward(x, w),
                    lambda d, out, w: ops.embedding_backward(d, x, w), w=rng.normal(size=(symbols, n)))


@given(m=sizes(5), t=sizes(5), symbols=sizes(6), n=sizes(5), dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, m, t, symbols, n, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    x = laid_out(rng.integers(0, symbols, (m, t)).astype([np.int64, np.uint8][seed % 2]), layout)
    w, d = (laid_out(normal(rng, dtype, *shape), layout) for shape in ((symbols, n), (m, t, n)))
    with left_alone(x, w, d):
        out, nabla_w = fast.embedding_forward(x, w), fast.embedding_backward(d, x, w)
    assert np.array_equal(out, reference.embedding_forward(x, w)) and out.dtype == dtype
    assert_agree(nabla_w, reference.embedding_backward(d, x, w),
                 reference.embedding_backward(abs(d), x, w), dtype)


def test_by_hand(ops):
    w = np.array([[1.0, 2], [3, 4], [5, 6]])
    x = np.array([[2, 0], [2, 2]])
    assert ops.embedding_forward(x, w).tolist() == [[[5, 6], [1, 2]], [[5, 6], [5, 6]]]
    d = np.array([[[1.0, 0], [0, 1]], [[2, 0], [0, 3]]])
    assert ops.embedding_backward(d, x, w).tolist() == [[0, 1], [0, 0], [3, 3]]


def test_it_is_a_dense_layer_on_one_hot_inputs(ops):
    rng = np.random.default_rng(0)
    x, w, d = rng.integers(0, 5, (3, 4)), rng.normal(size=(5, 6)), rng.normal(size=(3, 4, 6))
    hot = np.eye(5)[x]
    assert np.allclose(ops.embedding_forward(x, w), hot @ w)
    assert np.allclose(ops.embedding_backward(d, x, w), np.einsum("mts,mtn->sn", hot, d))


def test_the_memory_is_its_own(ops):
    def make(m):
        rng = np.random.default_rng(m)
        return [rng.integers(0, 4, (m, 3)), rng.normal(size=(4, 5)), rng.normal(size=(m, 3, 5))]

    def run(arrays, work):
        x, w, d = arrays
        return ops.embedding_forward(x, w, work=work), ops.embedding_backward(d, x, w, work=work)

    check_work(run, make, [3, 1, 3, 4])


X, W, D = np.array([[0, 1, 2]]), np.ones((3, 2)), np.ones((1, 3, 2))


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.embedding_forward(X[0], W), ValueError, ("(m, t)", "x.reshape(1, -1)")),
    (lambda ops: ops.embedding_forward(X + 1, W), ValueError, ("from 0 to 2, not 3",)),
    (lambda ops: ops.embedding_forward(X - 1, W), ValueError, ("from 0 to 2, not -1",)),
    (lambda ops: ops.embedding_forward(X.astype(float), W), TypeError, ("ints from 0 to 2", "float64")),
    (lambda ops: ops.embedding_forward(X, W[0]), ValueError, ("w must have shape (symbols, n)",)),
    (lambda ops: ops.embedding_forward(X, W.astype(int)), TypeError, ("w must be float32",)),
    (lambda ops: ops.embedding_backward(D[:, :2], X, W), ValueError, ("d must have shape (1, 3, 2)",)),
    (lambda ops: ops.embedding_backward(D.astype("f"), X, W), TypeError, ("d is float32",)),
])
def test_refuses(call, error, words):
    refuses(call, error, *words)
