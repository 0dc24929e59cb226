"""The step of stochastic gradient descent.  It has no backward: nothing to check by differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.ops import update_numba
from tests.ops.checks import (
    assert_agree,
    check_work,
    laid_out,
    left_alone,
    normal,
    refuses,
    spy,
)
from tests.strategies import dtypes, layouts, seeds, shapes

pytestmark = pytest.mark.usefixtures("sharing")

rates = st.sampled_from([0.0, 0.03, 0.5])


def arrays_of(rng, dtype, shape):
    """w (with zeros), nabla_w, v."""
    w = normal(rng, dtype, *shape)
    w[rng.random(shape) < 0.2] = 0
    return w, normal(rng, dtype, *shape), normal(rng, dtype, *shape)


@given(shape=shapes(), dtype=dtypes, layout=layouts, seed=seeds,
       where=st.floats(0, 1, exclude_max=True), number=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_all_finite(ops, shape, dtype, layout, seed, where, number):
    """Also of numbers whose sum is not finite; one that is not is found wherever it stands."""
    x = laid_out(normal(np.random.default_rng(seed), dtype, *shape), layout)
    x *= np.finfo(dtype).max / 10
    assert ops.all_finite(x)
    x[np.unravel_index(int(where * x.size), x.shape)] = number
    assert not ops.all_finite(x)


def test_all_finite_says_what_is_wrong():
    refuses(lambda ops: ops.all_finite(np.arange(3)), TypeError, "x must be float32 or float64",
            "not int64")


@given(shape=shapes(most=5), dtype=dtypes, layout=layouts, seed=seeds, eta=rates, l2=rates, l1=rates,
       mu=rates, moving=st.booleans())
def test_numba_agrees_with_numpy(reference, fast, shape, dtype, layout, seed, eta, l2, l1, mu, moving):
    w, nabla_w, v = (laid_out(x, layout) for x in arrays_of(np.random.default_rng(seed), dtype, shape))
    v, mu = (v, mu) if moving else (None, 0.0)
    with left_alone(w, nabla_w, v):
        new_w, new_v = fast.sgd_step(w, nabla_w, v, eta, l2, l1, mu)
    expected_w, expected_v = reference.sgd_step(w, nabla_w, v, eta, l2, l1, mu)
    magnitude = abs(w) * (1 + l2) + eta * abs(nabla_w) + l1 + (mu * abs(v) if moving else 0)
    assert_agree(new_w, expected_w, magnitude, dtype)
    if moving:
        assert_agree(new_v, expected_v, magnitude, dtype)
    else:
        assert new_v is expected_v is None


@given(shape=shapes(), dtype=dtypes, layout=layouts, out=layouts, seed=seeds, moving=st.booleans())
def test_in_place_is_the_same(ops, shape, dtype, layout, out, seed, moving):
    """Into w and v themselves or into other arrays, whatever the order of either in memory."""
    w, nabla_w, v = (laid_out(x, layout) for x in arrays_of(np.random.default_rng(seed), dtype, shape))
    v, mu = (v, 0.9) if moving else (None, 0.0)
    scalars = 0.1, 0.01, 0.002, mu
    expected_w, expected_v = ops.sgd_step(w, nabla_w, v, *scalars)

    out_w, out_v = laid_out(np.zeros_like(w), out), laid_out(np.zeros_like(w), out)
    for work in (None, {}):
        out_w[...] = out_v[...] = -1
        with left_alone(w, nabla_w, v):
            got_w, got_v = ops.sgd_step(w, nabla_w, v, *scalars, out_w, out_v if moving else None, work)
        assert got_w is out_w and np.array_equal(out_w, expected_w)
        if moving:
            assert got_v is out_v and np.array_equal(out_v, expected_v)

    with left_alone(nabla_w):
        got_w, got_v = ops.sgd_step(w, nabla_w, v, *scalars, out_w=w, out_v=v)
    assert got_w is w and np.array_equal(w, expected_w)
    assert got_v is v and (v is None or np.array_equal(v, expected_v))


@pytest.mark.parametrize("moving", [False, True])
def test_few_weights_are_left_to_the_calling_thread(fast, monkeypatch, moving):
    calls = spy(monkeypatch, update_numba, "step_down", "_step")
    monkeypatch.setattr(update_numba, "FEW", 6)
    for shape, kernel in (((6,), "step_down"), ((7,), "_step"), ((2, 3), "step_down"),
                          ((2, 4), "_step")):
        calls.clear()
        w, nabla_w, v = np.ones((3, *shape))
        new_w, _ = fast.sgd_step(w, nabla_w, v if moving else None, 0.5)
        assert calls[0][0] == kernel and np.all(new_w == 0.5)


def test_what_lies_between_strided_weights_stays(ops):
    memory = np.arange(12.0)
    ops.sgd_step(memory[::2], np.ones(6), None, 1.0, out_w=memory[::2])
    assert np.array_equal(memory, [-1, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11])


def test_work(ops):
    rng = np.random.default_rng(0)
    for rest in ((7,), (2, 3, 4)):
        check_work(lambda arrays, work: ops.sgd_step(*arrays, 0.1, 0.01, 0.001, 0.9, work=work),
                   lambda m, rest=rest: arrays_of(rng, float, (m, *rest)), [10, 3, 13, 1])


def test_the_same_work_where_the_weights_change_in_place(ops):
    """Then it is remembered, but for these very arrays, and for both in place."""
    rng, work = np.random.default_rng(0), {}
    w, nabla_w, v = arrays_of(rng, float, (3, 4))
    other_w, other_v = w.copy(), v.copy()
    for out_w, old_v, out_v in ((w, v, v), (w, v, v), (w, other_v, other_v), (other_w, v, v),
                                (other_w, v, v), (w, v, v), (w, v, other_v), (w, v, other_v),
                                (other_w, v, other_v), (w, None, None), (w, v, v)):
        mu, before = (0.0, 0) if old_v is None else (0.9, rng.normal(size=(3, 4)))
        if old_v is not None:
            old_v[...] = before
        nabla_w[...] = rng.normal(size=(3, 4))
        expected = ops.sgd_step(w, nabla_w, old_v, 0.1, 0.01, 0.002, mu)
        got = ops.sgd_step(w, nabla_w, old_v, 0.1, 0.01, 0.002, mu, out_w, out_v, work)
        for one, out, two in zip(got, (out_w, out_v), expected, strict=True):
            assert one is out and (out is None or np.array_equal(one, two))
        assert old_v is out_v or np.array_equal(old_v, before)
    ops.sgd_step(w, nabla_w, None, 0.1, out_w=w, work=work)
    with pytest.raises(ValueError, match="mu=0.9"):
        ops.sgd_step(w, nabla_w, None, 0.1, mu=0.9, out_w=w, work=work)


def test_by_hand(ops):
    """(20), (93), (97), (107) and (108), one after the other and together."""
    w, nabla_w, v = np.array([8.0, -8, 0]), np.array([2.0, 2, 2]), np.array([4.0, -4, 1])
    assert np.array_equal(ops.sgd_step(w, nabla_w, None, 0.5)[0], [7, -9, -1])
    assert np.array_equal(ops.sgd_step(w, 0 * w, None, 0.5, l2=0.25)[0], [6, -6, 0])
    assert np.array_equal(ops.sgd_step(w, 0 * w, None, 0.5, l1=0.25)[0], [7.75, -7.75, 0])
    new_w, new_v = ops.sgd_step(w, nabla_w, v, 0.5, mu=0.5)
    assert np.array_equal(new_v, [1, -3, -0.5]) and np.array_equal(new_w, [9, -11, -0.5])
    new_w, new_v = ops.sgd_step(w, nabla_w, v, 0.5, l2=0.25, l1=0.25, mu=0.5)
    assert np.array_equal(new_v, [1 - 2 - 0.25, -3 + 2 + 0.25, -0.5])
    assert np.array_equal(new_w, w + new_v)


def test_a_velocity_without_friction_is_set(ops):
    """mu = 0 with a v given: v becomes the step."""
    new_w, new_v = ops.sgd_step(np.array([1.0]), np.array([2.0]), np.array([50.0]), 0.5)
    assert np.array_equal(new_v, [-1]) and np.array_equal(new_w, [0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eta", [1, 0.5, np.float64(0.5), np.float32(0.5), np.array(0.5)])
def test_the_type_stays_whatever_the_rate_is(ops, dtype, eta):
    """A schedule may well hand in a NumPy float64."""
    w = np.ones(3, dtype)
    assert ops.sgd_step(w, w, None, eta, eta, eta)[0].dtype == dtype
    new_w, new_v = ops.sgd_step(w, w, w, eta, eta, eta, eta)
    assert new_w.dtype == new_v.dtype == dtype


def test_zeros_of_both_signs_do_not_decay(ops):
    new_w, _ = ops.sgd_step(np.array([0.0, -0.0]), np.zeros(2), None, 1.0, l1=0.5)
    assert not new_w.any()


def test_nan_is_handed_on(ops):
    w, nabla_w = np.array([np.nan, 1, 1]), np.array([1, np.nan, 1])
    for v in (None, np.zeros(3)):
        new_w, new_v = ops.sgd_step(w, nabla_w, v, 0.5)
        assert np.array_equal(new_w, [np.nan, np.nan, 0.5], equal_nan=True)
        assert v is None or np.array_equal(np.isnan(new_v), [True, True, False])


# --- layer_step -----------------------------------------------------------------------------------

def layer_of(rng, dtype, shape):
    """w and b, nabla_w and nabla_b."""
    (w, nabla_w, _), (b, nabla_b, _) = arrays_of(rng, dtype, shape), arrays_of(rng, dtype, shape[:1])
    return w, b, nabla_w, nabla_b


@given(shape=shapes(most=5), dtype=dtypes, layout=layouts, seed=seeds, eta=rates, l2=rates, l1=rates)
def test_a_layers_step_is_that_of_w_and_that_of_b_without_decay(ops, shape, dtype, layout, seed, eta,
                                                                l2, l1):
    w, b, nabla_w, nabla_b = (laid_out(x, layout)
                              for x in layer_of(np.random.default_rng(seed), dtype, shape))
    expected = (ops.sgd_step(w, nabla_w, None, eta, l2, l1)[0], ops.sgd_step(b, nabla_b, None, eta)[0])
    with left_alone(w, b, nabla_w, nabla_b):
        got = ops.layer_step(w, b, nabla_w, nabla_b, eta, l2, l1)
    for work in (None, {}):
        new_w, new_b = laid_out(w.copy(), layout), laid_out(b.copy(), layout)
        ops.layer_step(new_w, new_b, nabla_w, nabla_b, eta, l2, l1, new_w, new_b, work)
        for one, two, three in zip(got, (new_w, new_b), expected, strict=True):
            assert np.array_equal(one, three) and np.array_equal(two, three)
            assert one.dtype == dtype


def test_few_weights_of_a_layer_are_left_to_the_calling_thread(fast, monkeypatch):
    calls = spy(monkeypatch, update_numba, "both_down", "_layer_step")
    monkeypatch.setattr(update_numba, "FEW", 6)
    for n_in, kernel in ((2, "both_down"), (3, "_layer_step")):
        calls.clear()
        w, b = fast.layer_step(np.ones((3, n_in)), np.ones(3), np.ones((3, n_in)), np.ones(3), 0.5)
        assert calls[0][0] == kernel and np.all(w == 0.5) and np.all(b == 0.5)


def test_the_work_of_a_layers_step(ops):
    rng = np.random.default_rng(0)
    check_work(lambda arrays, work: ops.layer_step(*arrays, 0.1, 0.01, 0.001, work=work),
               lambda m: layer_of(rng, float, (m, 3, 4)), [10, 3, 13, 1])


@pytest.mark.parametrize("other", ["", "w", "b", "nabla_w", "nabla_b", "out_w", "out_b", "out_w out_b"])
def test_a_layers_step_is_remembered_for_these_arrays_in_place(ops, other):
    """After a step in place two where some arrays are others; and what is not out stays."""
    rng, work = np.random.default_rng(0), {}
    names = "w", "b", "nabla_w", "nabla_b"
    these, others = (dict(zip(names, layer_of(rng, float, (3, 4)))) for _ in range(2))
    ops.layer_step(**these, eta=0.1, out_w=these["w"], out_b=these["b"], work=work)
    arrays = {name: (others if name in other.split() else these)[name] for name in names}
    out_w, out_b = (others[name] if f"out_{name}" in other else arrays[name] for name in "wb")
    for _ in range(2):
        expected = ops.layer_step(**arrays, eta=0.1, l2=0.01, l1=0.002)
        with left_alone(*(x for x in (*these.values(), *others.values())
                          if x is not out_w and x is not out_b)):
            got = ops.layer_step(**arrays, eta=0.1, l2=0.01, l1=0.002, out_w=out_w, out_b=out_b,
                                 work=work)
        for one, two, three in zip(got, (out_w, out_b), expected, strict=True):
            assert one is two and np.array_equal(one, three)


def test_a_layers_step_by_hand(ops):
    w, b = ops.layer_step(np.array([[8.0, -8]]), np.array([8.0]), np.array([[2.0, 2]]), np.array([2.0]),
                          0.5, l2=0.25, l1=0.25)
    assert np.array_equal(w, [[8 - 1 - 2 - 0.25, -8 - 1 + 2 + 0.25]])
    assert np.array_equal(b, [7])


# --- the length of a gradient -------------------------------------------------------------------------

@given(shape_list=st.lists(shapes(), min_size=1, max_size=3), dtype=dtypes, layout=layouts, seed=seeds)
def test_the_length_of_several_arrays_as_one_vector(ops, shape_list, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    arrays = [laid_out(normal(rng, dtype, *shape), layout) for shape in shape_list]
    with left_alone(*arrays):
        norm = ops.gradient_norm(arrays)
    assert isinstance(norm, float)
    whole = np.concatenate([a.ravel() for a in arrays]).astype(float)
    assert norm == pytest.approx(np.linalg.norm(whole), rel=1e-12)


def test_the_length_by_hand(ops):
    assert ops.gradient_norm([np.array([[3.0]]), np.array([0.0, -4.0])]) == 5
    assert ops.gradient_norm([np.full(2, 1e30, "f")]) == pytest.approx(1e30 * 2**0.5)  # no overflow
    assert np.isnan(ops.gradient_norm([np.array([np.nan, 1])]))


W, LESS, SINGLE, B = np.ones((3, 4)), np.ones((3, 3)), np.ones((3, 4), "f"), np.ones(3)


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.sgd_step(W, W, None, 0.1, mu=0.9), ValueError, ("mu=0.9", "velocity v")),
    (lambda ops: ops.sgd_step(W, LESS, None, 0.1), ValueError, ("nabla_w has shape (3, 3)", "w has")),
    (lambda ops: ops.sgd_step(W, W, LESS, 0.1), ValueError, ("v has shape (3, 3)",)),
    (lambda ops: ops.sgd_step(W, W, W, 0.1, out_w=LESS), ValueError, ("out_w has shape (3, 3)",)),
    (lambda ops: ops.sgd_step(W, W, W, 0.1, out_v=LESS), ValueError, ("out_v has shape (3, 3)",)),
    (lambda ops: ops.gradient_norm([W, SINGLE]), TypeError, ("gradients[1] is float32",)),
    (lambda ops: ops.sgd_step(W, SINGLE, None, 0.1), TypeError, ("nabla_w is float32", "w is float64")),
    (lambda ops: ops.sgd_step(W, W, SINGLE, 0.1), TypeError, ("v is float32",)),
    (lambda ops: ops.layer_step(W, B, LESS, B, 0.1), ValueError, ("nabla_w has shape (3, 3)", "w has")),
    (lambda ops: ops.layer_step(W, B, W, B[:2], 0.1), ValueError, ("nabla_b has shape (2,)", "b has")),
    (lambda ops: ops.layer_step(W, B, W, B, 0.1, out_w=LESS), ValueError, ("out_w has shape (3, 3)",)),
    (lambda ops: ops.layer_step(W, B, W, B, 0.1, out_b=B[:2]), ValueError, ("out_b has shape (2,)",)),
    (lambda ops: ops.layer_step(W, SINGLE[0], W, SINGLE[0], 0.1), TypeError, ("b is float32",)),
    (lambda ops: ops.sgd_step(W, W, W, 0.1, out_w=SINGLE), TypeError, ("out_w is float32",)),
    (lambda ops: ops.sgd_step(W, W, W, 0.1, out_v=SINGLE), TypeError, ("out_v is float32",)),
    (lambda ops: ops.sgd_step(W.astype(int), W, None, 0.1), TypeError, ("w must", "int64")),
])
def test_refuses(call, error, words):
    refuses(call, error, *words)
