"""The costs: the book's numbers, gradients through every output layer, and saturated outputs."""

import warnings

import numpy as np
import pytest

from nndl import (
    CrossEntropyCost,
    Dense,
    Layer,
    LogLikelihoodCost,
    Network,
    QuadraticCost,
    Sigmoid,
    Softmax,
    Tanh,
    costs,
)
from nndl.gradcheck import GradientError, check_network

BACKENDS = ("numpy", "numba")
OUTPUTS = {
    "sigmoid, cross-entropy": (Sigmoid, CrossEntropyCost),
    "sigmoid, quadratic": (Sigmoid, QuadraticCost),
    "sigmoid, log-likelihood": (Sigmoid, LogLikelihoodCost),
    "softmax, log-likelihood": (Softmax, LogLikelihoodCost),
    "softmax, quadratic": (Softmax, QuadraticCost),
    "softmax, cross-entropy": (Softmax, CrossEntropyCost),
    "tanh, quadratic": (Tanh, QuadraticCost),
    "linear, quadratic": (None, QuadraticCost),
}


def tiny_network(output, cost, backend="numpy", hidden=(), **options):
    layers = [*hidden, Dense(4)] + ([output()] if output else [])
    return Network(layers, cost, input_shape=(5,), backend=backend, dtype="float64", **options)


def examples(desired="labels", m=6, n_out=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, 5))
    if desired == "labels":
        return x, rng.integers(0, n_out, m)
    return x, rng.random((m, n_out))


# --- gradients ------------------------------------------------------------------------------------

