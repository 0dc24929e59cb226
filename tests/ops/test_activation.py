"""The activation functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, ndtr

from nndl.gradcheck import check_operation, spread
from nndl.ops import activation_numba
from nndl.ops.activation_numba import BACKWARD, FORWARD, SCALED
from tests.ops.checks import (
    assert_agree,
    check_work,
    laid_out,
    left_alone,
    normal,
    refuses,
)
from tests.strategies import dtypes, layouts, seeds, shapes

both_ways = pytest.mark.usefixtures("sharing")

NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")
ALPHAS = {"leaky_relu": 0.01, "elu": 1.0}  # what it is if left out


def forward(ops, name, z, *alpha, **work):
    return getattr(ops, f"{name}_forward")(z, *alpha, **work)


def backward(ops, name, da, a, z, *alpha, **work):
    """GELU's backward takes z, every other one a."""
    return getattr(ops, f"{name}_backward")(da, z if name == "gelu" else a, *alpha, **work)


@both_ways
@pytest.mark.parametrize("name", NAMES)
@given(shape=shapes(most=3), alpha=st.floats(0.05, 0.95), seed=seeds)
def test_gradient_of_every_index(ops, name, shape, alpha, seed):
    alphas = (alpha,) if name in SCALED else ()
    check_operation(lambda z: forward(ops, name, z, *alphas),
                    lambda da, a, z: backward(ops, name, da, a, z, *alphas),
                    z=spread(np.random.default_rng(seed), shape, largest=4.0))


@both_ways
@pytest.mark.parametrize("name", ("linear", *NAMES))
@pytest.mark.parametrize("alpha", [0.25, 0.75])
def test_gradient_by_name(ops, name, alpha):
    check_operation(lambda z: ops.activation_forward(z, name, alpha),
                    lambda da, a, z: ops.activation_backward(da, a, z, name, alpha),
                    z=spread(np.random.default_rng(1), (2, 3, 4), largest=3.0))


