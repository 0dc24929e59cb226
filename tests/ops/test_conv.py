"""The convolution, im2col and col2im."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl import backends
from nndl.gradcheck import check_operation
from nndl.ops import conv_numba
from nndl.ops.conv_numba import scratch
from nndl.ops.jit import BLOCKS, SMALL_PRODUCT, THREADS
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
from tests.strategies import Convolution, conv_geometries, dtypes, layouts, seeds, sizes

CHANNELS = st.sampled_from([1, 2, 5, 8, 16])
# Bands of one row, of some, of all; and all because not even one row makes a small product.
PRODUCTS = st.sampled_from([1, 100, 1000, SMALL_PRODUCT])


@settings(max_examples=20)
@given(conv=conv_geometries(most_m=2, channels=sizes(2)), seed=seeds)
def test_gradients_of_every_index(ops, conv, seed):
    rng = np.random.default_rng(seed)
    check_operation(lambda x, w, b: ops.conv_forward(x, w, b, **conv.how),
                    lambda dz, z, x, w, b: ops.conv_backward(dz, x, w, **conv.how),
                    x=rng.normal(size=conv.shape), w=rng.normal(size=conv.w_shape),
                    b=rng.normal(size=conv.w_shape[0]))


@settings(max_examples=15)
@given(conv=conv_geometries(most_m=2), seed=seeds)
def test_gradients_of_im2col_and_col2im(ops, conv, seed):
    """Both are linear, and each is the other's backward."""
    rng = np.random.default_rng(seed)
    kernel, how = conv.w_shape[2:], conv.how
    x = rng.normal(size=conv.shape)
    cols = ops.im2col(x, kernel, **how)
    check_operation(lambda x: ops.im2col(x, kernel, **how),
                    lambda dcols, cols, x: ops.col2im(dcols, x.shape, kernel, **how), x=x)
    dcols = rng.normal(size=cols.shape)
    assert np.isclose(np.sum(dcols * cols), np.sum(x * ops.col2im(dcols, x.shape, kernel, **how)),
                      rtol=1e-12, atol=1e-11)