@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("hidden", [(), (Dense(3), Tanh())], ids=["alone", "behind a hidden layer"])
@pytest.mark.parametrize("output, cost", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_delta_is_the_gradient_of_fn_through_the_output_layer(output, cost, hidden, backend):
    net = tiny_network(output, cost, backend, [layer.clone() for layer in hidden])
    errors = check_network(net, *examples())
    assert len(errors) == 2 * (1 + bool(hidden))


@pytest.mark.parametrize("output, cost", [OUTPUTS["sigmoid, cross-entropy"],
                                          OUTPUTS["sigmoid, quadratic"],
                                          OUTPUTS["linear, quadratic"]])
def test_desired_outputs_between_0_and_1_are_differentiated_too(output, cost):
    check_network(tiny_network(output, cost), *examples("outputs"))


def test_softmax_and_log_likelihood_differentiate_a_desired_distribution():
    x, y = examples("outputs")
    check_network(tiny_network(Softmax, LogLikelihoodCost), x, y / y.sum(axis=1, keepdims=True))


def test_the_companions_start_from_a_minus_y():
    x, y = examples()
    for output, cost in ((Sigmoid, CrossEntropyCost), (Softmax, LogLikelihoodCost)):
        net = tiny_network(output, cost)
        delta = net.feedforward(x) - np.eye(4)[y]           # book (66), (84)
        nabla_b, nabla_w = net.backprop(x, y)
        np.testing.assert_allclose(nabla_b[0], delta.sum(axis=0), rtol=0, atol=1e-14)
        np.testing.assert_allclose(nabla_w[0], delta.T @ x, rtol=0, atol=1e-13)  # book (67)


def test_a_cost_with_a_wrong_gradient_fails():
    class Flipped(QuadraticCost):
        def gradient(self, a, y):
            return y - a

    with pytest.raises(GradientError, match=r"gradient of 0.w is wrong.*numerical .*analytic"):
        check_network(tiny_network(Sigmoid, Flipped), *examples())


def test_a_cost_of_ones_own_needs_fn_and_gradient():
    class Fourth(costs.Cost):
        name = "fourth"

        def fn(self, a, y):
            return float(((a - y) ** 4).sum() / len(a))

        def gradient(self, a, y):
            return 4 * (a - y) ** 3

    for output in (Sigmoid, Softmax, Tanh):
        check_network(tiny_network(output, Fourth()), *examples())


# --- the book's equations, by hand ----------------------------------------------------------------

A = np.array([[0.5, 0.25], [0.8, 0.2]])
Y = np.array([[1.0, 0.0], [0.0, 1.0]])


def test_quadratic_cost_by_hand():
    # (6): 1/(2n) of the squared distances, 0.25 + 0.0625 and 0.64 + 0.64, n = 2
    assert QuadraticCost().fn(A, Y) == pytest.approx((0.3125 + 1.28) / 4, rel=1e-15)
    np.testing.assert_array_equal(QuadraticCost().gradient(A, Y), A - Y)


def test_cross_entropy_by_hand():
    # (63): -(ln 0.5 + ln 0.75) and -(ln 0.2 + ln 0.2)
    expected = -(np.log(0.5) + np.log(0.75) + 2 * np.log(0.2)) / 2
    assert CrossEntropyCost().fn(A, Y) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(CrossEntropyCost().gradient(A, Y),
                               [[-1 / 0.5, 1 / 0.75], [1 / 0.2, -1 / 0.2]], rtol=1e-14)


def test_log_likelihood_by_hand():
    # (80): -ln 0.5 and -ln 0.2
    assert LogLikelihoodCost().fn(A, Y) == pytest.approx(-np.log(0.5 * 0.2) / 2, rel=1e-15)
    np.testing.assert_allclose(LogLikelihoodCost().gradient(A, Y), [[-2, 0], [0, -5]], rtol=1e-15)


def test_a_perfect_answer_costs_nothing():
    for cost in (QuadraticCost(), CrossEntropyCost(), LogLikelihoodCost()):
        for dtype in (np.float32, np.float64):
            assert cost.fn(Y.astype(dtype), Y.astype(dtype)) == pytest.approx(0, abs=1e-6)


def test_the_single_neuron_of_chapter_3():
    # Weight 0.6, bias 0.9, input 1 and desired output 0: the book's first output is 0.82.
    net = Network([Dense(1), Sigmoid()], "quadratic", input_shape=(1,), backend="numpy",
                  dtype="float64")
    net.layers[0].w[...], net.layers[0].b[...] = 0.6, 0.9
    x, y = np.ones((1, 1)), np.zeros((1, 1))
    a = 1 / (1 + np.exp(-1.5))
    assert round(float(net.feedforward(x)[0, 0]), 2) == 0.82
    nabla_b, nabla_w = net.backprop(x, y)
    assert nabla_w[0][0, 0] == pytest.approx(a * a * (1 - a), rel=1e-14)  # (55)
    assert nabla_b[0][0] == pytest.approx(a * a * (1 - a), rel=1e-14)     # (56)
    net.cost = CrossEntropyCost()
    nabla_b, nabla_w = net.backprop(x, y)
    assert nabla_w[0][0, 0] == pytest.approx(a, rel=1e-14)                # (61)
    assert nabla_b[0][0] == pytest.approx(a, rel=1e-14)                   # (62)


# --- saturated outputs ----------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cost", [QuadraticCost(), CrossEntropyCost(), LogLikelihoodCost()])
def test_outputs_of_0_and_1_cost_much_but_no_infinity(cost, dtype):
    a = np.array([[0, 1], [1, 0], [0, 0], [1, 1]], dtype)
    y = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype)
    before = a.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradient = cost.fn(a, y), cost.gradient(a, y)
    assert np.isfinite(value) and value > 0
    if not isinstance(cost, QuadraticCost):
        assert value > 15  # nats: wrong to the last bit
    assert np.all(np.isfinite(gradient)) and gradient.dtype == dtype
    np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output, cost", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_a_saturated_network_has_finite_costs_and_gradients(output, cost, dtype, backend):
    layers = [Dense(4)] + ([output()] if output else [])
    net = Network(layers, cost, input_shape=(5,), backend=backend, dtype=dtype)
    net.layers[0].w[...] *= 1e4
    x, y = examples(m=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(net.cost_of(x, y))
        nabla_b, nabla_w = net.backprop(x, y)
    assert np.all(np.isfinite(nabla_b[0])) and np.all(np.isfinite(nabla_w[0]))


# --- names ----------------------------------------------------------------------------------------

def test_costs_go_by_name_class_or_object():
    for name, kind in costs.COSTS.items():
        mine = kind()
        assert isinstance(costs.by_name(name), kind) and isinstance(costs.by_name(kind), kind)
        assert costs.by_name(mine) is mine
        assert mine.name == name


@pytest.mark.parametrize("cost", ["crossentropy", 3, None, [], Layer()])
def test_an_unknown_cost_is_refused_with_those_there_are(cost):
    with pytest.raises(ValueError, match="cost must be one of quadratic, cross_entropy, "
                                         "log_likelihood or an object with fn and delta, not "):
        costs.by_name(cost)


@pytest.mark.parametrize("layers, name", [
    ([Dense(4), Softmax()], "log_likelihood"), ([Dense(4), Sigmoid()], "cross_entropy"),
    ([Dense(4), Tanh()], "quadratic"), ([Dense(4)], "quadratic"),
])
def test_a_network_takes_the_output_layers_companion(layers, name):
    assert Network(layers, input_shape=(5,)).cost.name == name