@both_ways
@pytest.mark.parametrize("name", NAMES)
@given(shape=shapes(most=7), dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, name, shape, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    z = laid_out(4 * normal(rng, dtype, *shape), layout)
    da = laid_out(normal(rng, dtype, *shape), layout)
    a = forward(reference, name, z)
    with left_alone(z, da, a):
        got = forward(fast, name, z), backward(fast, name, da, a, z)
    assert_agree(got[0], a, 1 + abs(z), dtype)
    assert_agree(got[1], backward(reference, name, da, a, z), abs(da) * (1 + abs(a)), dtype)


@both_ways
@pytest.mark.parametrize("name", NAMES)
def test_by_name_is_the_same(ops, name):
    rng = np.random.default_rng(0)
    z, da = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    alpha = ALPHAS.get(name, 0.0)
    a = forward(ops, name, z)
    assert np.array_equal(ops.activation_forward(z, name, alpha), a)
    needed = z if name == "gelu" else None  # the others may not look at it
    assert np.array_equal(ops.activation_backward(da, a, needed, name, alpha),
                          backward(ops, name, da, a, z))


@pytest.mark.parametrize("name", NAMES)
def test_few_numbers_are_left_to_the_calling_thread(fast, monkeypatch, name):
    """Few is said for each kind."""
    used = []
    for table, way in ((FORWARD, "forward"), (BACKWARD, "backward")):
        monkeypatch.setitem(table, name, [lambda *_, word=f"{way} {how}": used.append(word)
                                          for how in ("few", "many")])
    monkeypatch.setattr(activation_numba, "FEW", {kind: 99 if kind != name else 5 for kind in FORWARD})
    for n in (5, 6):
        z = np.ones((n, 1))
        backward(fast, name, z, forward(fast, name, z), z)
    assert used == ["forward few", "backward few", "forward many", "backward many"]


def test_linear_is_no_activation(ops):
    z, da = np.array([[1.0, -2]]), np.array([[3.0, 4]])
    assert np.array_equal(ops.activation_forward(z, "linear"), z)
    assert np.array_equal(ops.activation_backward(da, z, None, "linear"), da)


@both_ways
@pytest.mark.parametrize("name", NAMES)
def test_work(ops, name):
    rng = np.random.default_rng(0)

    def run(arrays, work):
        z, da = arrays
        a = forward(ops, name, z, work=work)
        return a, backward(ops, name, da, a, z, work=work)

    for rest in ((7,), (3, 2, 5)):
        check_work(run, lambda m, rest=rest: (normal(rng, float, m, *rest),
                                              normal(rng, float, m, *rest)), [5, 2, 11, 1])


@both_ways
def test_what_is_remembered_is_for_these_arrays_and_this_alpha(ops):
    z, da, work = np.array([-1.0, 2]), np.array([3.0, 4]), {}
    for slope in (0.5, 0.5, 0.25):
        assert np.array_equal(ops.leaky_relu_forward(z, slope, work), [-slope, 2])
    for a, slope in ((z, 0.5), (z, 0.25), (-z, 0.25)):
        expected = np.where(a > 0, da, slope * da)
        assert np.array_equal(ops.leaky_relu_backward(da, a, slope, work), expected)
        da *= 2  # the same array, with other numbers
        assert np.array_equal(ops.leaky_relu_backward(da, a, slope, work), 2 * expected)
    assert np.array_equal(ops.leaky_relu_backward(-da, a, slope, work), -2 * expected)


@both_ways
def test_what_is_remembered_is_for_this_function(ops):
    z, da, work = np.array([-1.0, 2]), np.array([3.0, 4]), {}
    for name in NAMES:
        for alpha in (0.5, 0.25):
            a = ops.activation_forward(z, name, alpha)
            assert np.array_equal(ops.activation_forward(z, name, alpha, work), a)
            assert np.array_equal(ops.activation_backward(da, z, z, name, alpha, work),
                                  ops.activation_backward(da, z, z, name, alpha))


# a and the slope at z = -1, 0 and 2, by hand from the definitions.
BY_HAND = {
    "sigmoid": [(0.2689414213699951, 0.19661193324148185), (0.5, 0.25),
                (0.8807970779778823, 0.10499358540350662)],
    "tanh": [(-0.7615941559557649, 0.41997434161402614), (0, 1),
             (0.9640275800758169, 0.07065082485316443)],
    "relu": [(0, 0), (0, 0), (2, 1)],
    "leaky_relu": [(-0.01, 0.01), (0, 0.01), (2, 1)],
    "elu": [(-0.6321205588285577, 0.36787944117144233), (0, 1), (2, 1)],
    # z Phi(z); Phi(-1) = 0.158655..., Phi(2) = 0.977249..., phi(1) = 0.241970..., phi(2) = 0.053990...
    "gelu": [(-0.15865525393145707, 0.15865525393145707 - 0.24197072451914337), (0, 0.5),
             (1.9544997361036416, 0.9772498680518208 + 2 * 0.05399096651318806)],
}


@both_ways
@pytest.mark.parametrize("name", NAMES)
def test_by_hand(ops, name):
    z = np.array([-1.0, 0, 2])
    a = forward(ops, name, z)
    assert np.allclose(a, [value for value, _ in BY_HAND[name]], rtol=0, atol=1e-15)
    slopes = backward(ops, name, np.ones(3), a, z)
    assert np.allclose(slopes, [slope for _, slope in BY_HAND[name]], rtol=0, atol=1e-15)


@both_ways
def test_alpha_counts(ops):
    z = np.array([-1.0, 2])
    assert np.array_equal(ops.leaky_relu_forward(z, 0.5), [-0.5, 2])
    assert np.array_equal(ops.leaky_relu_backward(np.array([3.0, 3]), z, 0.5), [1.5, 3])
    assert np.allclose(ops.elu_forward(z, 2.0), [2 * np.expm1(-1), 2], rtol=1e-15)
    assert np.array_equal(ops.elu_backward(np.array([3.0, 3]), np.array([-1.5, 2]), 2.0), [1.5, 3])


@both_ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_at_zero(ops, dtype):
    z = np.array([0.0, -0.0, np.finfo(dtype).smallest_subnormal], dtype)
    a = ops.relu_forward(z)
    assert np.array_equal(a, [0, 0, z[2]])
    assert np.array_equal(ops.relu_backward(np.ones(3, dtype), a), [0, 0, 1])


INF = np.inf
MAX = {np.float32: np.finfo(np.float32).max, np.float64: np.finfo(np.float64).max}
# (a, slope) at -infinity, at the largest negative number, at -0, 0, the largest number, infinity.
LIMITS = {
    "sigmoid": ([0, 0, 0.5, 0.5, 1, 1], [0, 0, 0.25, 0.25, 0, 0]),
    "tanh": ([-1, -1, 0, 0, 1, 1], [0, 0, 1, 1, 0, 0]),
    "relu": ([0, 0, 0, 0, "max", INF], [0, 0, 0, 0, 1, 1]),
    "leaky_relu": ([-INF, "-max/100", 0, 0, "max", INF], [0.01, 0.01, 0.01, 0.01, 1, 1]),
    "elu": ([-1, -1, 0, 0, "max", INF], [0, 0, 1, 1, 1, 1]),
    "gelu": ([0, 0, 0, 0, "max", INF], [0, 0, 0.5, 0.5, 1, 1]),
}


@both_ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_no_float_warns_or_overflows(ops, name, dtype):
    """Warnings are errors here.  NaN comes out as NaN, and as nothing else does."""
    number, largest = dtype, MAX[dtype]
    words = {"max": largest, "-max/100": -largest * number(0.01)}
    z = np.array([-INF, -largest, -0.0, 0, largest, INF], dtype)
    values, slopes = ([words.get(x, x) for x in column] for column in LIMITS[name])
    a = forward(ops, name, z)
    assert a.dtype == dtype
    assert np.array_equal(a, np.array(values, dtype))
    for da in (1, 0, -3):
        dz = backward(ops, name, np.full(z.shape, da, dtype), a, z)
        assert dz.dtype == dtype
        assert np.array_equal(dz, da * np.array(slopes, dtype))

    nan = np.array([np.nan, 1], dtype)
    assert list(np.isnan(forward(ops, name, nan))) == [True, False]

    few = np.array([np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal, 41, 39, 89, 710], dtype)
    for some in (few, -few):
        a = forward(ops, name, some)
        dz = backward(ops, name, np.ones(some.shape, dtype), a, some)
        assert np.all(np.isfinite(a)) and np.all(np.isfinite(dz))
        assert np.all(abs(a) <= np.maximum(abs(some), 1))


@both_ways
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "gelu", "elu"])
def test_backward_hands_nan_on(ops, name):
    """relu and leaky_relu cannot: they only compare."""
    nan = np.array([np.nan])
    assert np.isnan(backward(ops, name, np.ones(1), nan, nan)).all()


