"""Convolution, activation and pooling as one operation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl.gradcheck import check_operation
from nndl.ops import conv_pool_numba
from nndl.ops.conv_pool_numba import EXAMPLES_AT_ONCE, MANY_EXAMPLES, SHORT_ROW, fused
from nndl.ops.jit import BLOCKS, SMALL_PRODUCT
from tests.ops.checks import (
    assert_agree,
    check_work,
    laid_out,
    left_alone,
    normal,
    refuses,
    spy,
    thresholds,
)
from tests.strategies import (
    ACTIVATIONS,
    Convolution,
    ConvPool,
    activations,
    conv_pool_geometries,
    dtypes,
    layouts,
    pools,
    seeds,
    sizes,
)

ALPHA = {"leaky_relu": 0.1, "elu": 0.7}
# Rows of a patch, kw c numbers with kw up to 3, on both sides of SHORT_ROW: 5 x 3 and 8 x 2.
CHANNELS = st.sampled_from([1, 5, 8, SHORT_ROW])
# Bands of one row, of some, of all; and all because not even one row makes a small product.
PRODUCTS = st.sampled_from([1, 100, 1000, SMALL_PRODUCT])
# Examples on both sides of MANY_EXAMPLES, and in a half of them more than EXAMPLES_AT_ONCE.
MOST_EXAMPLES = 2 * EXAMPLES_AT_ONCE + 3
MANY = st.sampled_from([1, 2, MANY_EXAMPLES])


def forward(ops, x, w, b, activation, pool, work=None, **how):
    return ops.conv_pool_forward(x, w, b, activation, ALPHA.get(activation, 0.0), pool, work=work,
                                 **how)


def backward(ops, d, out, x, w, activation, pool, work=None, **how):
    return ops.conv_pool_backward(d, *out, x, w, activation, ALPHA.get(activation, 0.0), pool,
                                  work=work, **how)


def check_gradients(ops, rng, x_shape, w_shape, activation, pool, **how):
    """With dx, and without: a first layer goes another way."""
    x, w, b = rng.normal(size=x_shape), rng.normal(size=w_shape), rng.normal(size=w_shape[0])
    check_operation(lambda x, w, b: forward(ops, x, w, b, activation, pool, **how),
                    lambda d, out, x, w, b: backward(ops, d, out, x, w, activation, pool, **how),
                    x=x, w=w, b=b)
    check_operation(lambda w, b: forward(ops, x, w, b, activation, pool, **how),
                    lambda d, out, w, b: backward(ops, d, out, x, w, activation, pool, need_dx=False,
                                                  **how)[1:],
                    w=w, b=b)


@settings(max_examples=15)
@given(both=conv_pool_geometries(most_m=2, channels=sizes(2), most_f=2), activation=activations,
       pool=pools, seed=seeds)
def test_gradients_of_every_index(ops, both, activation, pool, seed):
    check_gradients(ops, np.random.default_rng(seed), both.conv.shape, both.conv.w_shape, activation,
                    pool, **both.how)


@pytest.mark.parametrize("pool", ["max", "l2"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("c", [2, SHORT_ROW // 2])
def test_gradients_of_every_combination(ops, activation, pool, c):
    """Short rows and long, with all that can differ between rows and columns doing so."""
    check_gradients(ops, np.random.default_rng(0), (1, c, 4, 6), (2, c, 2, 2), activation, pool,
                    size=(2, 3), pool_stride=(1, 2), stride=(2, 1), padding=(1, 0))


@pytest.mark.parametrize("m", [MANY_EXAMPLES - 1, MANY_EXAMPLES, MANY_EXAMPLES + 1, MOST_EXAMPLES])
@pytest.mark.parametrize("c", [1, SHORT_ROW // 2])
def test_gradients_of_many_examples(ops, c, m):
    """From MANY_EXAMPLES on the blocks take two halves of them."""
    check_gradients(ops, np.random.default_rng(0), (m, c, 2, 3), (3, c, 1, 2), "relu", "max",
                    pool_stride=(1, 1))


@pytest.mark.parametrize("pool", ["max", "l2"])
@given(both=conv_pool_geometries(most_m=MOST_EXAMPLES, channels=CHANNELS, most_f=BLOCKS + 2,
                                 most_places=3),
       small_product=PRODUCTS, many=MANY, activation=activations, dtype=dtypes, layout=layouts,
       seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, pool, both, small_product, many, activation, dtype,
                                 layout, seed):
    """Backward both start from the reference's forward: of near ties rounding may choose another."""
    rng = np.random.default_rng(seed)
    conv, how = both.conv, both.how
    x, w = (laid_out(normal(rng, dtype, *shape), layout) for shape in (conv.shape, conv.w_shape))
    b = normal(rng, dtype, len(w))
    out = forward(reference, x, w, b, activation, pool, **how)
    d = laid_out(normal(rng, dtype, *out[0].shape), layout)
    remembered = [part if part is None else laid_out(part, layout) for part in out]
    limits = thresholds(SMALL_PRODUCT=small_product, MANY_EXAMPLES=many)
    with left_alone(x, w, b, d, *remembered), limits:
        got = forward(fast, x, w, b, activation, pool, **how)
        gradients = backward(fast, d, remembered, x, w, activation, pool, **how)
        _, *without_dx = backward(fast, d, remembered, x, w, activation, pool, need_dx=False, **how)
    # No slope is above 1.13 (GELU's).
    magnitude = 2 + 2 * forward(reference, abs(x), abs(w), abs(b), "linear", pool, **how)[0]
    assert_agree(got[0], out[0], magnitude, dtype)
    assert [part is None for part in got] == [part is None for part in out]
    expected = backward(reference, d, out, x, w, activation, pool, **how)
    pooled, winner, a, _ = out
    if pool == "max":
        shape = forward(reference, x, w, b, "linear", "l2", **how)[2].shape
        dz = reference.max_pool_backward(abs(d), winner, shape, both.size, both.pool_stride)
    else:
        dz = reference.l2_pool_backward(abs(d), abs(a), pooled, both.size, both.pool_stride)
    magnitudes = reference.conv_backward(2 * dz, abs(x), abs(w), **conv.how)
    for one, other, magnitude in zip((*gradients, *without_dx), (*expected, *expected[1:]),
                                     (*magnitudes, *magnitudes[1:]), strict=True):
        assert_agree(one, other, magnitude, dtype)


