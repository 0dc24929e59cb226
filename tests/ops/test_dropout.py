"""Dropout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.gradcheck import check_operation
from nndl.ops import dropout_numba
from nndl.ops.dropout_numpy import squares
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

probabilities = st.floats(0, 0.95)


def masks(rng, shape, p_dropout):
    """1 = kept."""
    return (rng.random(shape) >= p_dropout).astype(np.uint8)


@given(shape=shapes(most=7), key=st.integers(0, 2**64 - 1), p_dropout=probabilities)
def test_masks_agree_with_numpys(reference, fast, shape, key, p_dropout):
    expected = reference.dropout_mask(shape, key, p_dropout)
    assert expected.shape == shape and expected.dtype == np.uint8
    work = {}
    for _ in range(2):
        assert np.array_equal(fast.dropout_mask(shape, key, p_dropout, work), expected)
    assert np.array_equal(fast.dropout_mask(shape, key, p_dropout), expected)
    other = fast.dropout_mask(shape, key ^ 0x9E3779B97F4A7C15, p_dropout, work)
    assert np.array_equal(other, reference.dropout_mask(shape, key ^ 0x9E3779B97F4A7C15, p_dropout))


def test_a_number_by_hand():
    """Counter 2 with Python's own whole numbers."""
    whole, key, counter = 2**64, 0xC58EFD154CE32F6D, 2
    y = counter * key % whole
    x, z = y, (y + key) % whole
    for added in y, z, y:
        x = (x * x + added) % whole
        x = x // 2**32 + x % 2**32 * 2**32
    assert squares(np.array([counter], np.uint64), np.uint64(key)) == (x * x + z) % whole // 2**32


@pytest.mark.parametrize("p_dropout", [0.0, 0.1, 0.5, 0.9])
def test_masks_are_random(ops, p_dropout):
    """As often 0 as p_dropout says, whatever the place, the neighbours and the mask before."""
    keys = np.random.default_rng(0).integers(0, 2**64, 200, dtype=np.uint64)
    masks = np.array([ops.dropout_mask((10, 50), int(key), p_dropout) for key in keys]).reshape(200, -1)
    n, sigma = masks.size, np.sqrt(p_dropout * (1 - p_dropout))
    assert abs(masks.mean() - (1 - p_dropout)) <= 4 * sigma / np.sqrt(n)
    assert abs(masks.mean(axis=0) - (1 - p_dropout)).max() <= 5 * sigma / np.sqrt(200)
    assert abs(masks.mean(axis=1) - (1 - p_dropout)).max() <= 5 * sigma / np.sqrt(500)
    centred = masks - (1 - p_dropout)
    for a, b in ((centred[:, 1:], centred[:, :-1]), (centred[1:], centred[:-1]),
                 (centred[:, 50:], centred[:, :-50])):
        assert abs((a * b).mean()) <= 4 * sigma**2 / np.sqrt(a.size)


@given(shape=shapes(most=3), p_dropout=probabilities, inverted=st.booleans(), seed=seeds)
def test_gradient_of_every_index(ops, shape, p_dropout, inverted, seed):
    rng = np.random.default_rng(seed)
    mask = masks(rng, shape, p_dropout)
    check_operation(lambda a: ops.dropout_forward(a, mask, p_dropout, inverted),
                    lambda d, dropped, a: ops.dropout_backward(d, mask, p_dropout, inverted),
                    a=rng.normal(size=shape))


