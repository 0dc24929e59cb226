"""The activation functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.gradcheck import check_operation, spread
from tests.ops.checks import assert_agree, check_work, laid_out, left_alone, normal, refuses
from tests.strategies import dtypes, layouts, seeds, shapes

NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")
SCALED = ("leaky_relu", "elu")  # those with an alpha
ALPHAS = {"leaky_relu": 0.01, "elu": 1.0}  # what it is if left out


def forward(ops, name, z, *alpha, **work):
    return getattr(ops, f"{name}_forward")(z, *alpha, **work)


def backward(ops, name, da, a, z, *alpha, **work):
    """GELU's backward takes z, every other one a."""
    return getattr(ops, f"{name}_backward")(da, z if name == "gelu" else a, *alpha, **work)


@pytest.mark.parametrize("name", NAMES)
@given(shape=shapes(most=3), alpha=st.floats(0.05, 0.95), seed=seeds)
def test_gradient_of_every_index(ops, name, shape, alpha, seed):
    alphas = (alpha,) if name in SCALED else ()
    check_operation(lambda z: forward(ops, name, z, *alphas),
                    lambda da, a, z: backward(ops, name, da, a, z, *alphas),
                    z=spread(np.random.default_rng(seed), shape, largest=4.0))


@pytest.mark.parametrize("name", ("linear", *NAMES))
@pytest.mark.parametrize("alpha", [0.25, 0.75])
def test_gradient_by_name(ops, name, alpha):
    check_operation(lambda z: ops.activation_forward(z, name, alpha),
                    lambda da, a, z: ops.activation_backward(da, a, z, name, alpha),
                    z=spread(np.random.default_rng(1), (2, 3, 4), largest=3.0))


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


def test_linear_is_no_activation(ops):
    z, da = np.array([[1.0, -2]]), np.array([[3.0, 4]])
    assert np.array_equal(ops.activation_forward(z, "linear"), z)
    assert np.array_equal(ops.activation_backward(da, z, None, "linear"), da)


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


@pytest.mark.parametrize("name", NAMES)
def test_by_hand(ops, name):
    z = np.array([-1.0, 0, 2])
    a = forward(ops, name, z)
    assert np.allclose(a, [value for value, _ in BY_HAND[name]], rtol=0, atol=1e-15)
    slopes = backward(ops, name, np.ones(3), a, z)
    assert np.allclose(slopes, [slope for _, slope in BY_HAND[name]], rtol=0, atol=1e-15)


def test_alpha_counts(ops):
    z = np.array([-1.0, 2])
    assert np.array_equal(ops.leaky_relu_forward(z, 0.5), [-0.5, 2])
    assert np.array_equal(ops.leaky_relu_backward(np.array([3.0, 3]), z, 0.5), [1.5, 3])
    assert np.allclose(ops.elu_forward(z, 2.0), [2 * np.expm1(-1), 2], rtol=1e-15)
    assert np.array_equal(ops.elu_backward(np.array([3.0, 3]), np.array([-1.5, 2]), 2.0), [1.5, 3])


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


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "gelu", "elu"])
def test_backward_hands_nan_on(ops, name):
    """relu and leaky_relu cannot: they only compare."""
    nan = np.array([np.nan])
    assert np.isnan(backward(ops, name, np.ones(1), nan, nan)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (1, 1), (0, 2, 3, 3)])
def test_few_or_no_numbers(ops, name, shape):
    z = np.ones(shape)
    a = forward(ops, name, z)
    assert a.shape == backward(ops, name, z, a, z).shape == shape


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
