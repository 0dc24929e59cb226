"""The gradient check itself: it passes what is right and names what is wrong.

Its checks of layers and of whole networks are tested where those are.
"""

import re

import numpy as np
import pytest
from hypothesis import given

from nndl.gradcheck import (
    GradientError,
    central_difference,
    check_arrays,
    check_operation,
    relative_error,
    slope,
    spread,
)
from tests.strategies import seeds, shapes


def cube(x):
    return x**3


def cube_backward(d_out, out, x):
    return d_out * 3 * x**2


def inputs(*shape):
    return np.random.default_rng(0).normal(size=shape)


def test_relative_error():
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.ones(3), np.ones(3)) == 0
    assert relative_error(np.array([3.0, 4]), np.zeros(2)) == 1
    assert relative_error(np.array([1.0]), np.array([-1.0])) == 1
    assert relative_error(np.array([[3.0]]), np.array([[1.0]])) == 0.5
    assert np.isnan(relative_error(np.array([np.nan]), np.array([1.0])))


def test_central_difference_of_a_known_function():
    x = np.array([[0.5, -2], [0, 300]])
    numeric = central_difference(lambda: np.sin(x), x)
    assert numeric.shape == x.shape
    assert np.allclose(numeric, np.cos(x), rtol=0, atol=1e-6)
    weights = np.array([[1.0, 2], [-3, 0]])
    assert np.allclose(central_difference(lambda: x**2, x, weights), 2 * x * weights, rtol=1e-9,
                       atol=1e-9)
    assert np.array_equal(x, [[0.5, -2], [0, 300]])  # put back, bit for bit


def test_central_difference_of_a_number():
    x = np.array(3.0)  # no axes, and f returns a plain float
    assert np.isclose(central_difference(lambda: float(x) ** 2, x), 6)
    assert central_difference(lambda: 1.0, np.zeros((0, 2))).shape == (0, 2)


def test_a_quadratic_has_no_error_but_rounding():
    """Two-sided: the second derivative cancels.  One-sided, this would be off by the step, 1e-5."""
    x = np.array([2.0])
    assert np.isclose(central_difference(lambda: x**2, x), 4, rtol=0, atol=1e-10)


def test_slope_along_a_direction():
    x = np.array([1.0, 2])
    assert np.isclose(slope(lambda: x**2, x, np.array([1.0, -1]), np.array([1.0, 10])), 2 - 40)
    out = np.empty(2)  # a buffer that is used again
    assert np.isclose(slope(lambda: np.multiply(x, x, out=out), x, np.array([0.0, 1])), 4)


@given(shape=shapes(), seed=seeds)
def test_spread_numbers_are_apart_and_not_zero(shape, seed):
    x = spread(np.random.default_rng(seed), shape)
    assert x.shape == shape
    apart = np.diff(np.sort(x, axis=None))
    assert np.all(apart > 1.9 * 2 / x.size) and np.all(abs(x) >= 1 / x.size) and np.all(abs(x) <= 2)


def test_passes_a_right_operation():
    errors = check_operation(cube, cube_backward, x=inputs(3, 4))
    assert set(errors) == {"x"} and 0 < errors["x"] < 1e-9

    def backward(d_out, out, a, b):
        assert out[1] == "remembered"
        return d_out @ b.T, a.T @ d_out

    errors = check_operation(lambda a, b: (a @ b, "remembered"), backward, a=inputs(2, 3),
                             b=inputs(3, 4))
    assert set(errors) == {"a", "b"}


def test_leaves_the_inputs_as_they_are():
    x = inputs(3, 4)
    before = x.tobytes()
    check_operation(cube, cube_backward, x=x)
    assert x.tobytes() == before


def test_none_is_not_checked():
    errors = check_operation(lambda a, b: a * b, lambda d, out, a, b: (None, d * a),
                             a=inputs(3), b=inputs(3))
    assert set(errors) == {"b"}


def test_the_weights_are_random():
    """With ones softmax's gradient is 0, and a backward of zeros would pass."""
    def softmax(z):
        e = np.exp(z)
        return e / e.sum()

    with pytest.raises(GradientError):
        check_operation(softmax, lambda d, out, z: 0 * z, z=inputs(4))