def check_whole_numbers(reference, fast, both, rng, activation="linear", dtype=np.float64):
    """Sums of whole numbers are exact in any order: not one index may be wrong, ties included."""
    x, w, b = (rng.integers(-2, 3, shape).astype(dtype)
               for shape in (both.conv.shape, both.conv.w_shape, both.conv.w_shape[:1]))
    out = forward(reference, x, w, b, activation, "max", **both.how)
    d = rng.integers(-3, 4, out[0].shape).astype(dtype)
    got = forward(fast, x, w, b, activation, "max", **both.how)
    assert np.array_equal(got[0], out[0])
    won = out[0] != 0 if activation == "relu" else np.full(out[0].shape, True)
    assert got[1].dtype == np.int32 and np.array_equal(got[1][won], out[1][won])
    expected = backward(reference, d, out, x, w, activation, "max", **both.how)
    for work in (None, {}):
        got = backward(fast, d, out, x, w, activation, "max", work, **both.how)
        for one, other in zip(got, expected, strict=True):
            assert np.array_equal(one, other)
    nabla = backward(fast, d, out, x, w, activation, "max", need_dx=False, **both.how)
    assert nabla[0] is None
    assert np.array_equal(nabla[1], expected[1]) and np.array_equal(nabla[2], expected[2])


@given(both=conv_pool_geometries(most_m=MOST_EXAMPLES, channels=CHANNELS, most_f=BLOCKS + 2,
                                 most_places=3),
       small_product=PRODUCTS, many=MANY, activation=st.sampled_from(["linear", "relu"]), dtype=dtypes,
       seed=seeds)
def test_whole_numbers_come_out_exactly_the_same(reference, fast, both, small_product, many, activation,
                                                 dtype, seed):
    with thresholds(SMALL_PRODUCT=small_product, MANY_EXAMPLES=many):
        check_whole_numbers(reference, fast, both, np.random.default_rng(seed), activation, dtype)


