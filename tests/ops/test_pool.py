"""Max-pooling and L2 pooling."""

import numpy as np
import pytest
from hypothesis import given

from nndl.gradcheck import check_operation, spread
from nndl.ops.jit import BLOCKS
from tests.ops.checks import assert_agree, check_work, laid_out, left_alone, normal, refuses
from tests.strategies import dtypes, layouts, pool_geometries, seeds


@given(pool=pool_geometries(most_m=2, most_c=2), seed=seeds)
def test_gradient_of_max_pooling(ops, pool, seed):
    shape, size, stride = pool
    check_operation(lambda x: ops.max_pool_forward(x, size, stride),
                    lambda d, out, x: ops.max_pool_backward(d, out[1], shape, size, stride),
                    x=spread(np.random.default_rng(seed), shape))


@given(pool=pool_geometries(most_m=2, most_c=2), seed=seeds)
def test_gradient_of_l2_pooling(ops, pool, seed):
    shape, size, stride = pool
    check_operation(lambda x: ops.l2_pool_forward(x, size, stride),
                    lambda d, pooled, x: ops.l2_pool_backward(d, x, pooled, size, stride),
                    x=spread(np.random.default_rng(seed), shape))


@given(pool=pool_geometries(most_m=BLOCKS + 3), dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy_in_max_pooling(reference, fast, pool, dtype, layout, seed):
    """Forward copies, so bit for bit, ties too: few numbers are drawn, so there are many."""
    shape, size, stride = pool
    rng = np.random.default_rng(seed)
    x = laid_out(rng.integers(-2, 3, shape).astype(dtype), layout)
    pooled, winner = reference.max_pool_forward(x, size, stride)
    d = laid_out(normal(rng, dtype, *pooled.shape), layout)
    winner = laid_out(winner, layout)
    with left_alone(x, d, winner):
        got, where = fast.max_pool_forward(x, size, stride)
        dx = fast.max_pool_backward(d, winner, shape, size, stride)
    assert_agree(got, pooled, 0, dtype)
    assert where.dtype == winner.dtype == np.int32 and np.array_equal(where, winner)
    assert_agree(dx, reference.max_pool_backward(d, winner, shape, size, stride),
                 reference.max_pool_backward(abs(d), winner, shape, size, stride), dtype)


@given(pool=pool_geometries(most_m=BLOCKS + 3), dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy_in_l2_pooling(reference, fast, pool, dtype, layout, seed):
    shape, size, stride = pool
    rng = np.random.default_rng(seed)
    x = normal(rng, dtype, *shape)
    x[rng.random(shape) < 0.3] = 0
    x = laid_out(x, layout)
    pooled = reference.l2_pool_forward(x, size, stride)
    d = laid_out(normal(rng, dtype, *pooled.shape), layout)
    with left_alone(x, d, pooled):
        got = fast.l2_pool_forward(x, size, stride)
        dx = fast.l2_pool_backward(d, x, pooled, size, stride)
    assert_agree(got, pooled, pooled, dtype)
    assert_agree(dx, reference.l2_pool_backward(d, x, pooled, size, stride),
                 reference.l2_pool_backward(abs(d), abs(x), pooled, size, stride), dtype)


def test_work(ops):
    rng = np.random.default_rng(0)

    def run(arrays, work):
        work = (None, None) if work is None else (work.setdefault("max", {}), work.setdefault("l2", {}))
        (x,) = arrays
        pooled, winner = ops.max_pool_forward(x, (3, 2), (2, 1), work[0])
        norm = ops.l2_pool_forward(x, (3, 2), (2, 1), work[1])
        return (pooled, winner, norm,
                ops.max_pool_backward(norm, winner, x.shape, (3, 2), (2, 1), work[0]),
                ops.l2_pool_backward(pooled, x, norm, (3, 2), (2, 1), work[1]))

    check_work(run, lambda m: (normal(rng, float, m, 2, 6, 4),), [10, 2, 13, 1])


def test_max_pooling_by_hand(ops):
    x = np.array([[[[1.0, 5, 2, 0, 9], [3, 4, 8, -1, 9]]]])  # the last column is dropped
    pooled, winner = ops.max_pool_forward(x)
    assert np.array_equal(pooled, [[[[5, 8]]]])
    assert np.array_equal(winner, [[[[1, 2]]]])
    dx = ops.max_pool_backward(np.array([[[[10.0, 20]]]]), winner, x.shape)
    assert np.array_equal(dx, [[[[0, 10, 0, 0, 0], [0, 0, 20, 0, 0]]]])


def test_rectangles_that_overlap_by_hand(ops):
    """Windows of 1 x 3, one column apart and two rows apart: 9 wins twice and is paid twice."""
    x = np.array([[[[1.0, 7, 9, 2], [0, 0, 0, 0], [4, 3, 1, 2]]]])
    pooled, winner = ops.max_pool_forward(x, (1, 3), (2, 1))
    assert np.array_equal(pooled, [[[[9, 9], [4, 3]]]])
    assert np.array_equal(winner, [[[[2, 1], [0, 0]]]])
    dx = ops.max_pool_backward(np.array([[[[1.0, 2], [3, 4]]]]), winner, x.shape, (1, 3), (2, 1))
    assert np.array_equal(dx, [[[[0, 0, 3, 0], [0, 0, 0, 0], [3, 4, 0, 0]]]])


def test_l2_pooling_by_hand(ops):
    x = np.array([[[[3.0, 0, 1, -1], [0, 4, 1, 1]]]])
    pooled = ops.l2_pool_forward(x)
    assert np.array_equal(pooled, [[[[5, 2]]]])
    dx = ops.l2_pool_backward(np.array([[[[10.0, 1]]]]), x, pooled)
    assert np.array_equal(dx, [[[[6, 0, 0.5, -0.5], [0, 8, 0.5, 0.5]]]])


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_tie_goes_to_the_first_in_reading_order(ops, value):
    x = np.full((2, 3, 4, 6), value)
    pooled, winner = ops.max_pool_forward(x, (2, 3), (2, 3))
    assert np.all(pooled == value) and not winner.any()
    x[..., 0, 0], x[..., 1, 1], x[..., 1, 0] = -9, 5, 5
    assert np.all(ops.max_pool_forward(x, (2, 3), (2, 3))[1][:, :, 0, 0] == 3)
    dx = ops.max_pool_backward(np.ones((2, 3, 2, 2)), winner, x.shape, (2, 3), (2, 3))
    assert np.all(dx[:, :, ::2, ::3] == 1) and dx.sum() == 24


def test_zeros_of_both_signs_are_a_tie(ops):
    assert not ops.max_pool_forward(np.array([[[[-0.0, 0], [0, 0]]]]))[1].any()


@pytest.mark.parametrize("places", [[0], [1], [3], [1, 2], [0, 3], [0, 1, 2, 3]])
def test_nan_wins_the_first_of_them(ops, places):
    x = np.array([1.0, 5, 2, np.inf])
    x[places] = np.nan
    pooled, winner = ops.max_pool_forward(x.reshape(1, 1, 2, 2))
    assert np.isnan(pooled).all() and winner.item() == places[0]
    assert np.isnan(ops.l2_pool_forward(x.reshape(1, 1, 2, 2))).all()


def test_infinities(ops):
    x = np.array([[[[-np.inf, -np.inf], [-np.inf, 3]]]])
    assert ops.max_pool_forward(x)[0].item() == 3
    pooled, winner = ops.max_pool_forward(np.full((1, 1, 2, 2), -np.inf))
    assert pooled.item() == -np.inf and winner.item() == 0
    assert ops.l2_pool_forward(x).item() == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_window_of_zeros_has_no_l2_gradient(ops, dtype):
    """No warning of a division by 0 either."""
    x = np.zeros((1, 1, 2, 4), dtype)
    x[0, 0, 0, 3] = -2
    dx = ops.l2_pool_backward(np.ones((1, 1, 1, 2), dtype), x, ops.l2_pool_forward(x))
    assert dx.dtype == dtype
    assert np.array_equal(dx, [[[[0, 0, 0, -1], [0, 0, 0, 0]]]])


def test_no_examples(ops):
    none = np.ones((0, 2, 4, 4))
    pooled, winner = ops.max_pool_forward(none)
    assert pooled.shape == winner.shape == (0, 2, 2, 2)
    assert ops.max_pool_backward(pooled, winner, none.shape).shape == none.shape
    assert ops.l2_pool_backward(pooled, none, ops.l2_pool_forward(none)).shape == none.shape


X, D, WINNER = np.ones((2, 3, 4, 5)), np.ones((2, 3, 2, 2)), np.zeros((2, 3, 2, 2), np.int32)


@pytest.mark.parametrize("way", ["max_pool_forward", "l2_pool_forward"])
@pytest.mark.parametrize("x, size, stride, error, words", [
    (X[0], (2, 2), (2, 2), ValueError, ("x must", "(m, c, h, w)", "(3, 4, 5)")),
    (X.astype(int), (2, 2), (2, 2), TypeError, ("x must", "int64")),
    (X, (5, 2), (2, 2), ValueError, ("pool size 5 x 2", "4 x 5")),
    (X, (2, 0), (2, 2), ValueError, ("pool size 0",)),
    (X, (2, 2), (0, 1), ValueError, ("stride 0",)),
    (X, 2, (2, 2), TypeError, ("pool size", "pair", "not 2")),
    (X, (2, 2, 2), (2, 2), TypeError, ("pool size", "(2, 2, 2)")),
    (X, (2, 2), 2, TypeError, ("stride", "pair")),
    (X, (2, 2.0), (2, 2), TypeError, ("pool size", "2.0")),
])
def test_forward_refuses(way, x, size, stride, error, words):
    refuses(lambda ops: getattr(ops, way)(x, size, stride), error, *words)


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.max_pool_backward(D[..., 1:], WINNER, X.shape), ValueError,
     ("d_pooled must", "(2, 3, 2, 2)", "(2, 3, 2, 1)")),
    (lambda ops: ops.max_pool_backward(D, WINNER[1:], X.shape), ValueError, ("winner must",)),
    (lambda ops: ops.max_pool_backward(D, WINNER, X.shape, (1, 1), (1, 1)), ValueError, ("d_pooled",)),
    (lambda ops: ops.max_pool_backward(D.astype(int), WINNER, X.shape), TypeError, ("d_pooled must",)),
    (lambda ops: ops.max_pool_backward(D, WINNER.astype(float), X.shape), TypeError,
     ("winner must be int32", "float64")),
    (lambda ops: ops.max_pool_backward(D, WINNER + 4, X.shape), ValueError, ("winner", "0 to 3")),
    (lambda ops: ops.max_pool_backward(D, WINNER - 1, X.shape), ValueError, ("winner", "0 to 3")),
    (lambda ops: ops.max_pool_backward(D, WINNER, X.shape, 2), TypeError, ("pool size", "pair")),
    (lambda ops: ops.l2_pool_backward(D[..., 1:], X, D), ValueError, ("d_pooled must",)),
    (lambda ops: ops.l2_pool_backward(D, X, D[..., 1:]), ValueError, ("pooled has shape",)),
    (lambda ops: ops.l2_pool_backward(D, X[0], D), ValueError, ("x must",)),
    (lambda ops: ops.l2_pool_backward(D.astype("f"), X, D), TypeError, ("pooled is float64",)),
    (lambda ops: ops.l2_pool_backward(D, X.astype("f"), D), TypeError, ("pooled is float64",)),
])
def test_backward_refuses(call, error, words):
    refuses(call, error, *words)