@pytest.mark.parametrize("backward", [
    lambda d, out, x: -d * 3 * x**2,
    lambda d, out, x: d * 3 * x,
    lambda d, out, x: d * 3.000002 * x**2,
    lambda d, out, x: 3 * x**2,
    lambda d, out, x: np.zeros_like(x),
    lambda d, out, x: (d * 3 * x**2)[:, ::-1],
])
def test_refuses_a_subtly_wrong_one(backward):
    with pytest.raises(GradientError, match="the gradient of x is wrong"):
        check_operation(cube, backward, x=inputs(3, 4))


def test_names_the_array_the_index_and_both_numbers():
    a, x = inputs(2), np.arange(12.0).reshape(3, 4)
    wrong = np.full((3, 4), 2.0)
    wrong[1, 2] = 2.5
    right = {"a": np.zeros(2), "x": wrong}
    with pytest.raises(GradientError) as caught:
        check_arrays(lambda: np.sum(2 * x), {"a": a, "x": x}, right)
    message = str(caught.value)
    assert "the gradient of x" in message and "x[1, 2]" in message and "analytic 2.5" in message
    numeric = float(re.search(r"numerical ([\d.]+)", message)[1])
    assert abs(numeric - 2) < 1e-6


def test_one_wrong_index_among_many_is_enough():
    """A hundred large gradients hide a small error in one from the norm, but not from its own check."""
    x = np.random.default_rng(0).normal(size=(10, 10))

    def backward(d, out, x):
        dx = d * 1000 * np.ones_like(x)
        dx[7, 3] *= 1 + 3e-6
        return dx

    with pytest.raises(GradientError, match=r"x\[7, 3\]"):
        check_operation(lambda x: 1000 * x, backward, x=x)


def test_small_gradients_are_held_to_the_norm():
    """Each index is within 1e-6, but the array as a whole is off."""
    with pytest.raises(GradientError, match="relative error"):
        check_operation(lambda x: 1e-7 * x, lambda d, out, x: 2e-7 * d, x=inputs(5))


def test_refuses_another_shape():
    with pytest.raises(GradientError, match=r"gradient of x has shape \(4, 3\), but x has \(3, 4\)"):
        check_operation(cube, lambda d, out, x: cube_backward(d, out, x).T, x=inputs(3, 4))
    with pytest.raises(GradientError, match="shape"):
        check_operation(cube, lambda d, out, x: cube_backward(d, out, x).sum(axis=0), x=inputs(3, 4))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_nan(bad):
    def backward(d, out, x):
        dx = cube_backward(d, out, x)
        dx[2, 1] = bad
        return dx

    with np.errstate(invalid="ignore"), pytest.raises(GradientError, match=r"x\[2, 1\]"):
        check_operation(cube, backward, x=inputs(3, 4))
    with pytest.raises(GradientError):
        check_operation(lambda x: x * np.nan, lambda d, out, x: d, x=inputs(3))


def test_a_forgotten_gradient_is_not_a_checked_one():
    with pytest.raises(TypeError, match=r"1 gradients for 2 inputs \(a, b\)"):
        check_operation(lambda a, b: a * b, lambda d, out, a, b: (d * b,), a=inputs(3), b=inputs(3))
    with pytest.raises(TypeError, match="1 gradients for 2 inputs"):
        check_operation(lambda a, b: a * b, lambda d, out, a, b: d * b, a=inputs(3), b=inputs(3))


def test_a_kink_within_the_step_is_no_error():
    """Nearer by, ReLU is straight."""
    def relu(x):
        return np.maximum(x, 0)

    def backward(d, out, x):
        return d * (x > 0)

    for near in (3e-6, -3e-6):
        errors = check_operation(relu, backward, x=np.array([near, 1, -1]))
        assert errors["x"] < 1e-7
    with pytest.raises(GradientError, match=r"x\[0\]"):  # beside the kink, but wrong from nearby too
        check_operation(relu, lambda d, out, x: d * (x > 1e-5), x=np.array([3e-6, 1, -1]))


def test_only_float64():
    x = inputs(3).astype(np.float32)
    with pytest.raises(TypeError, match="x must be float64.*not float32"):
        check_operation(cube, cube_backward, x=x)
    with pytest.raises(TypeError, match="x must be float64"):
        check_arrays(lambda: 0.0, {"x": np.arange(3)}, {"x": np.zeros(3)})