@given(conv=conv_geometries(most_m=BLOCKS + 3, channels=CHANNELS, most_f=BLOCKS + 2),
       small_product=PRODUCTS, dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, conv, small_product, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    x, w = (laid_out(normal(rng, dtype, *shape), layout) for shape in (conv.shape, conv.w_shape))
    b = normal(rng, dtype, len(w))
    expected = reference.conv_forward(x, w, b, **conv.how)
    dz = laid_out(normal(rng, dtype, *expected.shape), layout)
    with left_alone(x, w, b, dz), thresholds(SMALL_PRODUCT=small_product):
        z = fast.conv_forward(x, w, b, **conv.how)
        gradients = fast.conv_backward(dz, x, w, **conv.how)
    assert_agree(z, expected, reference.conv_forward(abs(x), abs(w), abs(b), **conv.how), dtype)
    magnitudes = reference.conv_backward(abs(dz), abs(x), abs(w), **conv.how)
    expected = reference.conv_backward(dz, x, w, **conv.how)
    for got, one, magnitude in zip(gradients, expected, magnitudes, strict=True):
        assert_agree(got, one, magnitude, dtype)


# Geometries at the edge of something, with the SMALL_PRODUCT that makes their bands what they are.
EDGES = {
    "one of everything": (Convolution((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), (0, 0)), SMALL_PRODUCT),
    "a 1 x 1 kernel, short": (Convolution((3, 2, 5, 4), (3, 2, 1, 1), (1, 1), (0, 0)), 24),
    "a 1 x 1 kernel, long": (Convolution((3, 16, 5, 4), (3, 16, 1, 1), (1, 1), (0, 0)), 24 * 8 * 2),
    "a kernel as large as the image": (Convolution((2, 3, 4, 5), (2, 3, 4, 5), (1, 1), (0, 0)), 1),
    "one filter, short": (Convolution((9, 1, 9, 7), (1, 1, 3, 3), (1, 1), (0, 0)), 2 * 5 * 9),
    "one filter, long": (Convolution((9, 6, 9, 7), (1, 6, 3, 3), (1, 1), (0, 0)), 2 * 5 * 54),
    "one example": (Convolution((1, 4, 7, 7), (9, 4, 2, 4), (1, 1), (0, 0)), 3 * 4 * 32 * 9),
    "strides and padding, short": (Convolution((3, 2, 11, 12), (3, 2, 3, 4), (2, 3), (2, 1)),
                                   2 * 4 * 24 * 3),
    "strides and padding, long": (Convolution((3, 4, 11, 12), (3, 4, 3, 4), (2, 3), (2, 1)),
                                  2 * 4 * 48 * 3),
    "steps longer than the kernel": (Convolution((2, 3, 10, 11), (2, 3, 2, 2), (3, 4), (0, 0)), 1),
    "not even one row, short": (Convolution((2, 1, 9, 9), (4, 1, 3, 3), (1, 1), (0, 0)), 7 * 9 * 4 - 1),
    "not even one row, long": (Convolution((2, 8, 9, 9), (4, 8, 3, 3), (1, 1), (0, 0)), 7 * 72 * 4 - 1),
    "one row exactly": (Convolution((2, 1, 9, 9), (4, 1, 3, 3), (1, 1), (0, 0)), 7 * 9 * 4),
}


@pytest.mark.parametrize("conv, small_product", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_numbers_come_out_exactly_the_same(reference, fast, conv, small_product, dtype):
    """Whatever the order of a sum, so that a single wrong index shows."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.integers(-3, 4, shape).astype(dtype)
               for shape in (conv.shape, conv.w_shape, conv.w_shape[:1]))
    z = reference.conv_forward(x, w, b, **conv.how)
    dz = rng.integers(-3, 4, z.shape).astype(dtype)
    expected = z, *reference.conv_backward(dz, x, w, **conv.how)
    with thresholds(SMALL_PRODUCT=small_product):
        got = fast.conv_forward(x, w, b, **conv.how), *fast.conv_backward(dz, x, w, **conv.how)
    for one, other in zip(got, expected, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("oh, ow, k, f, band", [
    (24, 24, 25, 20, 24),            # the book's first convolution: all at once
    (8, 8, 500, 40, 4),              # its second: six would do, but then two would be left
    (9, 10, 100, 250, 3), (10, 10, 100, 250, 4), (11, 10, 100, 500, 2),
    (7, 10, 100, 1000, 1),           # one row exactly
    (7, 10, 100, 1001, 7),           # not even one: then all
    (1, 1, 1, 1, 1), (5, 1, 1_000_001, 1, 5),
])
def test_how_many_rows_a_product_takes(oh, ow, k, f, band):
    assert SMALL_PRODUCT == 1_000_000
    work = {}
    n, cols = scratch(oh, ow, k, f, np.float32, work)
    assert n == band
    assert cols.shape == (THREADS, band * ow * k) and cols.dtype == np.float32
    assert work["cols"] is cols


@pytest.mark.parametrize("c, kw", [(1, 5), (5, 3), (8, 2), (16, 1)])
@pytest.mark.parametrize("small_product, band", [(SMALL_PRODUCT, 6), (1, 6), (None, 2)])
@pytest.mark.parametrize("way", ["_forward", "_backward"])
def test_how_the_patches_are_laid_out(fast, monkeypatch, c, kw, small_product, band, way):
    """The scratch memory shows it: patches as rows, a band of output rows at a time."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(1, 99, (1, c, 7, 8)).astype(float), np.ones((3, c, 2, kw))
    ow = 9 - kw
    calls, work = spy(monkeypatch, conv_numba, way), {}
    with thresholds(SMALL_PRODUCT=small_product or 2 * ow * w.size):
        for _ in range(2):
            for memory in work.values():
                memory[...] = -1
            if way == "_forward":
                fast.conv_forward(x, w, np.zeros(3), work=work)
            else:
                fast.conv_backward(np.ones((1, 3, 6, ow)), x, w, need_dx=False, work=work)
    assert [arguments[8] for _, arguments in calls] == [band, band]
    used, = (one for one in work["cols"] if not np.all(one == -1))  # one image: one thread
    patches = backends.get("numpy").im2col(x, (2, kw)).reshape(6 * ow, c, 2 * kw)
    patches = patches.swapaxes(1, 2).reshape(6 * ow, -1)[-band * ow:]  # the last band, channels last
    assert np.array_equal(used, patches.ravel())


@given(conv=conv_geometries(most_m=BLOCKS + 3), dtype=dtypes, layout=layouts, seed=seeds)
def test_patches_are_the_same(reference, fast, conv, dtype, layout, seed):
    """im2col copies, so bit for bit; col2im adds."""
    rng = np.random.default_rng(seed)
    kernel = conv.w_shape[2:]
    x = laid_out(normal(rng, dtype, *conv.shape), layout)
    cols = reference.im2col(x, kernel, **conv.how)
    assert_agree(fast.im2col(x, kernel, **conv.how), cols, 0, dtype)
    dcols = laid_out(normal(rng, dtype, *cols.shape), layout)
    with left_alone(dcols):
        dx = fast.col2im(dcols, x.shape, kernel, **conv.how)
    assert_agree(dx, reference.col2im(dcols, x.shape, kernel, **conv.how),
                 reference.col2im(abs(dcols), x.shape, kernel, **conv.how), dtype)


@pytest.mark.parametrize("padding", [(0, 0), (2, 1)])
def test_work(ops, padding):
    rng = np.random.default_rng(0)

    def make(m):
        x, w, b = normal(rng, float, m, 2, 6, 5), normal(rng, float, 3, 2, 3, 2), normal(rng, float, 3)
        return x, w, b, normal(rng, float, *ops.conv_forward(x, w, b, (2, 1), padding).shape)

    def run(arrays, work):
        x, w, b, dz = arrays
        return (ops.conv_forward(x, w, b, (2, 1), padding, work),
                *ops.conv_backward(dz, x, w, (2, 1), padding, work=work))

    check_work(run, make, [10, 3, 12, 1])


def test_work_of_im2col_and_col2im(ops):
    rng = np.random.default_rng(0)

    def run(arrays, work):
        (x,) = arrays
        cols = ops.im2col(x, (3, 2), (1, 2), (1, 1), work).copy()
        return cols, ops.col2im(cols, x.shape, (3, 2), (1, 2), (1, 1), work)

    check_work(run, lambda m: (normal(rng, float, m, 2, 4, 5),), [4, 1, 9])


def test_by_hand(ops):
    """(125) with pencil and paper: the filter is not flipped."""
    x = np.arange(9.0).reshape(1, 1, 3, 3)  # 0 1 2 / 3 4 5 / 6 7 8
    w = np.array([[[[1.0, 2], [0, -1]]]])
    b = np.array([10.0])
    assert np.array_equal(ops.conv_forward(x, w, b),
                          [[[[10 + 0 + 2 - 4, 10 + 1 + 4 - 5], [10 + 3 + 8 - 7, 10 + 4 + 10 - 8]]]])
    dx, nabla_w, nabla_b = ops.conv_backward(np.array([[[[1.0, 0], [0, 3]]]]), x, w)
    assert np.array_equal(dx, [[[[1, 2, 0], [0, -1 + 3, 6], [0, 0, -3]]]])
    assert np.array_equal(nabla_w, [[[[0 + 3 * 4, 1 + 3 * 5], [3 + 3 * 7, 4 + 3 * 8]]]])
    assert np.array_equal(nabla_b, [4])


def test_rows_and_columns_by_hand(ops):
    """Stride and padding apply to rows first, then columns; the remainder is dropped."""
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    one = np.ones((1, 1, 1, 1))
    z = ops.conv_forward(x, one, np.zeros(1), stride=(2, 3))
    assert np.array_equal(z, [[[[0, 3], [8, 11]]]])
    z = ops.conv_forward(x, one, np.zeros(1), stride=(1, 3), padding=(1, 0))
    assert np.array_equal(z, [[[[0, 0], [0, 3], [4, 7], [8, 11], [0, 0]]]])
    dx, _, _ = ops.conv_backward(np.ones((1, 1, 1, 2)), x, np.ones((1, 1, 3, 2)), stride=(2, 2))
    assert np.array_equal(dx, np.ones((1, 1, 3, 4)))
    cols = ops.im2col(np.arange(8.0).reshape(1, 2, 2, 2), (1, 2))  # channel, then row, then column
    assert np.array_equal(cols, [[[[0, 1, 4, 5]], [[2, 3, 6, 7]]]])


def test_dx_only_on_demand(ops):
    rng = np.random.default_rng(0)
    x, w, dz = normal(rng, float, 3, 2, 5, 5), normal(rng, float, 4, 2, 2, 2), normal(
        rng, float, 3, 4, 4, 4)
    dx, nabla_w, nabla_b = ops.conv_backward(dz, x, w, need_dx=False)
    _, all_w, all_b = ops.conv_backward(dz, x, w)
    assert dx is None
    assert np.array_equal(nabla_w, all_w) and np.array_equal(nabla_b, all_b)


def test_layout_is_the_same_filters(ops):
    w = np.arange(24.0, dtype=np.float32).reshape(2, 3, 2, 2)
    again = ops.conv_layout(w)
    assert again.dtype == w.dtype and np.array_equal(again, w)
    assert again.transpose(0, 2, 3, 1).flags.c_contiguous == (ops.name == "numba")


def test_nan_is_handed_on(ops):
    x = np.ones((1, 1, 2, 3))
    x[0, 0, 0, 0] = np.nan
    z = ops.conv_forward(x, np.ones((1, 1, 2, 2)), np.zeros(1))
    assert np.array_equal(z, [[[[np.nan, 4]]]], equal_nan=True)


def test_no_examples(ops):
    none, w = np.ones((0, 2, 4, 4)), np.ones((3, 2, 2, 2))
    assert ops.im2col(none, (2, 2)).shape == (0, 3, 3, 8)
    z = ops.conv_forward(none, w, np.ones(3))
    assert z.shape == (0, 3, 3, 3)
    dx, nabla_w, nabla_b = ops.conv_backward(z, none, w)
    assert dx.shape == none.shape and not nabla_w.any() and not nabla_b.any()


X, W, B, DZ = np.ones((2, 3, 4, 5)), np.ones((6, 3, 2, 2)), np.ones(6), np.ones((2, 6, 3, 4))
DCOLS = np.ones((2, 3, 4, 12))


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.conv_forward(X[0], W, B), ValueError, ("x must", "(m, c, h, w)", "(3, 4, 5)")),
    (lambda ops: ops.conv_forward(X, W[0], B), ValueError, ("w must", "(f, c, kh, kw)")),
    (lambda ops: ops.conv_forward(X[:, :2], W, B), ValueError, ("x has 2", "w", "3")),
    (lambda ops: ops.conv_forward(X, W, B[:2]), ValueError, ("b must", "(6,)", "(2,)")),
    (lambda ops: ops.conv_forward(X.astype(int), W, B), TypeError, ("x must", "int64")),
    (lambda ops: ops.conv_forward(X.astype("f"), W, B), TypeError, ("w is float64", "x is float32")),
    (lambda ops: ops.conv_forward(X, W, B.astype("f")), TypeError, ("b is float32",)),
    (lambda ops: ops.conv_forward(X, W, B, (0, 1)), ValueError, ("stride 0", "at least 1")),
    (lambda ops: ops.conv_forward(X, W, B, (1, 1), (0, -1)), ValueError, ("padding -1",)),
    (lambda ops: ops.conv_forward(X, W, B, 2), TypeError, ("stride", "pair", "not 2")),
    (lambda ops: ops.conv_forward(X, W, B, (1, 1.5)), TypeError, ("stride", "1.5")),
    (lambda ops: ops.conv_forward(X, W, B, (1, 1), 1), TypeError, ("padding", "not 1")),
    (lambda ops: ops.conv_forward(X[:, :, :1], W, B), ValueError, ("kernel 2 x 2", "1 x 5")),
    (lambda ops: ops.conv_backward(DZ[..., 1:], X, W), ValueError, ("dz must", "(2, 6, 3, 4)")),
    (lambda ops: ops.conv_backward(DZ[:1], X, W), ValueError, ("dz must", "(1, 6, 3, 4)")),
    (lambda ops: ops.conv_backward(DZ.astype("f"), X, W), TypeError, ("dz is float32",)),
    (lambda ops: ops.conv_backward(DZ, X, W, 1), TypeError, ("stride", "pair")),
    (lambda ops: ops.im2col(X, 2), TypeError, ("kernel", "pair")),
    (lambda ops: ops.im2col(X, (9, 2)), ValueError, ("kernel 9 x 2",)),
    (lambda ops: ops.im2col(X[0], (2, 2)), ValueError, ("x must",)),
    (lambda ops: ops.im2col(X.astype(int), (2, 2)), TypeError, ("x must",)),
    (lambda ops: ops.col2im(DCOLS[..., 1:], X.shape, (2, 2)), ValueError, ("dcols must", "12)")),
    (lambda ops: ops.col2im(DCOLS.astype(int), X.shape, (2, 2)), TypeError, ("dcols must", "int64")),
    (lambda ops: ops.col2im(DCOLS, X.shape, 2), TypeError, ("kernel", "pair")),
])
def test_refuses(call, error, words):
    refuses(call, error, *words)