def geometry(shape, w_shape, size=(2, 2), pool_stride=(2, 2), stride=(1, 1), padding=(0, 0)):
    """The book's unit, but for what is said."""
    return ConvPool(Convolution(shape, (w_shape[0], shape[1], *w_shape[1:]), stride, padding), size,
                    pool_stride)


# At the edge of something; each with c channels: short rows and long ones.
EDGES = {
    "one of everything": lambda c: geometry((1, c, 1, 1), (1, 1, 1), (1, 1), (1, 1)),
    "one window": lambda c: geometry((2, c, 3, 3), (3, 2, 2)),
    "a 1 x 1 kernel": lambda c: geometry((3, c, 6, 4), (3, 1, 1)),
    "one filter": lambda c: geometry((9, c, 7, 8), (1, 2, 3)),
    "fewer filters than blocks": lambda c: geometry((3, c, 7, 8), (BLOCKS - 1, 2, 3)),
    "more filters than blocks": lambda c: geometry((3, c, 7, 8), (2 * BLOCKS + 3, 2, 3)),
    "one example": lambda c: geometry((1, c, 8, 7), (5, 3, 2)),
    "not a multiple of the step": lambda c: geometry((2, c, 9, 11), (3, 2, 4), (3, 3), (3, 4)),
    "a remainder": lambda c: geometry((2, c, 10, 9), (3, 3, 2), (3, 2), (3, 3)),
    "windows that overlap": lambda c: geometry((2, c, 8, 9), (4, 3, 2), (3, 2), (1, 1)),
    "windows that overlap one way": lambda c: geometry((2, c, 8, 9), (4, 3, 2), (3, 3), (3, 2)),
    "windows with gaps": lambda c: geometry((2, c, 9, 9), (4, 2, 2), (1, 2), (3, 4)),
    "strides": lambda c: geometry((2, c, 13, 12), (3, 3, 2), stride=(2, 3)),
    "strides and padding": lambda c: geometry((2, c, 12, 11), (3, 3, 2), (2, 3), (3, 2), (3, 2),
                                              (2, 1)),
    "padding": lambda c: geometry((2, c, 5, 6), (3, 4, 3), padding=(2, 1)),
    "more places than numbers": lambda c: geometry((2, c, 9, 9), (2, 1, 1), (4, 5), (2, 1)),
    **{f"{m} examples, {EXAMPLES_AT_ONCE} at once": lambda c, m=m: geometry((m, c, 5, 5), (3, 2, 2))
       for m in (*range(1, MOST_EXAMPLES + 1), 4 * EXAMPLES_AT_ONCE + 3)},
    # With two halves of the examples the blocks of each share the filters out by four.
    **{f"{f} filters, {m} examples": lambda c, f=f, m=m: geometry((m, c, 3, 4), (f, 2, 2))
       for f in (1, 4, BLOCKS + 1) for m in (MANY_EXAMPLES - 1, MANY_EXAMPLES)},
}


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("c", [1, 2, SHORT_ROW - 1, SHORT_ROW])
@pytest.mark.parametrize("edge", EDGES)
def test_whole_numbers_at_every_edge(reference, fast, edge, c, activation):
    check_whole_numbers(reference, fast, EDGES[edge](c), np.random.default_rng(0), activation)


