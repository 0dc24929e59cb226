"""The network: its gradient as a whole, stochastic gradient descent by hand, and what it promises."""

import io
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import nndl
from nndl import (
    ELU,
    GELU,
    Conv,
    ConvPool,
    Dense,
    Diverged,
    Dropout,
    Flatten,
    L2Pool,
    Last,
    Layer,
    LeakyReLU,
    MaxPool,
    Network,
    Recurrent,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    backends,
    load_mnist,
    network,
)
from nndl.cli import book_network
from nndl.gradcheck import EVERY_INDEX, GradientError, check_network
from nndl.progress import Progress

BACKENDS = ("numpy", "numba")


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def few(dataset, n):
    return dataset.images[:n], dataset.labels[:n]


def parameters(net):
    return [getattr(layer, name) for layer in net.layers for name in layer.parameters]


def bits(net):
    return [np.ascontiguousarray(array).tobytes() for array in parameters(net)]


def small_data(m=6, shape=(2, 8, 8), classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((m, *shape)), rng.integers(0, classes, m)


# Between them, all kinds of layers.
NETWORKS = {
    "convolutions": lambda: [Conv(3, 3, padding=1), Tanh(), MaxPool(), Conv(4, 2, stride=2),
                             LeakyReLU(0.2), Dense(5), ELU(), Dense(4), Softmax()],
    "units": lambda: [ConvPool(3, 3, "gelu"), ConvPool(4, 2, "relu"), Dense(4), Sigmoid()],
    "L2 pooling": lambda: [ConvPool(3, 3, "tanh", pool="l2", padding=1), Conv(2, 2), GELU(),
                           L2Pool(2, stride=1), Dense(4), Softmax()],
    "dropout": lambda: [Dropout(0.2), Dense(7), ReLU(), Dropout(0.5), Dense(6), Sigmoid(),
                        Dense(4), Softmax()],
    "behind layers without parameters": lambda: [MaxPool(), Sigmoid(), Flatten(), Dense(4), Tanh()],
}


def small_network(kind, backend, **options):
    options = {"input_shape": (2, 8, 8), "dtype": "float64"} | options
    return Network(NETWORKS[kind](), backend=backend, **options)


# --- the gradient as a whole ----------------------------------------------------------------------

@pytest.mark.parametrize("kind", NETWORKS)
def test_backprop_is_the_gradient_at_every_index(kind, backend):
    net = small_network(kind, backend)
    assert net.parameters <= EVERY_INDEX
    errors = check_network(net, *small_data())
    expected = {f"{n}.{name}" for n, layer in enumerate(net.layers) for name in layer.parameters}
    assert set(errors) == expected


def test_backprop_is_the_gradient_of_the_books_network(backend, mnist):
    net = book_network(backend=backend)
    assert net.parameters > EVERY_INDEX  # so that random directions are looked along
    errors = check_network(net, *few(mnist.training, 3), directions=3)
    assert set(errors) == {"0.w", "0.b", "1.w", "1.b", "3.w", "3.b", "5.w", "5.b"}


@pytest.mark.parametrize("hidden", [5, 1000])
def test_a_wrong_backward_in_the_middle_is_found(hidden):
    class Wrong(Sigmoid):
        def backward(self, da):
            return 1.001 * super().backward(da)

    net = Network([Dense(hidden), Wrong(), Dense(4), Softmax()], input_shape=(5,), backend="numpy")
    assert (net.parameters > EVERY_INDEX) == (hidden == 1000)
    with pytest.raises(GradientError, match=r"gradient of 0\.w is wrong, most of all "
                                            r".*numerical \S+, analytic \S+ "):
        check_network(net, *small_data(shape=(5,)))


def test_gradients_are_sums_over_the_mini_batch(backend):
    net = small_network("convolutions", backend)
    x, y = small_data()
    together = net.backprop(x, y)
    one_by_one = [net.backprop(x[i:i + 1], y[i:i + 1]) for i in range(len(x))]
    for side in (0, 1):
        for layer, gradient in enumerate(together[side]):
            total = sum(each[side][layer] for each in one_by_one)
            np.testing.assert_allclose(gradient, total, rtol=1e-11, atol=1e-13)


def test_backprop_hands_out_arrays_of_the_callers_own(backend):
    net = small_network("units", backend)
    x, y = small_data(m=12)
    first = [array for side in net.backprop(x[:6], y[:6]) for array in side]
    copies = [array.copy() for array in first]
    second = [array for side in net.backprop(x[6:], y[6:]) for array in side]
    net.update_mini_batch((x, y), eta=0.5)
    for one, copy, other in zip(first, copies, second):
        np.testing.assert_array_equal(one, copy)
        assert not np.shares_memory(one, other) and np.any(one != other)


def test_backprop_and_measuring_change_no_weight(backend):
    net = small_network("dropout", backend)
    x, y = small_data()
    before = bits(net)
    net.backprop(x, y)
    net.feedforward(x), net.accuracy((x, y)), net.total_cost((x, y), 0.1), net.cost_of(x, y)
    assert bits(net) == before


# --- both backends --------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", NETWORKS)
def test_numba_trains_to_the_weights_of_numpy(kind):
    x, y = small_data(m=75)
    nets = [small_network(kind, name) for name in BACKENDS]
    for net in nets:
        net.SGD((x, y), 4, 10, 0.1, 0.5, momentum=0.8, lmbda_l1=0.1, progress=False)  # 32 steps
    assert bits(nets[0]) != bits(small_network(kind, "numpy"))
    for one, other in zip(*map(parameters, nets)):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_numba_trains_the_books_network_to_the_weights_of_numpy(mnist):
    nets = [book_network(backend=name).copy(dtype="float64") for name in BACKENDS]
    for net in nets:
        net.SGD(few(mnist.training, 297), 1, 10, 0.05, 1.0, progress=False)  # 30 steps
    for one, other in zip(*map(parameters, nets)):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    x = mnist.test.images[:50]
    np.testing.assert_allclose(*[net.feedforward(x) for net in nets], rtol=1e-10, atol=1e-14)


def test_the_environment_chooses_the_backend(monkeypatch):
    monkeypatch.setenv("NNDL_BACKEND", "numpy")
    net = Network([Dense(3), Softmax()], input_shape=(2,))
    assert net.ops.name == "numpy"
    assert net.feedforward(np.ones((1, 2))).sum() == pytest.approx(1)
    assert Network([Dense(3)], input_shape=(2,), backend="numba").ops.name == "numba"
    monkeypatch.delenv("NNDL_BACKEND")
    assert Network([Dense(3)], input_shape=(2,)).ops.name == "numba"
    monkeypatch.setenv("NNDL_BACKEND", "nunpy")
    with pytest.raises(ValueError, match="NNDL_BACKEND must be numpy or numba, not 'nunpy'"):
        Network([Dense(3)], input_shape=(2,))


# --- stochastic gradient descent ------------------------------------------------------------------

def recorded(net):
    """The list to which net's SGD will append each mini-batch it takes, copied."""
    seen, update = [], net.update_mini_batch

    def update_mini_batch(mini_batch, *arguments, **named):
        seen.append(tuple(np.array(part) for part in mini_batch))
        return update(mini_batch, *arguments, **named)

    net.update_mini_batch = update_mini_batch
    return seen


def numbered(n=23):
    """n examples, each of one pixel that is its number; its label is the number modulo 3."""
    return np.arange(n, dtype=np.float32).reshape(n, 1) / 100, np.arange(n) % 3


def tiny(backend="numpy", **options):
    return Network([Dense(3), Softmax()], input_shape=(1,), backend=backend, **options)


def numbers(mini_batch):
    return [round(100 * float(pixel)) for pixel in mini_batch[0][:, 0]]


def test_each_epoch_takes_every_example_once_in_a_new_order():
    net, data = tiny(), numbered()
    seen = recorded(net)
    net.SGD(data, 3, 10, 0.1, progress=False)
    assert [len(x) for x, _ in seen] == 3 * [10, 10, 3]
    epochs = [sum(map(numbers, seen[i:i + 3]), []) for i in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    orders = [list(range(23)), *epochs]
    assert all(orders[i] != orders[j] for i in range(4) for j in range(i))
    for mini_batch in seen:  # each with its own label
        np.testing.assert_array_equal(mini_batch[1], np.eye(3)[np.array(numbers(mini_batch)) % 3])
    np.testing.assert_array_equal(data[0], numbered()[0])  # and the data stay in their order
    np.testing.assert_array_equal(data[1], numbered()[1])


@pytest.mark.parametrize("size, steps", [(1, [1] * 23), (22, [22, 1]), (23, [23]), (1000, [23])])
def test_mini_batches_of_any_size(size, steps, backend):
    net = tiny(backend)
    seen = recorded(net)
    net.SGD(numbered(), 1, size, 0.1, progress=False)
    assert [len(x) for x, _ in seen] == steps


def one_weight(backend, w=0.5, b=0.25):
    """The network a = wx + b with the quadratic cost: ∂C/∂w = x(a - y), ∂C/∂b = a - y."""
    net = Network([Dense(1)], "quadratic", input_shape=(1,), backend=backend, dtype="float64")
    net.layers[0].w[...], net.layers[0].b[...] = w, b
    return net


def weight_and_bias(net):
    return float(net.layers[0].w[0, 0]), float(net.layers[0].b[0])


def column(*numbers):
    return np.array(numbers, dtype=float).reshape(-1, 1)


def test_one_step_takes_the_mean_over_the_mini_batch(backend):
    net = one_weight(backend)
    net.update_mini_batch((column(1, 2, -3), column(0, 1, 2)), eta=0.3)
    errors = 0.75 - 0, 1.25 - 1, -1.25 - 2  # a - y
    w = 0.5 - 0.3 / 3 * (1 * errors[0] + 2 * errors[1] - 3 * errors[2])  # (20)
    b = 0.25 - 0.3 / 3 * sum(errors)                                     # (21)
    assert weight_and_bias(net) == pytest.approx((w, b), rel=1e-14)


def test_a_short_last_mini_batch_counts_by_its_own_size(backend):
    net = one_weight(backend)
    net.SGD((column(2, 2, 2), column(1, 1, 1)), 1, 2, 0.1, progress=False)  # all examples alike
    w, b = 0.5, 0.25
    for _ in range(2):  # mini-batches of 2 and of 1: the same mean gradient
        a = 2 * w + b
        w, b = w - 0.1 * 2 * (a - 1), b - 0.1 * (a - 1)
    assert weight_and_bias(net) == pytest.approx((w, b), rel=1e-14)


def test_eta_may_be_a_function_of_the_epoch(backend):
    net = one_weight(backend)
    history = net.SGD((column(2), column(1)), 3, 1, lambda epoch: 0.1 / 2 ** epoch, progress=False)
    assert history.eta == [0.1, 0.05, 0.025]
    w, b = 0.5, 0.25
    for eta in history.eta:
        a = 2 * w + b
        w, b = w - eta * 2 * (a - 1), b - eta * (a - 1)
    assert weight_and_bias(net) == pytest.approx((w, b), rel=1e-14)


def test_momentum_is_equation_107_by_hand(backend):
    net = one_weight(backend)
    for _ in range(4):
        net.update_mini_batch((column(2, 2), column(1, 1)), eta=0.1, momentum=0.9)
    w, b, v_w, v_b = 0.5, 0.25, 0.0, 0.0
    for _ in range(4):
        a = 2 * w + b
        v_w, v_b = 0.9 * v_w - 0.1 * 2 * (a - 1), 0.9 * v_b - 0.1 * (a - 1)  # (107)
        w, b = w + v_w, b + v_b                                            # (108)
    assert weight_and_bias(net) == pytest.approx((w, b), rel=1e-13)


def test_l2_decay_is_equation_93_by_hand_and_spares_the_bias(backend):
    net = one_weight(backend)
    net.update_mini_batch((column(1, 2), column(0, 1)), eta=0.3, lmbda=5.0, n=50)
    errors = 0.75 - 0, 1.25 - 1
    w = (1 - 0.3 * 5.0 / 50) * 0.5 - 0.3 / 2 * (errors[0] + 2 * errors[1])  # (93)
    b = 0.25 - 0.3 / 2 * sum(errors)                                        # (94)
    assert weight_and_bias(net) == pytest.approx((w, b), rel=1e-14)


@pytest.mark.parametrize("w", [0.5, -0.5, 0.0])
def test_l1_decay_is_equation_97_by_hand_and_spares_the_bias(backend, w):
    net = one_weight(backend, w)
    net.update_mini_batch((column(1, 2), column(0, 1)), eta=0.3, lmbda_l1=5.0, n=50)
    errors = w + 0.25 - 0, 2 * w + 0.25 - 1
    expected = w - 0.3 * 5.0 / 50 * np.sign(w) - 0.3 / 2 * (errors[0] + 2 * errors[1])  # (97)
    b = 0.25 - 0.3 / 2 * sum(errors)
    assert weight_and_bias(net) == pytest.approx((expected, b), rel=1e-14)


def test_decay_is_by_the_size_of_the_training_data_not_of_the_mini_batch(backend):
    x, y = column(0, 0, 0, 0, 0), column(0, 0, 0, 0, 0)  # no gradient at w: it only decays
    for lmbda, l1, expected in ((0.8, 0, 0.5 * (1 - 0.1 * 0.8 / 5) ** 3),
                                (0, 0.8, 0.5 - 3 * 0.1 * 0.8 / 5)):
        net = one_weight(backend)
        net.SGD((x, y), 1, 2, 0.1, lmbda, lmbda_l1=l1, progress=False)  # three steps
        assert weight_and_bias(net)[0] == pytest.approx(expected, rel=1e-14)


def test_momentum_carries_the_decay_too(backend):
    net = one_weight(backend)
    x, y = column(0, 0), column(0, 0)
    net.SGD((x, y), 3, 2, 0.1, 0.8, momentum=0.5, progress=False)
    w, v = 0.5, 0.0
    for _ in range(3):
        v = 0.5 * v - 0.1 * 0.8 / 2 * w
        w += v
    assert weight_and_bias(net)[0] == pytest.approx(w, rel=1e-14)


def test_training_brings_the_cost_down(backend, mnist):
    data = few(mnist.training, 300)
    net = Network([ConvPool(4, 5), Dense(10), Softmax()], backend=backend)
    before = net.total_cost(data)
    net.SGD(data, 3, 10, 0.05, progress=False)
    assert net.total_cost(data) < before / 2
    assert net.accuracy(data) > 0.7


# --- measuring ------------------------------------------------------------------------------------

def test_monitors_measure_what_was_asked_for_after_each_epoch(backend):
    net, data, evaluation = tiny(backend), numbered(), numbered(7)
    history = net.SGD(data, 3, 10, 0.5, 0.7, evaluation, monitor_evaluation_cost=True,
                      monitor_evaluation_accuracy=True, monitor_training_cost=True,
                      monitor_training_accuracy=True, lmbda_l1=0.2, progress=False)
    assert history is net.history and history.epochs == 3
    for name in ("eta", "seconds", "evaluation_cost", "evaluation_accuracy", "training_cost",
                 "training_accuracy"):
        assert len(getattr(history, name)) == 3, name
    assert history.training_cost[-1] == net.total_cost(data, 0.7, 0.2)
    assert history.training_accuracy[-1] == net.accuracy(data)
    # The network's cost is that of its 23 training examples, wherever it is measured.
    assert history.evaluation_cost[-1] == net.total_cost(evaluation, 0.7, 0.2, n=23)
    assert history.evaluation_accuracy[-1] == net.accuracy(evaluation)
    assert len(set(history.training_cost)) == 3
    assert all(seconds > 0 for seconds in history.seconds)


@pytest.mark.parametrize("monitor", ["evaluation_cost", "evaluation_accuracy", "training_cost",
                                     "training_accuracy"])
def test_what_is_not_monitored_stays_empty(monitor):
    history = tiny().SGD(numbered(), 2, 10, 0.1, evaluation_data=numbered(4), progress=False,
                         **{f"monitor_{monitor}": True})
    lengths = {name: len(values) for name, values in vars(history).items()}
    assert lengths == {"eta": 2, "seconds": 2, "evaluation_cost": 0, "evaluation_accuracy": 0,
                       "training_cost": 0, "training_accuracy": 0, "measured": 0} | {monitor: 2}


def test_monitoring_changes_nothing_in_the_training(backend):
    plain, watched = (small_network("dropout", backend) for _ in range(2))
    data = small_data(m=30)
    plain.SGD(data, 2, 10, 0.1, progress=False)
    watched.SGD(data, 2, 10, 0.1, evaluation_data=data, monitor_evaluation_cost=True,
                monitor_training_accuracy=True, progress=False)
    assert bits(plain) == bits(watched)


def test_an_interrupted_training_keeps_the_history_of_whole_epochs():
    net = tiny()

    def eta(epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        return 0.1

    with pytest.raises(KeyboardInterrupt):
        net.SGD(numbered(), 5, 10, eta, monitor_training_cost=True, progress=False)
    assert net.history.epochs == 2
    assert len(net.history.eta) == len(net.history.training_cost) == 2


def test_accuracy_is_a_fraction_by_hand(backend):
    net = Network([Dense(3)], input_shape=(3,), backend=backend)
    net.layers[0].w[...], net.layers[0].b[...] = np.eye(3), 0
    x = np.eye(3)[[0, 1, 2, 2]]
    assert net.accuracy((x, np.array([0, 1, 2, 0]))) == 0.75
    assert net.accuracy((x, np.eye(3)[[1, 1, 2, 0]])) == 0.5  # desired outputs: the largest counts
    np.testing.assert_array_equal(net.predict(x), [0, 1, 2, 2])


def test_total_cost_by_hand_with_regularisation(backend):
    net = one_weight(backend, w=-0.5)
    net.layers[0].b[...] = 3  # a large bias, which is not regularised
    data = column(2, 0), column(1, 1)
    c0 = (0.5 * (2 - 1) ** 2 + 0.5 * (3 - 1) ** 2) / 2                                   # (6)
    assert net.total_cost(data) == pytest.approx(c0, rel=1e-14)
    assert net.cost_of(*data) == pytest.approx(c0, rel=1e-14)
    assert net.total_cost(data, 0.6) == pytest.approx(c0 + 0.6 / (2 * 2) * 0.25, rel=1e-14)  # (87)
    assert net.total_cost(data, 0, 0.6) == pytest.approx(c0 + 0.6 / 2 * 0.5, rel=1e-14)      # (95)
    assert net.total_cost(data, 0.6, 0.2, n=100) == pytest.approx(
        c0 + 0.6 / 200 * 0.25 + 0.2 / 100 * 0.5, rel=1e-14)


def test_all_weights_are_regularised(backend):
    net = small_network("convolutions", backend)
    x, y = small_data()
    squares = sum(float((layer.w ** 2).sum()) for layer in net.layers if layer.parameters)
    sizes = sum(float(np.abs(layer.w).sum()) for layer in net.layers if layer.parameters)
    c0 = net.total_cost((x, y))
    assert net.total_cost((x, y), 3.0) == pytest.approx(c0 + 3 / (2 * 6) * squares, rel=1e-13)
    assert net.total_cost((x, y), 0, 3.0) == pytest.approx(c0 + 3 / 6 * sizes, rel=1e-13)


@pytest.mark.parametrize("kind", NETWORKS)
def test_many_examples_are_measured_in_pieces(kind, backend, monkeypatch):
    net = small_network(kind, backend)
    x, y = small_data(m=23)
    whole = net.feedforward(x), net.total_cost((x, y)), net.accuracy((x, y))
    monkeypatch.setattr(network, "EVALUATED_AT_ONCE", 5)
    pieces = net.feedforward(x), net.total_cost((x, y)), net.accuracy((x, y))
    assert whole[0].shape == pieces[0].shape == (23, 4)
    for one, other in zip(whole, pieces):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_feedforward_hands_out_an_array_of_the_callers_own(backend):
    net = small_network("units", backend)
    x, _ = small_data(m=12)
    first = net.feedforward(x[:6])
    copy = first.copy()
    net.feedforward(x[6:])
    np.testing.assert_array_equal(first, copy)


# --- what comes in --------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bytes_are_the_same_as_floats_of_byte_256(dtype, mnist):
    net = Network([ConvPool(3, 5), Dense(10), Softmax()], dtype=dtype)
    images, labels = few(mnist.test, 20)
    assert images.max() == 255
    as_floats = images.astype(dtype) / 256
    outputs = net.feedforward(images)
    assert outputs.dtype == dtype
    np.testing.assert_array_equal(outputs, net.feedforward(as_floats))
    np.testing.assert_array_equal(outputs, net.feedforward(images.reshape(20, 784)))
    np.testing.assert_array_equal(outputs, net.feedforward(images.reshape(20, 1, 28, 28)))
    for one, other in zip(net.backprop(images, labels), net.backprop(as_floats, labels)):
        for gradient, other_gradient in zip(one, other):
            np.testing.assert_array_equal(gradient, other_gradient)


@pytest.mark.parametrize("label_type", [np.uint8, np.int8, np.int16, np.int64, np.uint64])
def test_labels_of_any_int_type_do_not_overflow(label_type, backend):
    classes = 127 if label_type == np.int8 else 251
    net = Network([Dense(classes), Softmax()], input_shape=(3,), backend=backend)
    x = np.random.default_rng(0).random((5, 3))
    labels = np.array([0, 1, 100, classes - 2, classes - 1])
    expected_b, _ = net.backprop(x, np.eye(classes)[labels])
    nabla_b, _ = net.backprop(x, labels.astype(label_type))
    np.testing.assert_array_equal(nabla_b[0], expected_b[0])
    data = x, labels.astype(label_type)
    net.SGD(data, 300, 5, 2.0, progress=False)
    assert net.accuracy(data) == 1


def wrong_data(classes=3):
    x, y = numbered()
    low = y.copy()
    low[5] = -1
    high = y.astype(np.uint8)
    high[5] = classes
    return [
        ((x, high), ValueError, "labels must be from 0 to 2 for a network of 3 outputs, not 3"),
        ((x, low), ValueError, "labels must be from 0 to 2 for a network of 3 outputs, not -1"),
        ((x, y[:-1]), ValueError, "as many labels as images, .* 23 images and 22 labels"),
        ((x[:0], y[:0]), ValueError, "at least one: not 0 images"),
        ((x, y.astype(float)), ValueError, r"ints \(23,\) or .* floats \(23, 3\), not float64 \(23,\)"),
        ((x, np.eye(4)[y]), ValueError, r"floats \(23, 3\), not float64 \(23, 4\)"),
        ((x, np.eye(3, dtype=int)[y]), ValueError, r"floats \(23, 3\), not int64 \(23, 3\)"),
        ((x, y[:, None]), ValueError, r"labels must be ints \(23,\)"),
        ((x, y > 0), ValueError, "not bool"),
        ((x, y.astype(str)), ValueError, "labels must be ints"),
        ((np.tile(x, 2), y), ValueError, r"examples must have shape \(m, 1\), .* not \(23, 2\); "
                                         r"say Network\(..., input_shape=\(2,\)\)"),
        ((x[:, 0], y), ValueError, r"examples must have shape \(m, 1\), .* not \(23,\)"),
        ((x.astype(int), y), TypeError, r"examples must be bytes \(uint8\) or floats, not int64; .*as"),
        ((x > 0, y), TypeError, r"floats, not bool; 0 and 1 are x.astype\('float32'\)"),
        ((x.astype(complex), y), TypeError, "examples must be .* floats, not complex128"),
        (x, TypeError, r"must be a pair \(images, labels\), .*load_mnist"),
        (None, TypeError, "must be a pair .* not NoneType"),
        ((x, y, y), TypeError, "must be a pair .* not tuple"),
    ]


@pytest.mark.parametrize("data, error, says", wrong_data())
def test_wrong_data_are_refused_before_anything_is_learnt(data, error, says):
    net = tiny()
    before = bits(net)
    with pytest.raises(error, match=says):
        net.SGD(data, 1, 10, 0.1, progress=False)
    if data is not None:
        with pytest.raises(error, match=says):
            net.SGD(numbered(), 1, 10, 0.1, evaluation_data=data, progress=False)
    for measure in (net.accuracy, net.total_cost):
        with pytest.raises(error, match=says):
            measure(data)
    assert bits(net) == before


def test_grey_images_of_another_size_are_told_the_input_shape_with_its_channel():
    net = Network([Conv(2, 3), Dense(3), Softmax()], input_shape=(1, 6, 6), backend="numpy")
    with pytest.raises(ValueError, match=r"say Network\(..., input_shape=\(1, 5, 5\)\)"):
        net.predict(np.zeros((2, 5, 5)))


def test_a_mini_batch_far_larger_than_the_data_is_all_of_them(backend):
    net, other = tiny(backend=backend), tiny(backend=backend)
    net.SGD(numbered(), 2, 10**30, 0.1, progress=False)
    other.SGD(numbered(), 2, 23, 0.1, progress=False)
    assert bits(net) == bits(other)


@pytest.mark.parametrize("name", ["backprop", "cost_of", "trace"])
@pytest.mark.parametrize("data, error, says",
                         [case for case in wrong_data() if isinstance(case[0], tuple)
                          and len(case[0]) == 2 and "as many" not in case[2]
                          and "at least one" not in case[2]])
def test_one_mini_batch_is_looked_at_as_closely(name, data, error, says):
    with pytest.raises(error, match=says):
        getattr(tiny(), name)(*data)


def test_one_label_does_not_stand_for_many_images_nor_the_reverse():
    net = Network([Dense(3), Sigmoid()], input_shape=(1,), backend="numpy")
    x, y = numbered()
    for images, labels in ((x, y[:1]), (x[:1], y), (x, np.eye(3)[:1]), (x[:1], np.eye(3))):
        with pytest.raises(ValueError, match="labels must be"):
            net.backprop(images, labels)
        with pytest.raises(ValueError, match="labels must be"):
            net.cost_of(images, labels)


def test_no_images_at_all_are_refused():
    with pytest.raises(ValueError, match="at least one example"):
        tiny().feedforward(np.empty((0, 1)))


def test_a_single_example_is_told_how_to_become_a_mini_batch():
    net = Network([Dense(10), Softmax()], backend="numpy")
    with pytest.raises(ValueError, match=r"not \(28, 28\); a single example is x.reshape\(1, "):
        net.feedforward(np.zeros((28, 28), np.uint8))


@pytest.mark.parametrize("name, value, error, says", [
    ("epochs", -1, ValueError, "epochs must be at least 0, not -1"),
    ("epochs", 2.0, TypeError, "epochs must be an int, not 2.0"),
    ("epochs", math.inf, TypeError, "epochs must be an int, not inf"),
    ("epochs", math.nan, TypeError, "epochs must be an int, not nan"),
    ("epochs", "3", TypeError, "epochs must be an int, not '3'"),
    ("epochs", True, TypeError, "epochs must be an int, not True"),
    ("mini_batch_size", 0, ValueError, "mini_batch_size must be at least 1, not 0"),
    ("mini_batch_size", 2.5, TypeError, "mini_batch_size must be an int, not 2.5"),
    ("mini_batch_size", None, TypeError, "mini_batch_size must be an int, not None"),
    ("eta", -0.1, ValueError, "eta must be at least 0, not -0.1"),
    ("eta", math.nan, ValueError, "eta must be at least 0, not nan"),
    ("eta", math.inf, ValueError, "eta must be at least 0, not inf"),
    ("eta", "fast", TypeError, "eta must be a number, not 'fast'"),
    ("eta", None, TypeError, "eta must be a number, not None"),
    ("eta", lambda epoch: "fast", TypeError, "eta must be a number, not 'fast'"),
    ("lmbda", -1, ValueError, "lmbda must be at least 0, not -1"),
    ("lmbda", math.nan, ValueError, "lmbda must be at least 0, not nan"),
    ("lmbda_l1", -1, ValueError, "lmbda_l1 must be at least 0, not -1"),
    ("lmbda_l1", [1], TypeError, r"lmbda_l1 must be a number, not \[1\]"),
    ("momentum", math.inf, ValueError, "momentum must be .*, not inf"),
    ("momentum", "0.9", TypeError, "momentum must be a number, not '0.9'"),
])
def test_a_wrong_hyper_parameter_is_named_with_what_came(name, value, error, says):
    net = tiny()
    before = bits(net)
    arguments = {"epochs": 1, "mini_batch_size": 10, "eta": 0.1, name: value}
    with pytest.raises(error, match=says):
        net.SGD(numbered(), **arguments, progress=False)
    assert bits(net) == before


@pytest.mark.parametrize("monitor", ["cost", "accuracy"])
def test_monitoring_evaluation_data_needs_evaluation_data(monitor):
    with pytest.raises(ValueError, match=r"needs evaluation_data=\(images, labels\)"):
        tiny().SGD(numbered(), 1, 10, 0.1, **{f"monitor_evaluation_{monitor}": True})


@pytest.mark.parametrize("arguments, says", [
    ({"stop": 3}, "stop must be a function of the history, not 3"),
    ({"monitors": {"norm": 0.5}}, r"monitors\['norm'\] must be a function of the network, not 0.5"),
    ({"monitors": [len]}, "monitors must be a dict, name: function of the network, not "),
])
def test_what_is_asked_after_each_epoch_must_be_a_function(arguments, says):
    with pytest.raises(TypeError, match=says):
        tiny().SGD(numbered(), 1, 10, 0.1, **arguments, progress=False)


@pytest.mark.parametrize("method", ["predict", "feedforward", "trace"])
def test_a_data_set_in_the_place_of_images_is_told_so(method):
    net, data = Network([Dense(10), Softmax()], backend="numpy"), load_mnist().test[:3]
    more = (data.labels,) if method == "trace" else ()
    for given, says in ((data, r"x: images must come alone, .* hand in its \.images"),
                        (tuple(data), r"x: images must .* a pair \(images, labels\): take its \[0\]"),
                        (list(data), r"x: images must .* a pair \(images, labels\): take its \[0\]")):
        with pytest.raises(TypeError, match=says):
            getattr(net, method)(given, *more)


def test_a_data_set_in_the_place_of_labels_is_told_so():
    net, data = Network([Dense(10), Softmax()], backend="numpy"), load_mnist().test[:3]
    with pytest.raises(TypeError, match=r"y: labels must come alone, .* hand in its \.labels"):
        net.backprop(data.images, data)
    with pytest.raises(TypeError, match=r"training_data: labels must .* hand in its \.labels"):
        net.SGD((data.images, data), 1, 3, 0.1)
    with pytest.raises(TypeError, match=r"y: labels must .* take its \[1\]"):
        net.backprop(data.images, tuple(data))


def test_two_sequences_are_no_pair_of_images_and_labels():
    net = Network([Recurrent(3), Last(), Dense(2), Softmax()], input_shape=(None, 2), backend="numpy")
    with pytest.raises(ValueError, match=r"unequal length are nndl\.Sequences\.of\(list\)"):
        net.predict((np.zeros((3, 2)), np.zeros((4, 2))))
    with pytest.raises(ValueError, match=r"unequal length are nndl\.Sequences\.of\(list\)"):
        net.predict([[[1.0, 2.0], [3.0]], [1.0, 2.0]])


class Own(Layer):
    """Hands on what it gets."""

    parameters = ()

    def setup(self, shape, ops, rng, dtype):
        return shape

    def backward(self, delta):
        return delta


def test_a_forward_without_training_or_return_is_told_so():
    class OneArgument(Own):
        def forward(self, a):
            return a

    class ReturnsNothing(Own):
        def forward(self, a, training=False):
            pass

    with pytest.raises(TypeError, match=r"layers\[0\], .*forward\(self, a, training\)"):
        Network([OneArgument(), Dense(3)], input_shape=(2,), backend="numpy")
    net = Network([ReturnsNothing(), Dense(3)], input_shape=(2,), backend="numpy")
    for look in (net.predict, lambda x: net.trace(x, np.zeros(1, int))):
        with pytest.raises(TypeError, match="has a forward that returns None"):
            look(np.zeros((1, 2)))


def test_a_forward_is_called_as_the_check_calls_it(capsys):
    class OtherName(Own):
        def forward(self, a, learning):
            return a

    class OnlyByName(Own):
        def forward(self, a, *, training):
            return a

    net = Network([OtherName(), Dense(3), Softmax()], input_shape=(2,), backend="numpy")
    net.SGD((np.zeros((4, 2)), np.zeros(4, int)), 1, 2, 0.1, progress=False)
    net.trace(np.zeros((1, 2)), np.zeros(1, int))
    with pytest.raises(TypeError, match=r"called as forward\(a, training\)"):
        Network([OnlyByName(), Dense(3)], input_shape=(2,), backend="numpy")


def test_numpys_numbers_are_as_good_as_pythons():
    tiny(seed=np.int64(3)).SGD(numbered(), np.int64(1), np.uint8(10), np.float32(0.1),
                               np.int32(1), progress=False)


def test_no_epochs_leave_the_network_as_it_is():
    net = tiny()
    before = bits(net)
    assert net.SGD(numbered(), 0, 10, 0.1, progress=False).epochs == 0
    assert bits(net) == before


# --- making a network -----------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, error, says", [
    ({"layers": []}, ValueError, r"layers is empty: .*\[Dense\(10\), Softmax\(\)\]"),
    ({"layers": None}, TypeError, "layers must be a list of layers, not None"),
    ({"layers": [Dense]}, TypeError, r"layers\[0\] is the class Dense, not a layer: say Dense\(\)"),
    ({"layers": ["Dense"]}, TypeError, r"layers\[0\] must be a layer such as Dense\(100\), not "),
    ({"layers": [Dense(3), "relu"]}, TypeError, r"layers\[1\] must be a layer .* not 'relu'"),
    ({"dtype": "float16"}, ValueError, "dtype must be float32 or float64, not 'float16'"),
    ({"dtype": "fast"}, ValueError, "dtype must be float32 or float64, not 'fast'"),
    ({"dtype": int}, ValueError, "dtype must be float32 or float64, not <class 'int'>"),
    ({"seed": -1}, ValueError, "seed must be at least 0, not -1"),
    ({"seed": "x"}, TypeError, "seed must be an int, not 'x'"),
    ({"seed": 1.5}, TypeError, "seed must be an int, not 1.5"),
    ({"input_shape": (0, 3)}, ValueError, r"input_shape must be .*\(1, 28, 28\).*, not \(0, 3\)"),
    ({"input_shape": (3, None)}, ValueError, r"the first may be None .*, not \(3, None\)"),
    ({"input_shape": (-3,)}, ValueError, r"input_shape must be .*, not \(-3,\)"),
    ({"input_shape": 1.5}, ValueError, "input_shape must be .*, not 1.5"),
    ({"input_shape": "28"}, ValueError, "input_shape must be .*, not '28'"),
    ({"cost": "squares"}, ValueError, "cost must be one of quadratic, .*not 'squares'"),
    ({"backend": "torch"}, ValueError, "backend must be numpy or numba, not 'torch'"),
    ({"backend": "cuda"}, ValueError, "cuda backend is not written yet; use numba"),
])
def test_a_wrong_argument_of_network_is_named_with_what_came(arguments, error, says):
    arguments = {"layers": [Dense(3), Softmax()], "input_shape": (2,)} | arguments
    with pytest.raises(error, match=says):
        Network(**arguments)


def test_a_layer_stands_in_one_place_of_one_network():
    layer = Dense(3)
    with pytest.raises(ValueError, match=r"layers\[1\].*make a new one"):
        Network([layer, layer], input_shape=(3,))
    net = Network([layer := Dense(3)], input_shape=(3,))
    before = bits(net)
    with pytest.raises(ValueError, match=r"layers\[0\].*make a new one"):
        Network([layer, Softmax()], input_shape=(3,), seed=1)
    assert bits(net) == before


@pytest.mark.parametrize("layers, total, words", [
    (lambda: [ConvPool(20, 5), ConvPool(40, 5), Dense(100), ReLU(), Dense(10), Softmax()], 85_670,
     ["20 x 12 x 12  520", "40 x 4 x 4  20,040", "640", "100  64,100", "10  1,010"]),
    (lambda: [ConvPool(20, 5), Dense(100), Sigmoid(), Dense(10), Softmax()], 289_630,
     ["20 x 12 x 12  520", "2880", "100  288,100", "10  1,010"]),
])
def test_print_shows_layers_output_shapes_and_parameters(layers, total, words):
    net = Network(layers())
    table = str(net)
    assert net.parameters == total
    assert re.search(rf"\ntotal +{total:,}$", table)
    lines = table.splitlines()
    assert lines[0].split() == ["layer", "output", "shape", "parameters"]
    assert re.match(r"input +1 x 28 x 28$", lines[2])
    assert len(lines) == 3 + len(net.layers) + 2
    squeezed = [re.sub(r" {2,}", "  ", line) for line in lines]
    for word in words:
        assert any(line.endswith("  " + word) for line in squeezed), word
    assert max(map(len, lines)) <= 100 and not any(line != line.rstrip() for line in lines)


def test_repr_can_be_typed_in_again(mnist):
    net = Network([ConvPool(3, 5, "tanh", pool="l2"), Dense(10), Sigmoid()], "quadratic")
    again = eval(repr(net), vars(nndl))
    assert repr(again) == repr(net) and bits(again) == bits(net)


class Doubled:
    """A layer of a reader's own that inherits nothing."""

    parameters = ()

    def setup(self, shape, ops, rng, dtype):
        return shape

    def forward(self, a, training=False):
        return 2 * a

    def backward(self, d):
        return 2 * d


def test_a_layer_that_inherits_nothing_can_be_trained_traced_and_printed(backend):
    net = Network([Doubled(), Conv(2, 3), Doubled(), Dense(4), Softmax()], input_shape=(1, 5, 5),
                  backend=backend)
    data = small_data(shape=(1, 5, 5))
    before = net.total_cost(data)
    net.SGD(data, 5, 3, 0.005, progress=False)
    assert net.total_cost(data) < before
    assert re.search(r"\nDoubled +2 x 3 x 3\n", str(net))


# --- copies ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", NETWORKS)
def test_a_copy_has_the_same_weights_and_a_life_of_its_own(kind, backend):
    net = small_network(kind, backend)
    data = small_data(m=30)
    net.SGD(data, 1, 10, 0.1, progress=False)
    other = net.copy()
    assert bits(other) == bits(net) and repr(other) == repr(net)
    assert (other.ops, other.dtype, other.input_shape) == (net.ops, net.dtype, net.input_shape)
    kept = bits(net)
    other.SGD(data, 2, 10, 0.1, progress=False)
    assert bits(net) == kept != bits(other)
    net.SGD(data, 2, 10, 0.1, progress=False)
    assert bits(net) == bits(other)  # the generator was copied as it stood


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_copy_may_change_backend_and_float_type(kind):
    net = small_network(kind, "numba", dtype="float32")
    other = net.copy(backend="numpy", dtype="float64")
    assert other.ops.name == "numpy" and other.dtype == np.float64
    for one, its in zip(parameters(net), parameters(other)):
        assert its.dtype == np.float64
        np.testing.assert_array_equal(one, its)
    x, _ = small_data()
    np.testing.assert_allclose(net.feedforward(x), other.feedforward(x), rtol=1e-4, atol=1e-6)


# --- the same bits --------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["convolutions", "units", "dropout"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(kind, backend):
    trained = []
    for seed in (3, 3, 4):
        net = small_network(kind, backend, seed=seed, dtype="float32")
        net.SGD(small_data(m=35), 2, 10, 0.1, momentum=0.5, progress=False)
        trained.append(bits(net))
    assert trained[0] == trained[1]
    assert all(one != other for one, other in zip(trained[0], trained[2]))


@pytest.fixture
def threads_restored():
    before = {name: backends.get(name).threads for name in BACKENDS}
    yield
    for name, threads in before.items():
        backends.get(name).threads = threads


@pytest.mark.parametrize("layers", [
    lambda: [ConvPool(9, 5), ConvPool(11, 5), Dense(30), ReLU(), Dropout(0.5), Dense(10), Softmax()],
    lambda: [Conv(5, 5, stride=2, padding=1), Tanh(), L2Pool(3, stride=2), Conv(3, 2), GELU(),
             MaxPool(), Dense(20), Sigmoid(), Dense(10), Sigmoid()],
], ids=["units", "single layers"])
def test_any_number_of_threads_gives_the_same_bits(layers, mnist, threads_restored):
    import numba
    most = numba.config.NUMBA_NUM_THREADS
    assert most >= 2, "NUMBA_NUM_THREADS must be 2 or more for this test to say anything"
    for mini_batch_size in (10, 7):
        data = few(mnist.training, 20 * mini_batch_size)  # 20 steps
        trained = []
        for n in range(1, min(most, 4) + 1):
            nndl.set_threads(n)
            net = Network(layers(), backend="numba")
            with net.ops.running():
                assert numba.get_num_threads() == n
            net.SGD(data, 1, mini_batch_size, 0.1, 1.0, momentum=0.5, progress=False)
            trained.append(bits(net))
        assert all(one == trained[0] for one in trained), f"mini-batch {mini_batch_size}"


# --- divergence -----------------------------------------------------------------------------------

def linear(backend, **options):
    return Network([Dense(4), Dense(5), Dense(3)], input_shape=(1,), backend=backend, **options)


def test_overflow_ends_training_with_the_layer_and_what_to_try(backend):
    with pytest.raises(Diverged, match=r"training diverged: .*layers\[\d\], Dense\(n_out=\d.* is "
                                       r"not finite; .*a smaller eta"):
        linear(backend).SGD(numbered(), 50, 5, 1e30, progress=False)


def test_the_first_layer_that_went_wrong_is_the_one_named(backend):
    net = Network([Dense(4), ReLU(), Dense(5), ReLU(), Dense(3), Softmax()], input_shape=(1,),
                  backend=backend)
    net.layers[2].w[3, 1] = np.nan
    with pytest.raises(Diverged, match=r"w of layers\[2\], Dense\(n_out=5"):
        net.backprop(*numbered())
    net.layers[2].w[...] = 3e38  # finite, but its sum is not
    net.layers[0].b[...] = 1
    with pytest.raises(Diverged, match=r"the output of layers\[2\], Dense\(n_out=5"):
        net.SGD(numbered(), 1, 5, 0.1, progress=False)


@pytest.mark.parametrize("monitored", [False, True])
def test_the_very_last_step_is_looked_at_too(backend, monitored):
    net = linear(backend)
    with pytest.raises(Diverged, match=r"training diverged: .*not finite; .*a smaller eta"):
        net.SGD(numbered(), 1, 23, 1e300, progress=False, monitor_training_cost=monitored)
    assert net.history.epochs == 0


def test_an_infinite_cost_ends_training_even_where_all_weights_are_finite(backend):
    net = linear(backend)
    with pytest.raises(Diverged, match="not finite; .*a smaller eta"):
        net.SGD(numbered(), 1, 23, 1e25, progress=False, monitor_training_cost=True)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_images_that_are_not_finite_are_blamed_themselves(backend, number):
    x, y = numbered()
    x[17] = number
    with pytest.raises(Diverged, match="input has numbers that are not finite: look at the images"):
        tiny(backend).SGD((x, y), 1, 10, 0.1, progress=False)


# --- progress -------------------------------------------------------------------------------------

def test_one_line_for_each_epoch_where_there_is_no_terminal(capsys):
    tiny().SGD(numbered(), 2, 10, 0.1, evaluation_data=numbered(5), monitor_evaluation_cost=True,
               monitor_evaluation_accuracy=True, monitor_training_cost=True)
    out, err = capsys.readouterr()
    first, second = [line for line in out.splitlines() if not line.startswith("compiling")]
    assert re.fullmatch(r"epoch 1/2: \d+\.\d s of training, training cost \d\.\d{4}, evaluation cost "
                        r"\d\.\d{4}, evaluation accuracy \d+\.\d\d %", first)
    assert second.startswith("epoch 2/2: ") and err == ""


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    tiny().SGD(numbered(), 2, 10, 0.1, monitor_training_accuracy=True)
    assert "epoch 1/2" in terminal.getvalue() and "examples" in terminal.getvalue()
    assert "epoch 2/2: " in capsys.readouterr().out + terminal.getvalue()


def test_where_an_earlier_run_came_to(tmp_path, capsys):
    def lines(epochs):
        tiny().SGD(numbered(), epochs, 10, 0.1, checkpoint=tmp_path / "run.npz")
        return [line for line in capsys.readouterr().out.splitlines() if "compiling" not in line]

    assert lines(2)[0].startswith("epoch 1/2: ")
    said, *rest = lines(3)
    assert said == "an earlier run came to the end of epoch 2/3: going on from there"
    assert [line[:11] for line in rest] == ["epoch 3/3: "]
    assert lines(3) == ["an earlier run came to the end of epoch 3/3: nothing is left"]


def test_an_epoch_that_was_begun(capsys):
    with Progress(True, 3, 100, 220):
        pass
    assert capsys.readouterr().out == (
        "an earlier run came to 20 of 100 examples of epoch 3/3: going on from there\n")


def test_no_progress_where_none_is_wanted(capsys):
    tiny().SGD(numbered(), 2, 10, 0.1, progress=False)
    assert capsys.readouterr() == ("", "")


def test_one_output_says_yes_or_no():
    x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    y = (x > 0).astype(float)
    net = Network([Dense(1), Sigmoid()], input_shape=(1,), backend="numpy", dtype="float64")
    net.layers[0].w[...], net.layers[0].b[...] = 3.0, 0.0
    assert net.predict(x).tolist() == [0, 0, 1, 1]
    assert net.accuracy((x, y)) == 1
    assert net.accuracy((x, 1 - y)) == 0


def test_each_sgd_begins_at_rest_and_momentum_may_be_any_number():
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3
    one, two = (Network([Dense(3), Softmax()], input_shape=(4,), backend="numpy") for _ in range(2))
    one.SGD((x, y), 2, 5, 0.1, momentum=0.9, progress=False)
    two.SGD((x, y), 1, 5, 0.1, momentum=0.9, progress=False)
    assert np.any(two.velocity[0, "w"])
    two.SGD((x, y), 1, 5, 0.0, momentum=0.9, progress=False)
    assert not np.any(two.velocity[0, "w"])  # eta 0: nothing but an old velocity could move it
    for momentum in (-0.5, 1.1):
        one.SGD((x, y), 1, 5, 0.1, momentum=momentum, progress=False)
    with pytest.raises(ValueError, match="momentum must be finite"):
        one.SGD((x, y), 1, 5, 0.1, momentum=float("nan"), progress=False)


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
@pytest.mark.parametrize("output", [Tanh, ReLU, None])
def test_a_logarithm_wants_outputs_between_0_and_1(cost, output):
    layers = [Dense(3)] + ([output()] if output else [])
    with pytest.raises(ValueError, match=f"{cost} takes the logarithm.*Softmax"):
        Network(layers, cost, input_shape=(4,))


def test_every_kernel_runs_as_plain_python(tmp_path):
    """NUMBA_DISABLE_JIT=1, as the README offers it to a reader with a debugger."""
    code = """if True:
        import numpy as np
        from nndl import ConvPool, Conv, Dense, Dropout, L2Pool, Network, ReLU, Softmax
        import nndl.gradcheck as g
        net = Network([ConvPool(2, 3), Conv(2, 2), L2Pool(2), Dense(4), ReLU(), Dropout(0.2),
                       Dense(3), Softmax()], input_shape=(1, 10, 10), backend="numba")
        x, y = np.random.default_rng(0).random((4, 1, 10, 10)), np.array([0, 1, 2, 0])
        print(max(g.check_network(net, x, y).values()) < 1e-7)
        net.SGD((x, y), 2, 2, 0.1, 0.1, momentum=0.9, lmbda_l1=0.1, progress=False)
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                         env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    assert run.stdout.strip() == "True", run.stderr


class Scale(Layer):
    """A parameter that is called neither w nor b."""

    parameters = ("g",)

    def setup(self, shape, ops, rng, dtype):
        self.g = np.full(shape, 2.0, dtype)
        return super().setup(shape, ops, rng, dtype)

    def forward(self, a, training=False):
        self.a = a
        return self.g * a

    def backward(self, d):
        self.nabla_g = (d * self.a).sum(axis=0)
        return d * self.g


def test_parameters_may_have_any_name_and_only_w_decays():
    x, y = np.random.default_rng(0).normal(size=(6, 4)), np.arange(6) % 3
    net = Network([Dense(4), Scale(), Dense(3), Softmax()], input_shape=(4,), backend="numpy",
                  dtype="float64")
    assert set(check_network(net, x, y)) == {"0.w", "0.b", "1.g", "2.w", "2.b"}
    before = net.total_cost((x, y), lmbda=1.0)
    g = net.layers[1].g.copy()
    net.update_mini_batch((x, y), eta=0.1)
    moved = net.layers[1].g - g
    assert np.any(moved) and net.total_cost((x, y)) < before
    other = Network([Dense(4), Scale(), Dense(3), Softmax()], input_shape=(4,), backend="numpy",
                    dtype="float64")
    other.update_mini_batch((x, y), eta=0.1, lmbda=100.0)
    assert np.array_equal(other.layers[1].g - g, moved)


def test_a_linear_output_has_its_error_without_an_activation():
    """BP1 for z = a is a - y, book (68), and the walk back includes the layer itself."""
    x, y = np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(1).normal(size=(5, 2))
    net = Network([Dense(2)], input_shape=(3,), backend="numpy", dtype="float64")
    (nabla_b,), (nabla_w,) = net.backprop(x, y)
    delta = net.feedforward(x) - y
    assert np.allclose(nabla_b, delta.sum(axis=0)) and np.allclose(nabla_w, delta.T @ x)
    check_network(net, x, y)


def test_checking_a_layer_of_a_network_is_refused():
    net = Network([Dense(2)], input_shape=(3,), backend="numpy")
    before = net.layers[0].w.copy()
    with pytest.raises(ValueError, match=r"stands in a network.*clone\(\)"):
        nndl.gradcheck.check_layer(net.layers[0], (3,))
    assert np.array_equal(net.layers[0].w, before)


def test_an_interrupted_measurement_leaves_history_whole(monkeypatch):
    net, calls = tiny(), []

    def measure(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return 1.0, 0.5

    monkeypatch.setattr(net, "_monitor", measure)
    with pytest.raises(KeyboardInterrupt):
        net.SGD(numbered(), 3, 10, 0.1, evaluation_data=numbered(5), monitor_evaluation_cost=True,
                monitor_training_cost=True, progress=False)
    lengths = {len(net.history.training_cost), len(net.history.evaluation_cost), len(net.history.eta),
               net.history.epochs}
    assert lengths == {1}


@pytest.mark.parametrize("dtype", ["float16", ">f4", ">f8", "longdouble", "float64", "float32"])
@pytest.mark.parametrize("activation", [Sigmoid, GELU])  # all in one call of dense_epoch, or not
def test_images_of_any_float_type_train_the_same(activation, dtype, backend):
    """Half precision and another machine's byte order, too.  Sixteenths are exact in all of them."""
    images = np.random.default_rng(0).integers(0, 17, (20, 6)) / 16
    labels = np.arange(20) % 3
    weights = []
    for some in (images.astype("float32"), images.astype(dtype)):
        net = Network([Dense(4), activation(), Dense(3), Softmax()], input_shape=6, backend=backend)
        net.SGD((some, labels), 2, 5, 0.5, progress=False)
        weights.append(net.layers[0].w)
    assert np.array_equal(*weights)
