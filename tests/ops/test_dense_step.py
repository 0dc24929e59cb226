"""A fully connected layer's way back and its step downhill in one.

Its gradient is dense_backward's, which test_dense checks; here the step itself is held against central
differences.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.gradcheck import central_difference, relative_error
from nndl.ops import dense_step_numba
from nndl.ops.dense_numba import MANY_EXAMPLES
from nndl.ops.jit import BLOCKS, MOST_ROWS, SMALL_PRODUCT
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
from tests.ops.test_dense import EXAMPLES, LIMITS, NEURONS
from tests.strategies import dtypes, layouts, seeds, sizes

pytestmark = pytest.mark.usefixtures("sharing")

rates = st.sampled_from([0.0, 0.03, 0.5])
# How much of delta is not 0: nothing, on both sides of SPARSE, all.
parts = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])


def arrays_of(rng, dtype, m, n_in, n_out, part=1.0):
    """delta, of which `part` is not 0; a; w, with zeros; b."""
    delta, a = normal(rng, dtype, m, n_out), normal(rng, dtype, m, n_in)
    w, b = normal(rng, dtype, n_out, n_in), normal(rng, dtype, n_out)
    delta[rng.random(delta.shape) >= part] = 0
    w[rng.random(w.shape) < 0.2] = 0
    return delta, a, w, b


def check_agreement(ops, reference, arrays, eta, l2, l1, **options):
    """What ops returns against the reference, within what the magnitudes summed allow."""
    delta, a, w, b = (x.copy() for x in arrays)
    got = ops.dense_step(*arrays, eta, l2, l1, **options)
    da, nabla_w, nabla_b = reference.dense_backward(abs(delta), abs(a), abs(w))
    magnitudes = (da, abs(w) * (1 + l2) + eta * nabla_w + l1, abs(b) + eta * nabla_b)
    expected = reference.dense_step(delta, a, w, b, eta, l2, l1)
    for one, other, magnitude in zip(got, expected, magnitudes, strict=True):
        if one is not None:
            assert_agree(one, other, magnitude, w.dtype)
    assert (got[0] is not None) == options.get("need_da", True)


@given(m=EXAMPLES, n_in=sizes(20), n_out=NEURONS, part=parts, limits=LIMITS, dtype=dtypes,
       layout=layouts, seed=seeds, eta=rates, l2=rates, l1=rates, need_da=st.booleans())
def test_numba_agrees_with_numpy(reference, fast, m, n_in, n_out, part, limits, dtype, layout, seed,
                                 eta, l2, l1, need_da):
    rng = np.random.default_rng(seed)
    *arrays, b = arrays_of(rng, dtype, m, n_in, n_out, part)
    arrays = *(laid_out(x, layout) for x in arrays), b
    with thresholds(**limits), left_alone(*arrays):
        check_agreement(fast, reference, arrays, eta, l2, l1, need_da=need_da)


@given(m=EXAMPLES, n_in=sizes(9), n_out=NEURONS, part=parts, limits=LIMITS, dtype=dtypes,
       layout=layouts, out=layouts, seed=seeds, need_da=st.booleans())
def test_in_place_is_the_same(ops, m, n_in, n_out, part, limits, dtype, layout, out, seed, need_da):
    """Into w and b themselves or into other arrays, whatever the order of either in memory."""
    rng = np.random.default_rng(seed)
    arrays = delta, a, w, b = [
        laid_out(x, layout) for x in arrays_of(rng, dtype, m, n_in, n_out, part)]
    how = 0.1, 0.01, 0.002, need_da
    with thresholds(**limits):
        with left_alone(*arrays):
            expected = ops.dense_step(*arrays, *how)
        assert (expected[0] is not None) == need_da
        for work in (None, {}):
            out_w, out_b = (laid_out(np.full_like(x, -1), out) for x in (w, b))
            with left_alone(*arrays):
                da, new_w, new_b = ops.dense_step(*arrays, *how, out_w, out_b, work)
            assert new_w is out_w and np.array_equal(out_w, expected[1])
            assert new_b is out_b and np.array_equal(out_b, expected[2])
            assert np.array_equal(da, expected[0]) if need_da else da is None
            for one in ("out_w", "out_b"):
                target = laid_out(np.zeros_like(w if one == "out_w" else b), out)
                with left_alone(*arrays):
                    got = ops.dense_step(*arrays, *how, work=work, **{one: target})
                assert got[1 if one == "out_w" else 2] is target
                assert np.array_equal(got[1], expected[1]) and np.array_equal(got[2], expected[2])
        with left_alone(delta, a):
            da, new_w, new_b = ops.dense_step(*arrays, *how, w, b)
    assert new_w is w and np.array_equal(w, expected[1])
    assert new_b is b and np.array_equal(b, expected[2])
    assert np.array_equal(da, expected[0]) if need_da else da is None


@pytest.mark.parametrize("m, n_in, n_out, limits", [
    (MANY_EXAMPLES - 1, 3, 4, {}), (MANY_EXAMPLES, 3, 4, {}),
    (1, 1, 1, {}), (2, 5, BLOCKS - 1, {}),
    (3, 4, BLOCKS * MOST_ROWS - 1, {}), (3, 4, BLOCKS * (MOST_ROWS + 1), {}),
    (3, 350_000, BLOCKS, {}), (11, 3000, BLOCKS * (MOST_ROWS + 2), {}),
    # Of seven rows a block three at a time, and one.
    (5, 4, 7 * BLOCKS, {"MOST_ROWS": 3}),
    (5, 4, 7 * BLOCKS, {"SMALL_PRODUCT": 3 * 20}), (5, 4, 7 * BLOCKS, {"SMALL_PRODUCT": 1}),
    (5, 4, 7 * BLOCKS, {"SMALL_PRODUCT": 1, "MOST_ROWS": 7}),
])
@pytest.mark.parametrize("part", [0.2, 1.0])
def test_numba_agrees_with_numpy_at_every_threshold(reference, fast, m, n_in, n_out, limits, part):
    arrays = arrays_of(np.random.default_rng(1), np.float64, m, n_in, n_out, part)
    with thresholds(**limits):
        check_agreement(fast, reference, arrays, 0.1, 0.01, 0.002)


@pytest.mark.parametrize("l2, l1", [(0.0, 0.0), (0.25, 0.0), (0.0, 0.125), (0.25, 0.125)])
@pytest.mark.parametrize("m, part", [(1, 1.0), (7, 1.0), (1, 0.2), (7, 0.0), (7, 0.1), (7, 0.3)])
def test_decay_of_either_kind(reference, fast, m, part, l2, l1):
    """A neuron that learns from nothing decays, too."""
    arrays = arrays_of(np.random.default_rng(3), np.float64, m, 6, 20, part)
    check_agreement(fast, reference, arrays, 0.5, l2, l1)


@pytest.mark.parametrize("count", range(10))
def test_any_number_of_deltas_that_are_not_zero(reference, fast, count):
    """They are taken by fours, and what is left one by one: neurons for BP2, examples for BP4."""
    rng = np.random.default_rng(count)
    for turned in (False, True):
        m, n_out = (40, BLOCKS) if turned else (2, 40 * BLOCKS)
        delta, a, w, b = arrays_of(rng, np.float64, m, 3, n_out)
        # So many of each example's in each block of neurons, or of each neuron's examples.
        each = delta.T if turned else delta.reshape(2 * BLOCKS, 40)
        for row in each:
            row[rng.permutation(40)[count:]] = 0
        assert np.count_nonzero(delta) == count * len(each)
        with thresholds(MOST_ROWS=40):
            check_agreement(fast, reference, (delta, a, w, b), 0.1, 0.0, 0.0)


PATHS = "_step_at_once", "_dense_step", "_sparse_step", "dense_backward"


@pytest.mark.parametrize("m, part, path", [
    (4, 1.0, "_dense_step"), (4, 0.0, "_sparse_step"), (MANY_EXAMPLES - 1, 0.0, "_sparse_step"),
    (MANY_EXAMPLES - 1, 1.0, "_dense_step"), (MANY_EXAMPLES, 1.0, "dense_backward"),
    (MANY_EXAMPLES, 0.0, "dense_backward"),
])
def test_which_path_it_takes(fast, monkeypatch, m, part, path):
    calls = spy(monkeypatch, dense_step_numba, *PATHS)
    delta, a, w, b = arrays_of(np.random.default_rng(0), np.float64, m, 2, 5, part)
    with shared_out():
        fast.dense_step(delta, a, w, b, 0.1)
    assert [name for name, _ in calls] == [path]


@pytest.mark.parametrize("m, n_in, n_out, part, path", [
    (3, 4, 5, 1.0, "_step_at_once"), (3, 4, 5, 0.0, "_step_at_once"), (1, 1, 61, 1.0, "_dense_step"),
    (61, 1, 1, 0.0, "_sparse_step"), (3, 7, 3, 1.0, "_dense_step"), (0, 9, 9, 1.0, "_step_at_once"),
    (MANY_EXAMPLES, 1, 1, 1.0, "dense_backward"),
])
def test_a_small_layer_is_left_to_the_calling_thread(reference, fast, monkeypatch, m, n_in, n_out, part,
                                                     path):
    """Up to so many multiplications, here 60."""
    calls = spy(monkeypatch, dense_step_numba, *PATHS)
    arrays = arrays_of(np.random.default_rng(0), np.float64, m, n_in, n_out, part)
    with thresholds(TOO_FEW_TO_SHARE=60):
        check_agreement(fast, reference, arrays, 0.1, 0.01, 0.002)
    assert [name for name, _ in calls] == [path]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m, n_out", [(4, 25), (20, 5)])
def test_how_many_zeros_make_it_sparse(reference, fast, monkeypatch, m, n_out, dtype):
    """-0.0 does not count as one, since bits are counted; what comes out is the same."""
    calls = spy(monkeypatch, dense_step_numba, *PATHS)
    delta, a, w, b = arrays_of(np.random.default_rng(0), dtype, m, 2, n_out)
    for n, zero, path in ((34, 0.0, "_sparse_step"), (35, 0.0, "_dense_step"), (1, -0.0, "_dense_step"),
                          (36, 0.0, "_dense_step"), (0, 0.0, "_sparse_step")):
        some = delta.copy()
        some.reshape(-1)[n:] = zero
        with shared_out():
            check_agreement(fast, reference, (some, a, w, b), 0.1, 0.01, 0.002)
        assert calls.pop()[0] == path and not calls


def test_zeros_of_either_sign_are_left_out(reference, fast, monkeypatch):
    calls = spy(monkeypatch, dense_step_numba, *PATHS)
    delta, a, w, b = arrays_of(np.random.default_rng(0), np.float64, 6, 5, 20, 0.15)
    delta[::2] *= -1  # these rows' zeros are negative: half the bits are not 0
    with shared_out(), thresholds(SPARSE=1.0):
        check_agreement(fast, reference, (delta, a, w, b), 0.1, 0.01, 0.002)
    assert [name for name, _ in calls] == ["_sparse_step"]


@pytest.mark.parametrize("path, part", [("_dense_step", 1.0), ("_sparse_step", 0.1)])
@pytest.mark.parametrize("m, n_out, limit, rows", [
    (1, 3 * BLOCKS, SMALL_PRODUCT, 3),           # all of a block's
    (5, 100 * BLOCKS, SMALL_PRODUCT, MOST_ROWS),
    (5, 7 * BLOCKS, 3 * 10, 3),                  # 10 multiplications each
    (5, 7 * BLOCKS, 9, 1),
    (5, 100 * BLOCKS, 9, MOST_ROWS),             # a large product, but the gradient is to stay small
])
def test_how_many_rows_at_a_time(fast, monkeypatch, path, part, m, n_out, limit, rows):
    calls = spy(monkeypatch, dense_step_numba, "_dense_step", "_sparse_step")
    arrays = arrays_of(np.random.default_rng(0), np.float64, m, 2, n_out, part)
    with shared_out(), thresholds(SMALL_PRODUCT=limit):
        fast.dense_step(*arrays, 0.1)
    (name, arguments), = calls
    assert name == path and arguments[7] == rows


@pytest.mark.parametrize("m, part", [(5, 1.0), (5, 0.3), (MANY_EXAMPLES + 1, 1.0)])
@pytest.mark.parametrize("eta", [1.0, 0.125])
def test_the_step_is_the_gradient_of_dense_forward(ops, m, part, eta):
    """(w - w') / eta and (b - b') / eta at every index, by central differences; and da with them."""
    delta, a, w, b = arrays_of(np.random.default_rng(2), np.float64, m, 4, BLOCKS + 3, part)
    da, new_w, new_b = ops.dense_step(delta, a, w, b, eta)

    def output():
        return ops.dense_forward(a, w, b)

    for x, gradient in ((a, da), (w, (w - new_w) / eta), (b, (b - new_b) / eta)):
        numeric = central_difference(output, x, delta)
        assert relative_error(numeric, gradient) < 1e-7
        assert np.all(abs(numeric - gradient) <= 1e-6 * np.maximum(1, abs(gradient)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("part", [1.0, 0.2])
def test_work(ops, dtype, part):
    rng = np.random.default_rng(0)

    def run(arrays, work):
        delta, a, w, b = arrays
        step = 0.1, 0.01, 0.002
        return (*(x if x is None else x.copy() for x in
                  ops.dense_step(delta, a, w, b, *step, need_da=False, work=work)),
                *ops.dense_step(delta, a, w, b, *step, work=work))

    check_work(run, lambda m: arrays_of(rng, dtype, m, 6, 19, part),
               [10, 3, MANY_EXAMPLES + 6, 1, MANY_EXAMPLES, 12, 100])


def test_the_same_work_with_and_without_its_own_arrays(ops):
    """What is remembered is for arrays handed in, and those to write to, of the same shapes only."""
    rng, work = np.random.default_rng(0), {}
    for m, n_out in ((4, 5), (4, 6), (3, 6), (4, 5)):
        delta, a, w, b = arrays_of(rng, np.float64, m, 3, n_out)
        expected = ops.dense_step(delta, a, w, b, 0.1)
        for out in ({}, {"out_w": w.copy()}, {"out_b": b.copy()}, {}):
            for need_da in (True, False):
                got = ops.dense_step(delta, a, w, b, 0.1, need_da=need_da, work=work, **out)
                assert (got[0] is not None) == need_da
                for one, other in list(zip(got, expected))[not need_da:]:
                    assert np.array_equal(one, other)


@pytest.mark.parametrize("part", [1.0, 0.2])
def test_the_same_work_where_the_weights_change_in_place(ops, part):
    """Then it is remembered, but for these very arrays, for da or none, and for both in place."""
    rng, work = np.random.default_rng(0), {}
    arrays = delta, a, w, b = arrays_of(rng, np.float64, 4, 3, 25, part)
    other_w, other_b = w.copy(), b.copy()
    for need_da in (False, True, True, False):
        for out_w, out_b in ((w, b), (w, b), (other_w, b), (other_w, b), (w, b), (w, other_b),
                             (w, other_b), (other_w, other_b)):
            delta[...] = arrays_of(rng, np.float64, 4, 3, 25, part)[0]
            expected = ops.dense_step(*arrays, 0.1, 0.01)
            other_w[...] = other_b[...] = 9
            before = w.copy(), b.copy()
            got = ops.dense_step(*arrays, 0.1, 0.01, 0.0, need_da, out_w, out_b, work)
            assert (got[0] is not None) == need_da and got[1] is out_w and got[2] is out_b
            for one, two in list(zip(got, expected))[not need_da:]:
                assert np.array_equal(one, two)
            assert out_w is w or np.array_equal(w, before[0])
            assert out_b is b or np.array_equal(b, before[1])


@pytest.mark.parametrize("out", [False, True])
def test_by_hand(ops, out):
    """Two examples, two inputs, three neurons; BP2 to BP4, (20) and (93) with pencil and paper."""
    delta, a = np.array([[1.0, 0, -1], [2, 0, 0]]), np.array([[1.0, 2], [0, 3]])
    w, b = np.array([[4.0, 0], [2, -2], [0, 8]]), np.array([1.0, 2, 3])
    # nabla_w = 1*(1 2) + 2*(0 3) = (1 8);  0;  -1*(1 2) = (-1 -2).  nabla_b = 3, 0, -1
    where = {"out_w": w, "out_b": b} if out else {}
    da, new_w, new_b = ops.dense_step(delta, a, w, b, 0.5, l2=0.25, l1=0.125, **where)
    assert np.array_equal(da, [[4, -8], [8, 0]])  # (4 0) - (0 8) and 2 (4 0): the old w's rows
    assert np.array_equal(new_w, [[4 - 0.5 - 1 - 0.125, 0 - 4],
                                  [2 - 0.5 - 0.125, -2 + 0.5 + 0.125],
                                  [0 + 0.5, 8 + 1 - 2 - 0.125]])
    assert np.array_equal(new_b, [1 - 1.5, 2, 3 + 0.5])  # biases do not decay


@pytest.mark.parametrize("m, part", [(5, 1.0), (5, 0.2), (MANY_EXAMPLES, 1.0)])
def test_da_is_taken_with_the_old_weights(ops, m, part):
    """Also where the new ones replace them."""
    delta, a, w, b = arrays_of(np.random.default_rng(0), np.float64, m, 4, 50, part)
    da, _, _ = ops.dense_step(delta, a, w.copy(), b, 0.0)
    old = w.copy()
    in_place, new_w, _ = ops.dense_step(delta, a, w, b, 3.0, out_w=w)
    assert new_w is w and not np.allclose(w, old)
    assert np.array_equal(in_place, da) and np.allclose(da, delta @ old, rtol=0, atol=1e-12)


def test_a_smaller_float_stays(ops):
    arrays = arrays_of(np.random.default_rng(0), np.float32, 3, 4, 5)
    for eta in (1, 0.5, np.float64(0.5), np.float32(0.5), np.array(0.5)):
        assert all(x.dtype == np.float32 for x in ops.dense_step(*arrays, eta, eta, eta))


@pytest.mark.parametrize("m", [4, MANY_EXAMPLES])
@pytest.mark.parametrize("rest", [0.0, 1.0])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_delta_that_is_not_finite_is_handed_on(ops, m, rest, value):
    """And only to where it belongs, on every path."""
    delta, a = np.full((m, 9), rest), np.ones((m, 3))
    delta[2, 7] = value
    with np.errstate(invalid="ignore"):  # NumPy's product warns of infinity
        da, w, b = ops.dense_step(delta, a, np.ones((9, 3)), np.zeros(9), 0.5)
    assert np.array_equal(np.isfinite(da), np.arange(m)[:, None] != 2 * np.ones((1, 3)))
    assert np.array_equal(np.isfinite(w), np.arange(9)[:, None] != 7 * np.ones((1, 3)))
    assert np.array_equal(np.isfinite(b), np.arange(9) != 7)
    assert np.isnan(value) == np.isnan([da[2, 0], w[7, 0], b[7]]).all()


def test_zeros_of_both_signs_do_not_decay(ops):
    for delta in (np.zeros((2, 3)), np.full((2, 3), -0.0), np.ones((2, 3))):
        _, w, _ = ops.dense_step(delta, np.zeros((2, 2)), np.array([[0.0, -0.0]] * 3), np.zeros(3), 1.0,
                                 l1=0.5)
        assert not w.any()


def test_no_examples(ops):
    w, b = np.ones((3, 4)), np.ones(3)
    da, new_w, new_b = ops.dense_step(np.ones((0, 3)), np.ones((0, 4)), w, b, 0.5, l2=0.25)
    assert da.shape == (0, 4) and np.all(new_w == 0.75) and np.all(new_b == 1)


DELTA, A, W, B = np.ones((2, 3)), np.ones((2, 4)), np.ones((3, 4)), np.ones(3)


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.dense_step(DELTA.T, A, W, B, 0.1), ValueError, ("delta must", "(2, 3)", "(3, 2)")),
    (lambda ops: ops.dense_step(DELTA, A[:, :3], W, B, 0.1), ValueError, ("a must", "(m, 4)")),
    (lambda ops: ops.dense_step(DELTA, A[0], W, B, 0.1), ValueError, ("a must",)),
    (lambda ops: ops.dense_step(DELTA, A, W[0], B, 0.1), ValueError, ("w must", "(n_out, n_in)")),
    (lambda ops: ops.dense_step(DELTA.astype("f"), A, W, B, 0.1), TypeError, ("delta is float32",)),
    (lambda ops: ops.dense_step(DELTA, A.astype(int), W, B, 0.1), TypeError, ("a must", "int64")),
    (lambda ops: ops.dense_step(DELTA, A, W, B, 0.1, out_w=W[1:].copy()), ValueError,
     ("out_w has shape (2, 4)", "w has (3, 4)")),
    (lambda ops: ops.dense_step(DELTA, A, W, B, 0.1, out_w=W.astype("f")), TypeError,
     ("out_w is float32", "w is float64")),
])
def test_refuses(call, error, words):
    refuses(call, error, *words)


@pytest.mark.parametrize("b, out_b", [(B[:2], None), (B[None], None), (B.astype("f"), None),
                                      (B, B[:2].copy()), (B, B.astype("f"))])
def test_refuses_a_bias_of_another_shape_or_type(ops, b, out_b):
    with pytest.raises((ValueError, TypeError), match="b"):
        ops.dense_step(DELTA, A, W, b, 0.1, out_b=out_b)