@pytest.mark.parametrize("c", [1, SHORT_ROW])
@pytest.mark.parametrize("count", range(10))
def test_any_number_of_winners(reference, fast, c, count):
    """They are taken by fours, and what is left one by one: a filter's windows, a window's filters."""
    rng = np.random.default_rng(count)
    both = geometry((2, c, 11, 11), (12, 2, 2))
    x, w = (rng.integers(-2, 3, shape).astype(float) for shape in (both.conv.shape, both.conv.w_shape))
    out = forward(reference, x, w, np.zeros(12), "linear", "max", **both.how)
    d = np.zeros((2, 12, 25))
    for row in d.swapaxes(0, 1).reshape(12, 50) if count % 2 else d.reshape(24, 25):
        row[rng.permutation(row.size)[:count]] = rng.integers(1, 4, count)
    d = d.reshape(2, 12, 5, 5)
    d[d == 0] = -0.0  # no gradient either
    expected = backward(reference, d, out, x, w, "linear", "max", **both.how)
    got = backward(fast, d, out, x, w, "linear", "max", **both.how)
    _, *without_dx = backward(fast, d, out, x, w, "linear", "max", need_dx=False, **both.how)
    for one, other in zip((*got, *without_dx), (*expected, *expected[1:]), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("count", range(14))
def test_any_number_of_filters_that_win_at_the_same_place(reference, fast, count):
    """All of the first `count` filters do, so that their rows of dx are added by fours and singly."""
    x = np.zeros((1, SHORT_ROW, 3, 3))
    x[:, :, 1, 1] = 1
    w = np.random.default_rng(0).integers(1, 4, (14, SHORT_ROW, 2, 2)).astype(float)
    out = forward(reference, x, w, np.zeros(14), "linear", "max")
    out = out[0], np.full_like(out[1], 2), *out[2:]
    d = np.zeros(out[0].shape)
    d[:, :count] = np.arange(1.0, count + 1).reshape(1, count, 1, 1)
    for one, other in zip(backward(fast, d, out, x, w, "linear", "max"),
                          backward(reference, d, out, x, w, "linear", "max"), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pool", ["max", "l2"])
def test_is_the_three_operations_in_a_row(ops, activation, pool):
    """Whatever path it takes; forward, what it remembers, and backward."""
    rng = np.random.default_rng(0)
    x, w, b = normal(rng, float, 3, 2, 7, 6), normal(rng, float, 4, 2, 3, 2), normal(rng, float, 4)
    alpha, places = ALPHA.get(activation, 0.0), ((2, 3), (2, 2))
    z = ops.conv_forward(x, w, b, (1, 1), (1, 0))
    a = ops.activation_forward(z, activation, alpha)
    pooled, winner = ops.max_pool_forward(a, *places)
    if pool == "l2":
        pooled = ops.l2_pool_forward(a, *places)
    d = normal(rng, float, *pooled.shape)
    if pool == "l2":
        da = ops.l2_pool_backward(d, a, pooled, *places)
    else:
        da = ops.max_pool_backward(d, winner, a.shape, *places)
    dz = ops.activation_backward(da, a, z, activation, alpha)

    how = {"size": (2, 3), "pool_stride": (2, 2), "stride": (1, 1), "padding": (1, 0)}
    out = forward(ops, x, w, b, activation, pool, **how)
    assert np.allclose(out[0], pooled, rtol=0, atol=1e-12)
    kept = [part is not None for part in out[1:]]
    assert kept == [pool == "max", pool == "l2", activation == "gelu"]
    if pool == "max":
        counts = pooled != 0  # where ReLU is off any winner is as good
        assert np.array_equal(out[1][counts], winner[counts])
    for one, other in zip(backward(ops, d, out, x, w, activation, pool, **how),
                          ops.conv_backward(dz, x, w, (1, 1), (1, 0)), strict=True):
        assert np.allclose(one, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pool", ["max", "l2"])
def test_where_the_fast_path_applies(activation, pool):
    assert fused(activation, pool) == (pool == "max" and activation != "gelu")


@pytest.mark.parametrize("activation, pool, c, kw, need_dx, paths", [
    ("relu", "max", 1, 5, False, ["_forward_by_places", "_backward_by_places"]),
    ("relu", "max", 1, 5, True, ["_forward_by_places", "_backward"]),
    ("sigmoid", "max", SHORT_ROW - 1, 1, False, ["_forward_by_places", "_backward_by_places"]),
    ("linear", "max", SHORT_ROW, 1, False, ["_forward", "_backward"]),
    ("elu", "max", SHORT_ROW // 2, 2, False, ["_forward", "_backward"]),
    ("gelu", "max", SHORT_ROW, 1, True, ["conv_forward", "conv_backward"]),
    ("relu", "l2", 1, 2, False, ["conv_forward", "conv_backward"]),
    ("gelu", "l2", 1, 2, True, ["conv_forward", "conv_backward"]),
])
def test_which_path_it_takes(fast, monkeypatch, activation, pool, c, kw, need_dx, paths):
    rng = np.random.default_rng(0)
    x, w, b = normal(rng, float, 2, c, 4, 6), normal(rng, float, 3, c, 2, kw), normal(rng, float, 3)
    calls = spy(monkeypatch, conv_pool_numba, "_forward", "_forward_by_places", "conv_forward",
                "_backward", "_backward_by_places", "conv_backward")
    out = forward(fast, x, w, b, activation, pool, pool_stride=(1, 1))
    backward(fast, np.ones_like(out[0]), out, x, w, activation, pool, pool_stride=(1, 1),
             need_dx=need_dx)
    assert [name for name, _ in calls] == paths


@pytest.mark.parametrize("m, shares", [(1, 1), (MANY_EXAMPLES - 1, 1), (MANY_EXAMPLES, 2), (30, 2)])
def test_how_many_parts_the_examples_are_cut_into(fast, monkeypatch, m, shares):
    calls = spy(monkeypatch, conv_pool_numba, "_backward")
    x, w = np.ones((m, SHORT_ROW, 2, 3)), np.ones((3, SHORT_ROW, 1, 2))
    out = forward(fast, x, w, np.zeros(3), "relu", "max")
    _, nabla_w, nabla_b = backward(fast, np.ones_like(out[0]), out, x, w, "relu", "max")
    (_, arguments), = calls
    assert arguments[-2].shape == (shares, w.size + 3)
    assert np.all(nabla_w == m) and np.all(nabla_b == m)


@pytest.mark.parametrize("activation, pool", [("relu", "max"), ("linear", "max"), ("gelu", "max"),
                                              ("tanh", "l2")])
@pytest.mark.parametrize("need_dx", [True, False])
@pytest.mark.parametrize("c", [1, SHORT_ROW])
def test_work(ops, activation, pool, c, need_dx):
    rng = np.random.default_rng(0)
    how = {"size": (2, 2), "pool_stride": (1, 2), "stride": (1, 1), "padding": (1, 0)}

    def make(m):
        x, w, b = normal(rng, float, m, c, 5, 5), normal(rng, float, 3, c, 3, 2), normal(rng, float, 3)
        return x, w, b, normal(rng, float, *forward(ops, x, w, b, activation, pool, **how)[0].shape)

    def run(arrays, work):
        x, w, b, d = arrays
        out = forward(ops, x, w, b, activation, pool, work, **how)
        return *out, *backward(ops, d, out, x, w, activation, pool, work, need_dx=need_dx, **how)

    check_work(run, make, [10, 3, 12, 1, MANY_EXAMPLES, MANY_EXAMPLES - 1])


@pytest.mark.parametrize("c", [1, SHORT_ROW])
def test_what_is_remembered_is_for_these_arrays_and_this_way(ops, c):
    """ReLU or none, other pooled units, dx or none: each changes alone."""
    rng, work = np.random.default_rng(0), {}
    x, w, b = (laid_out(rng.integers(-2, 3, shape).astype(float), "channels last")
               for shape in ((3, c, 5, 5), (4, c, 2, 2), (4,)))
    pooled, winner, _, _ = forward(ops, x, w, b, "linear", "max")
    d, other = np.ones_like(pooled), -pooled
    for activation, units, need_dx in (
            ("relu", pooled, False), ("linear", pooled, False), ("relu", pooled, False),
            ("relu", other, False), ("relu", other, True), ("linear", other, True),
            ("linear", other, False)):
        arrays = d, (units, winner, None, None), x, w, activation, "max"
        got = backward(ops, *arrays, work, need_dx=need_dx)
        assert (got[0] is not None) == need_dx
        for one, two in list(zip(got, backward(ops, *arrays, need_dx=need_dx)))[not need_dx:]:
            assert np.array_equal(one, two)


def test_by_hand(ops):
    """A 3 x 3 image, a 2 x 2 filter, four z of which ReLU lets two pass and one wins."""
    x = np.array([[[[1.0, 2, 0], [0, 1, 3], [2, 0, 1]]]])
    w = np.array([[[[1.0, -1], [0, 2]]]])
    b = np.array([-2.5])
    # z: 1-2+0+2-2.5 = -1.5   2-0+0+6-2.5 = 5.5
    #    0-1+0+0-2.5 = -3.5   1-3+0+2-2.5 = -2.5
    out = ops.conv_pool_forward(x, w, b)
    assert np.array_equal(out[0], [[[[5.5]]]]) and np.array_equal(out[1], [[[[1]]]])
    dx, nabla_w, nabla_b = ops.conv_pool_backward(np.array([[[[2.0]]]]), *out, x, w)
    assert np.array_equal(dx, [[[[0, 2, -2], [0, 0, 4], [0, 0, 0]]]])
    assert np.array_equal(nabla_w, [[[[4, 0], [2, 6]]]])
    assert np.array_equal(nabla_b, [2])
    off = ops.conv_pool_forward(x, w, b - 5.5)  # 0 exactly: the neuron is off, its slope 0
    assert off[0].item() == 0
    for gradient in ops.conv_pool_backward(np.array([[[[2.0]]]]), *off, x, w):
        assert not gradient.any()


@pytest.mark.parametrize("c", [1, SHORT_ROW])
@pytest.mark.parametrize("activation", ["linear", "relu", "gelu"])
def test_a_tie_goes_to_the_first_in_reading_order(ops, activation, c):
    """A constant image: every z is the same number.  The gradient goes to the first patch of each."""
    x, w = np.ones((2, c, 5, 5)), np.ones((3, c, 2, 2))
    out = ops.conv_pool_forward(x, w, np.full(3, 100.0), activation)  # GELU is the identity there
    assert np.all(out[0] == 100 + 4 * c) and not out[1].any()
    dx, nabla_w, nabla_b = ops.conv_pool_backward(np.ones((2, 3, 2, 2)), *out, x, w, activation)
    image = np.zeros((5, 5))
    image[:4, :4] = 3  # three filters, and each window's first patch is two pixels from the next's
    assert np.array_equal(dx, np.broadcast_to(image, x.shape))
    assert np.all(nabla_w == 8) and np.all(nabla_b == 8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pool", ["max", "l2"])
def test_nan_is_handed_on(ops, activation, pool):
    x = np.ones((1, 1, 2, 4))
    x[0, 0, 1, 3] = np.nan
    pooled, winner, _, _ = forward(ops, x, np.ones((1, 1, 1, 1)), np.zeros(1), activation, pool)
    assert list(np.isnan(pooled).ravel()) == [False, True]
    assert pool == "l2" or list(winner.ravel()) == [0, 3]
    x[0, 0, 0, 2:] = np.nan
    winner = forward(ops, x, np.ones((1, 1, 1, 1)), np.zeros(1), activation, pool)[1]
    assert pool == "l2" or list(winner.ravel()) == [0, 0]


@pytest.mark.parametrize("c", [1, SHORT_ROW])
@pytest.mark.parametrize("places", [[0], [1], [2], [3], [1, 2], [0, 3], [2, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_the_first_nan_of_a_window_wins(ops, c, places, activation):
    """Whatever else is in it; and the windows beside it are left alone."""
    z = np.array([5.0, -np.inf, 7, np.inf])
    z[places] = np.nan
    x, w = np.zeros((1, c, 2, 6)), np.ones((3, c, 1, 1))
    x[0, :, :, 2:4] = z.reshape(2, 2)
    with np.errstate(invalid="ignore"):
        pooled, winner, _, _ = ops.conv_pool_forward(x, w, np.ones(3), activation)
    assert np.isnan(pooled[0, :, 0, 1]).all() and np.all(winner[0, :, 0, 1] == places[0])
    assert np.all(pooled[0, :, 0, ::2] == 1) and not winner[0, :, 0, ::2].any()


@pytest.mark.parametrize("c", [1, SHORT_ROW])
def test_infinities_are_numbers_like_others(ops, c):
    x = np.full((1, c, 2, 8), -np.inf)
    x[..., 1, 2], x[..., 1, 5], x[..., 0, 6] = 3, np.inf, -2
    pooled, winner, _, _ = ops.conv_pool_forward(x, np.ones((2, c, 1, 1)), np.zeros(2), "linear")
    assert np.array_equal(pooled[0, :, 0], [[-np.inf, 3 * c, np.inf, -2 * c]] * 2)
    assert np.array_equal(winner[0, :, 0], [[0, 2, 3, 0]] * 2)


@pytest.mark.parametrize("c", [1, SHORT_ROW])
def test_zeros_of_both_signs_are_a_tie(ops, c):
    x = np.zeros((1, c, 2, 4))
    x[..., 0, 0] = x[..., 1, 2] = -0.0
    out = ops.conv_pool_forward(x, np.ones((1, c, 1, 1)), np.zeros(1), "linear")
    assert not out[0].any() and not out[1].any()


@pytest.mark.parametrize("c", [1, SHORT_ROW])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_handed_on(ops, c, value):
    """To its own filter and its own patch, and nowhere else."""
    rng = np.random.default_rng(0)
    x, w = 1 + rng.random((2, c, 6, 6)), 1 + rng.random((5, c, 3, 3))
    out = ops.conv_pool_forward(x, w, np.zeros(5), "linear")
    d = rng.random(out[0].shape)
    d[1, 3, 0, 1] = value
    with np.errstate(invalid="ignore"):
        dx, *nablas = ops.conv_pool_backward(d, *out, x, w, "linear")
        _, *without_dx = ops.conv_pool_backward(d, *out, x, w, "linear", need_dx=False)
    for nabla_w, nabla_b in nablas, without_dx:
        assert np.array_equal(np.isfinite(nabla_b), np.arange(5) != 3)
        assert np.array_equal(np.isfinite(nabla_w).all(axis=(1, 2, 3)), np.arange(5) != 3)
        assert not np.isfinite(nabla_w[3]).any()
    row, column = out[1][1, 3, 0, 1] // 2, 2 + out[1][1, 3, 0, 1] % 2
    spoiled = np.zeros(dx.shape, bool)
    spoiled[1, :, row:row + 3, column:column + 3] = True
    assert np.array_equal(np.isfinite(dx), ~spoiled)


def test_a_window_of_zeros_has_no_l2_gradient(ops):
    x, w = np.ones((1, 1, 3, 3)), -np.ones((2, 1, 2, 2))
    out = forward(ops, x, w, np.zeros(2), "relu", "l2")
    assert not out[0].any()
    for gradient in backward(ops, np.ones_like(out[0]), out, x, w, "relu", "l2"):
        assert not gradient.any()


@pytest.mark.parametrize("activation, pool", [("relu", "max"), ("gelu", "max"), ("relu", "l2")])
@pytest.mark.parametrize("c", [2, SHORT_ROW])
def test_dx_only_on_demand(ops, activation, pool, c):
    rng = np.random.default_rng(0)
    x, w, b = normal(rng, float, 3, c, 5, 5), normal(rng, float, 4, c, 2, 2), normal(rng, float, 4)
    out = forward(ops, x, w, b, activation, pool)
    d = normal(rng, float, *out[0].shape)
    dx, nabla_w, nabla_b = backward(ops, d, out, x, w, activation, pool, need_dx=False)
    _, all_w, all_b = backward(ops, d, out, x, w, activation, pool)
    assert dx is None
    other_way = ops.name == "numba" and 2 * c < SHORT_ROW and fused(activation, pool)
    assert np.allclose(nabla_w, all_w, rtol=0, atol=1e-13 if other_way else 0)
    assert np.allclose(nabla_b, all_b, rtol=0, atol=1e-13 if other_way else 0)


@pytest.mark.parametrize("activation, pool", [("relu", "max"), ("gelu", "max"), ("relu", "l2")])
@pytest.mark.parametrize("c", [2, SHORT_ROW])
def test_no_examples(ops, activation, pool, c):
    none, w = np.ones((0, c, 5, 5)), np.ones((3, c, 2, 2))
    out = forward(ops, none, w, np.ones(3), activation, pool)
    assert out[0].shape == (0, 3, 2, 2)
    dx, nabla_w, nabla_b = backward(ops, out[0], out, none, w, activation, pool)
    assert dx.shape == none.shape and not nabla_w.any() and not nabla_b.any()


X, W, B = np.ones((2, 3, 6, 6)), np.ones((4, 3, 3, 3)), np.ones(4)
COMBINATIONS = [("relu", "max"), ("linear", "max"), ("gelu", "max"), ("relu", "l2"), ("gelu", "l2")]


@pytest.mark.parametrize("activation, pool", COMBINATIONS)
@pytest.mark.parametrize("x, w, b, how, error, words", [
    (X[0], W, B, {}, ValueError, ("x must", "(m, c, h, w)")),
    (X, W[0], B, {}, ValueError, ("w must", "(f, c, kh, kw)")),
    (X[:, :2], W, B, {}, ValueError, ("x has 2",)),
    (X, W, B[1:], {}, ValueError, ("b must", "(4,)")),
    (X.astype(int), W, B, {}, TypeError, ("x must", "int64")),
    (X.astype("f"), W, B, {}, TypeError, ("w is float64", "x is float32")),
    (X, W, B.astype("f"), {}, TypeError, ("b is float32",)),
    (X, W, B, {"size": (5, 2)}, ValueError, ("pool size 5 x 2", "4 x 4")),
    (X, W, B, {"size": 2}, TypeError, ("pool size", "pair")),
    (X, W, B, {"pool_stride": (0, 1)}, ValueError, ("stride 0",)),
    (X, W, B, {"stride": 1}, TypeError, ("stride", "pair")),
    (X, W, B, {"stride": (1, 0)}, ValueError, ("stride 0",)),
    (X, W, B, {"padding": (0, -1)}, ValueError, ("padding -1",)),
    (X[:, :, 4:], W, B, {}, ValueError, ("kernel 3 x 3", "2 x 6")),
])
def test_forward_refuses(activation, pool, x, w, b, how, error, words):
    refuses(lambda ops: forward(ops, x, w, b, activation, pool, **how), error, *words)


@pytest.mark.parametrize("activation, pool", COMBINATIONS)
@pytest.mark.parametrize("change, how, error, words", [
    ({"d": np.ones((2, 4, 2, 1))}, {}, ValueError, ("d_pooled must", "(2, 4, 2, 2)", "(2, 4, 2, 1)")),
    ({"d": np.ones((2, 4, 2, 2), "f")}, {}, TypeError, ("d_pooled is float32", "x is float64")),
    ({"d": np.ones((2, 4, 2, 2), int)}, {}, TypeError, ("d_pooled is int64",)),
    # Numba's kernels check no index: these would have them read and write anywhere.
    ({"d": np.ones((2, 4, 9, 9)), "pooled": np.ones((2, 4, 9, 9))}, {}, ValueError, ("d_pooled must",)),
    ({"pooled": np.ones((2, 4, 2, 1))}, {}, ValueError, ("pooled must",)),
    ({"x": X[1:]}, {}, ValueError, ("d_pooled must", "(1, 4, 2, 2)")),
    ({"x": X[0]}, {}, ValueError, ("x must",)),
    ({"w": W[1:]}, {}, ValueError, ("d_pooled must", "(2, 3, 2, 2)")),
    ({"w": W[:, :1]}, {}, ValueError, ("x has 3",)),
    ({}, {"stride": (2, 2)}, ValueError, ("d_pooled must", "(2, 4, 1, 1)")),
    ({}, {"size": 2}, TypeError, ("pool size", "pair")),
])
def test_backward_refuses(activation, pool, change, how, error, words):
    arrays = {"x": X, "w": W, "d": np.ones((2, 4, 2, 2)), **change}

    def call(ops):
        out = list(forward(ops, X, W, B, activation, pool))
        out[0] = arrays.get("pooled", out[0])
        backward(ops, arrays["d"], out, arrays["x"], arrays["w"], activation, pool, **how)

    refuses(call, error, *words)


@pytest.mark.parametrize("change", [9, -1])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_refuses_a_winner_of_other_windows(activation, change):
    def call(ops):
        pooled, winner, a, z = forward(ops, X, W, B, activation, "max", size=(3, 3),
                                       pool_stride=(1, 1))
        backward(ops, pooled, (pooled, winner + change, a, z), X, W, activation, "max", size=(3, 3),
                 pool_stride=(1, 1))

    refuses(call, ValueError, "winner must be from 0 to 8")


def test_refuses_unknown_names():
    refuses(lambda ops: ops.conv_pool_forward(X, W, B, "swish"), ValueError, "activation", "'swish'")
    refuses(lambda ops: ops.conv_pool_forward(X, W, B, pool="average"), ValueError, "pool", "'average'")
    refuses(lambda ops: ops.conv_pool_backward(*(None,) * 5, X, W, pool="average"), ValueError, "pool")