@both_ways
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (1, 1), (0, 2, 3, 3)])
def test_few_or_no_numbers(ops, name, shape):
    z = np.ones(shape)
    a = forward(ops, name, z)
    assert a.shape == backward(ops, name, z, a, z).shape == shape


def density(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


# In float64 from SciPy's functions; for gelu the slope, too, which is not read off a.
EXACT = {
    "sigmoid": expit,
    "tanh": np.tanh,
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: z * ndtr(z),
    "gelu's slope": lambda z: ndtr(z) + z * density(z),
}
# What may be wrong, in units of the last place of 1: for any z, and relative to the exact value.
# The relative error of e^(-z²/2) grows with z² / 2, which is itself rounded, in SciPy's ndtr, too.
ERROR = {"sigmoid": (1.5, 2.5), "tanh": (2, 3), "elu": (1, 2), "gelu": (6, 8),
         "gelu's slope": (5, None)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("what", EXACT)
def test_numba_is_exact_to_the_last_digits(fast, what, dtype):
    far, small = (13, 1e-30) if dtype == np.float32 else (37, 1e-280)
    near_zero = np.geomspace(small, 1, 20_001)
    z = np.concatenate([np.linspace(-5, 5, 200_001), np.linspace(-far, 2 * far, 200_001),
                        near_zero, -near_zero]).astype(dtype)
    slope = what.startswith("gelu's")
    got = fast.gelu_backward(np.ones_like(z), z) if slope else forward(fast, what, z)
    assert got.dtype == dtype
    eps, exact = np.finfo(dtype).eps, EXACT[what](z.astype(float))
    off = abs(got - exact)
    absolute, relative = ERROR[what]
    assert np.all(off <= absolute * eps * np.maximum(1, abs(exact)))
    if relative:
        relative = relative + 2 * z.astype(float)**2 if what == "gelu" else relative
        assert np.all(off <= relative * eps * abs(exact))


@both_ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_is_odd_and_near_zero_the_identity(fast, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    z = np.array([0, tiny, 1000 * tiny, np.finfo(dtype).tiny, 1e-9, 0.3, 1, 8.5, np.inf], dtype)
    a = fast.tanh_forward(z)
    assert np.array_equal(a[:4], z[:4])
    assert fast.tanh_forward(-z).tobytes() == (-a).tobytes()  # the sign of zero, too


def some_of_all_kinds(dtype):
    """Numbers of every size, the special ones among them, more than are computed in one run."""
    rng = np.random.default_rng(0)
    special = [0, -0.0, np.inf, -np.inf, np.nan, 1e-42, -1e-42, 1e30, -1e30, 87.5, -87.5, -103, -709.5]
    z = np.concatenate([special, rng.normal(size=1024), 50 * rng.normal(size=1024)]).astype(dtype)
    return rng.permutation(z), rng.normal(size=z.size).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORWARD)
def test_in_place_is_the_same(name, dtype):
    z, da = some_of_all_kinds(dtype)
    alpha, (apply, _), (chain, _) = [dtype(0.5)] * (name in SCALED), FORWARD[name], BACKWARD[name]
    a, dz = np.empty_like(z), np.empty_like(z)
    with left_alone(z, da):
        apply(z, *alpha, a)
        chain(da, z if name == "gelu" else a, *alpha, dz)
    z_too, dz_too = z.copy(), da.copy()
    apply(z_too, *alpha, z_too)
    chain(dz_too, z if name == "gelu" else a, *alpha, dz_too)
    assert z_too.tobytes() == a.tobytes() and dz_too.tobytes() == dz.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORWARD)
def test_a_number_gives_the_same_bits_wherever_it_stands(name, dtype):
    """Not so if the last few of a run, which fill no vector, were computed another way."""
    z, da = some_of_all_kinds(dtype)
    alpha, (apply, _), (chain, _) = [dtype(0.5)] * (name in SCALED), FORWARD[name], BACKWARD[name]
    a, dz = np.empty_like(z), np.empty_like(z)
    apply(z, *alpha, a)
    chain(da, z, *alpha, dz)
    for offset in range(71):
        for end in (offset + 1, offset + 7, 1024 - 1, z.size):
            part = slice(offset, end)
            one, two = np.empty_like(z[part]), np.empty_like(z[part])
            apply(z[part], *alpha, one)
            chain(da[part], z[part], *alpha, two)
            assert one.tobytes() == a[part].tobytes() and two.tobytes() == dz[part].tobytes()


THREE, TWO = np.ones(3), np.ones(2)


@pytest.mark.parametrize("name", NAMES)
def test_refuses(name):
    refuses(lambda ops: forward(ops, name, np.ones(3, int)), TypeError, "z must be float", "int64")
    word = "z" if name == "gelu" else "a"
    refuses(lambda ops: backward(ops, name, THREE, TWO, TWO), ValueError, f"{word} has shape (2,)",
            "da has (3,)")
    single = THREE.astype("f")
    refuses(lambda ops: backward(ops, name, THREE, single, single), TypeError, f"{word} is float32",
            "da is float64")
    refuses(lambda ops: backward(ops, name, np.ones(3, int), THREE, THREE), TypeError, "da must be")


def test_refuses_an_unknown_name():
    refuses(lambda ops: ops.activation_forward(THREE, "swish"), ValueError, "activation", "'swish'",
            "gelu")
    refuses(lambda ops: ops.activation_backward(THREE, THREE, THREE, "swish"), ValueError, "'swish'")