@given(shape=shapes(most=7), p_dropout=probabilities, inverted=st.booleans(), dtype=dtypes,
       layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, shape, p_dropout, inverted, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    a, mask = laid_out(normal(rng, dtype, *shape), layout), laid_out(masks(rng, shape, 0.5), layout)
    for one, two in ((fast.dropout_forward, reference.dropout_forward),
                     (fast.dropout_backward, reference.dropout_backward)):
        with left_alone(a, mask):
            got = one(a, mask, p_dropout, inverted)
        expected = two(a, mask, p_dropout, inverted)
        assert_agree(got, expected, abs(expected), dtype)


@given(shape=shapes(most=7), key=st.integers(0, 2**64 - 1), p_dropout=probabilities,
       inverted=st.booleans(), dtype=dtypes, layout=layouts, seed=seeds)
def test_a_fresh_mask_and_what_it_leaves(ops, shape, key, p_dropout, inverted, dtype, layout, seed):
    a = laid_out(normal(np.random.default_rng(seed), dtype, *shape), layout)
    mask = ops.dropout_mask(shape, key, p_dropout)
    expected, work = ops.dropout_forward(a, mask, p_dropout, inverted), {}
    for kept in (None, work, work):
        with left_alone(a):
            got, its_mask = ops.dropout_draw(a, key, p_dropout, inverted, kept)
        assert np.array_equal(its_mask, mask) and its_mask.dtype == np.uint8
        assert np.array_equal(got, expected) and got.dtype == dtype
    other, other_mask = ops.dropout_draw(a, key ^ 0x9E3779B97F4A7C15, p_dropout, inverted, work)
    assert np.array_equal(other, ops.dropout_forward(a, other_mask, p_dropout, inverted))


def test_a_fresh_mask_is_remembered_for_this_array_and_probability(ops):
    work, rng = {}, np.random.default_rng(0)
    a, other = normal(rng, float, 6, 4), normal(rng, float, 6, 4)
    for x, *how in ((a, 0.5), (a, 0.25), (a, 0.25, False), (other, 0.25), (a, 0.25), (other[:3], 0.25)):
        expected = ops.dropout_draw(x, 12345678987654321, *how)
        got = ops.dropout_draw(x, 12345678987654321, *how, work=work)
        assert all(np.array_equal(one, two) for one, two in zip(got, expected, strict=True))
        x *= 2


def test_few_numbers_are_left_to_the_calling_thread(fast, monkeypatch):
    calls = spy(monkeypatch, dropout_numba, "masked", "_masked")
    monkeypatch.setattr(dropout_numba, "FEW", 6)
    for shape, kernel in (((6,), "masked"), ((7,), "_masked"), ((1, 2, 1, 3), "masked"),
                          ((1, 2, 2, 2), "_masked")):
        calls.clear()
        dropped = fast.dropout_forward(np.ones(shape), np.ones(shape, np.uint8), 0.5)
        assert calls[0][0] == kernel and np.all(dropped == 2)


@pytest.mark.parametrize("rest", [(7,), (2, 3, 4)])
def test_work(ops, rest):
    rng = np.random.default_rng(0)

    def run(arrays, work):
        a, d, mask = arrays
        return (ops.dropout_forward(a, mask, 0.3, work=work),
                ops.dropout_backward(d, mask, 0.3, work=work))

    check_work(run, lambda m: (normal(rng, float, m, *rest), normal(rng, float, m, *rest),
                               masks(rng, (m, *rest), 0.3)), [10, 3, 13, 1])


def test_what_is_remembered_is_for_these_arrays_and_this_probability(ops):
    work, rng = {}, np.random.default_rng(0)
    a, d = normal(rng, float, 6, 4), normal(rng, float, 6, 4)
    one, two = masks(rng, a.shape, 0.5), masks(rng, a.shape, 0.5)
    for x, mask, p_dropout, inverted in (
            (a, one, 0.5, True), (a, one, 0.25, True), (a, one, 0.25, False), (a, two, 0.25, True),
            (d, two, 0.25, True), (a, two, 0.0, True)):
        there = ops.dropout_forward(x, mask, p_dropout, inverted, work)
        expected = np.where(mask, x / (1 - p_dropout * inverted), 0)
        assert np.allclose(there, expected, rtol=1e-15, atol=0)
        x *= 2  # the same array, with other numbers
        back_again = ops.dropout_backward(x, mask, p_dropout, inverted, work)
        assert np.allclose(back_again, 2 * expected, rtol=1e-15, atol=0)
        assert np.allclose(there, expected, rtol=1e-15, atol=0)  # has memory of its own
    for shape, p_dropout in (((6, 4), 0.5), ((6, 4), 0.25), ((8, 3), 0.25), ((3, 2, 2, 2), 0.25)):
        expected = ops.dropout_mask(shape, 12345678987654321, p_dropout)
        got = ops.dropout_mask(shape, 12345678987654321, p_dropout, work)
        assert got.shape == shape and np.array_equal(got, expected)


def test_a_number_at_the_edge_keeps_its_unit(ops):
    """The least one that does: of the 2^32 numbers p_dropout 2^32 are below."""
    key, counter = 0xC58EFD154CE32F6D, np.arange(9, dtype=np.uint64)
    for i, number in enumerate(squares(counter, np.uint64(key))):
        p_dropout = int(number) / 2**32
        assert ops.dropout_mask((9,), key, p_dropout)[i] == 1
        assert ops.dropout_mask((9,), key, p_dropout + 2**-32)[i] == 0


def test_by_hand(ops):
    """A quarter dropped: what is kept is a third larger, or stays as it is."""
    a, mask = np.array([[3.0, 6, -9, 12]]), np.array([[1, 0, 1, 1]], np.uint8)
    assert np.allclose(ops.dropout_forward(a, mask, 0.25), [[4, 0, -12, 16]], rtol=1e-15)
    assert np.allclose(ops.dropout_backward(-a, mask, 0.25), [[-4, 0, 12, -16]], rtol=1e-15)
    assert np.array_equal(ops.dropout_forward(a, mask, 0.25, inverted=False), a * mask)
    assert np.array_equal(ops.dropout_backward(-a, mask, 0.25, inverted=False), -a * mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_and_everything_dropped(ops, dtype):
    a = normal(np.random.default_rng(0), dtype, 4, 5)
    all_of_them, none = np.ones(a.shape, np.uint8), np.zeros(a.shape, np.uint8)
    same = ops.dropout_forward(a, all_of_them, 0.0)
    assert same.dtype == dtype and np.array_equal(same, a) and not np.shares_memory(same, a)
    assert not ops.dropout_forward(a, none, 0.5).any()
    assert not ops.dropout_forward(np.full_like(a, np.nan), none, 0.5).any()
    assert np.isnan(ops.dropout_forward(np.full_like(a, np.nan), all_of_them, 0.5)).all()


A, MASK = np.ones((2, 3)), np.ones((2, 3), np.uint8)


@pytest.mark.parametrize("way", ["dropout_forward", "dropout_backward"])
@pytest.mark.parametrize("a, mask, p_dropout, error, words", [
    (A, MASK[:1], 0.5, ValueError, ("mask must", "(2, 3)", "(1, 3)")),
    (A.astype(int), MASK, 0.5, TypeError, ("must be float32", "int64")),
    (A, MASK, 1, ValueError, ("p_dropout", "below 1", "not 1")),
    (A, MASK, -0.1, ValueError, ("p_dropout", "-0.1")),
    (A, MASK, np.nan, ValueError, ("p_dropout", "nan")),
    (A, MASK, "0.5", TypeError, ("p_dropout", "'0.5'")),
    (A, MASK, None, TypeError, ("p_dropout", "None")),
])
def test_refuses(way, a, mask, p_dropout, error, words):
    refuses(lambda ops: getattr(ops, way)(a, mask, p_dropout), error, *words)


@pytest.mark.parametrize("p_dropout, error", [(1, ValueError), (-0.1, ValueError), ("half", TypeError)])
def test_refuses_a_mask(p_dropout, error):
    refuses(lambda ops: ops.dropout_mask((2, 3), 5, p_dropout), error, "p_dropout", repr(p_dropout))


@pytest.mark.parametrize("a, p_dropout, error, words", [
    (A.astype(int), 0.5, TypeError, ("a must be float32", "int64")),
    (A, 1, ValueError, ("p_dropout", "below 1", "not 1")),
    (A, "0.5", TypeError, ("p_dropout", "'0.5'")),
])
def test_a_fresh_mask_refuses(a, p_dropout, error, words):
    refuses(lambda ops: ops.dropout_draw(a, 1, p_dropout), error, *words)
