"""Network.trace: what it prints is true, and it changes nothing."""

import copy
import io
import re

import numpy as np
import pytest

from nndl import (
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Last,
    Layer,
    MaxPool,
    Network,
    Recurrent,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)

BACKENDS = ("numpy", "numba")
NETWORKS = {
    "book": lambda: [ConvPool(3, 3), ConvPool(4, 2), Dense(5), ReLU(), Dense(4), Softmax()],
    "single": lambda: [MaxPool(1), Conv(3, 3), Sigmoid(), Dropout(0.25), Dense(5), Tanh(), Dense(4)],
}
M = 6


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


def make(kind, backend):
    net = Network(NETWORKS[kind](), input_shape=(1, 10, 10), backend=backend, dtype="float64")
    rng = np.random.default_rng(0)
    return net, rng.random((M, 1, 10, 10)), rng.integers(0, 4, M)


def traced(net, x, y):
    """The rows of both tables: forward and backward, each row a list of its columns."""
    file = io.StringIO()
    net.trace(x, y, file)
    text = file.getvalue()
    forward, backward = (
        [re.split(r" {2,}", line) for line in part.splitlines()[1:] if "  " in line]
        for part in re.split(r"\nForward\n|\nBackward.*\n", text)[1:])
    return text, forward, backward


def same_draws(net):
    """net.rng as it stands: a copy that will draw the same."""
    return copy.deepcopy(net.rng.bit_generator.state)


# --- what is printed ------------------------------------------------------------------------------

def test_each_layer_has_a_line_forward_with_its_equation_and_shape(backend):
    _, forward, _ = traced(*make("book", backend))
    assert forward[0][:2] == ["input", "6 x 1 x 10 x 10"]  # floats: bytes would be byte/256
    assert [row[:3] for row in forward[1:]] == [
        ["ConvPool 3 maps 3 x 3, relu, max pool 2 x 2", "(125), pool", "6 x 3 x 4 x 4"],
        ["ConvPool 4 maps 2 x 2, relu, max pool 2 x 2", "(125), pool", "6 x 4 x 1 x 1"],
        ["Flatten", "6 x 4", forward[3][2]],  # the book has no equation for it
        ["Dense 5", "(25)", "6 x 5"],
        ["ReLU", "(112)", "6 x 5"],
        ["Dense 4", "(25)", "6 x 4"],
        ["Softmax", "(78)", "6 x 4"]]


def test_bytes_are_shown_as_what_they_become(backend):
    net, _, y = make("book", backend)
    _, forward, _ = traced(net, np.zeros((len(y), 1, 10, 10), np.uint8), y)
    assert forward[0][:3] == ["input", "byte/256", f"{len(y)} x 1 x 10 x 10"]


def test_each_layer_has_a_line_back_with_its_equation_and_shape(backend):
    _, _, backward = traced(*make("book", backend))
    assert [row[:3] for row in backward] == [
        ["delta of log_likelihood, Softmax", "BP1", "6 x 4"],
        ["Dense 4", "BP2-BP4", "6 x 5"],
        ["ReLU", "BP2, where on", "6 x 5"],
        ["Dense 5", "BP2-BP4", "6 x 4"],
        ["Flatten", "6 x 4 x 1 x 1", backward[4][2]],
        ["ConvPool 4 maps 2 x 2, relu, max pool 2 x 2", "BP2-BP4, winners only", "6 x 3 x 4 x 4"],
        ["ConvPool 3 maps 3 x 3, relu, max pool 2 x 2", "BP2-BP4, winners only", backward[6][2]]]


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_cost_is_that_of_the_mini_batch(kind, backend):
    net, x, y = make(kind, backend)
    text, _, _ = traced(net, x, y)
    state = same_draws(net)
    cost = net.cost_of(x, y, training=True)  # the same dropout mask
    net.rng.bit_generator.state = state
    a = x
    for layer in net.layers:
        a = layer.forward(a, training=True)
    right = int((a.argmax(axis=1) == y).sum())
    assert f"\nCost: {cost:.6g} nats, the mean of 6; {right} of 6 are right.\n" in text


@pytest.mark.parametrize("kind", NETWORKS)
def test_means_spreads_and_shares_are_those_of_each_output(kind, backend):
    net, x, y = make(kind, backend)
    _, forward, _ = traced(net, x, y)
    a = x
    for layer, row in zip([None, *net.layers], forward, strict=True):
        a = layer.forward(a, training=True) if layer else a
        numbers = [column for column in row if re.fullmatch(r"-?\d+(\.\d+)?(e-\d+)?", column)]
        assert numbers == [f"{a.mean():.4g}", f"{a.std():.4g}"], row
        said = row[-1] if row[-1].endswith(("zeros", "saturated")) else ""
        if isinstance(layer, Sigmoid):
            assert said == f"{np.mean((a < 0.01) | (a > 0.99)):.0%} saturated"
        elif isinstance(layer, Tanh):
            assert said == f"{np.mean(np.abs(a) > 0.98):.0%} saturated"
        else:
            assert said == (f"{np.mean(a == 0):.0%} zeros" if np.any(a == 0) else "")


@pytest.mark.parametrize("net, unit, said", [
    (lambda: [Dense(3), Sigmoid()], Sigmoid, "67% saturated"),
    (lambda: [Dense(3), Tanh()], Tanh, "67% saturated"),
    (lambda: [Dense(3), ReLU()], ReLU, "67% zeros"),
])
def test_saturated_and_silent_units_are_counted(net, unit, said):
    net = Network(net(), input_shape=(1,), backend="numpy", dtype="float64")
    net.layers[0].w[...] = 0
    net.layers[0].b[...] = [-30, 1, 30] if unit is not ReLU else [-30, -1, 30]
    text, _, _ = traced(net, np.ones((2, 1)), np.array([0, 1]))
    assert re.search(rf"\n{unit.__name__} .* {said}\n", text)


@pytest.mark.parametrize("kind", NETWORKS)
def test_gradient_norms_are_those_of_the_mean_cost(kind, backend):
    net, x, y = make(kind, backend)
    _, _, backward = traced(net, x, y)
    nabla_b, nabla_w = net.backprop(x, y)
    norms = [(row[-2], row[-1]) for row in backward
             if re.match(r"(Dense|Conv)", row[0])]
    expected = [(f"{np.linalg.norm(w) / M:.4g}", f"{np.linalg.norm(b) / M:.4g}")
                for w, b in zip(nabla_w, nabla_b)]
    assert norms == expected[::-1]


def test_norms_of_several_weights_are_named(backend):
    net = Network([Recurrent(3), Last(), Dense(2), Softmax()], input_shape=(4, 2),
                  backend=backend, dtype="float64")
    x = np.random.default_rng(0).normal(size=(M, 4, 2))
    _, _, backward = traced(net, x, np.zeros(M, int))
    net.backprop(x, np.zeros(M, int))
    w_xh, w_hh = (np.linalg.norm(nabla) / M for nabla in (net.layers[0].nabla_w_xh,
                                                          net.layers[0].nabla_w_hh))
    assert backward[-3][0].startswith("Recurrent")
    assert [row[1:] for row in backward[-2:]] == [["its w_xh", f"{w_xh:.4g}"],
                                                  ["its w_hh", f"{w_hh:.4g}"]]


def test_the_gradient_that_reaches_each_layer_is_measured(backend):
    class Remembering(Layer):
        """Hands everything on, and remembers the gradient that came back."""

        came = None

        def forward(self, a, training=False):
            return a

        def backward(self, d):
            Remembering.came = d.copy()
            return d

    net = Network([Dense(5), Remembering(), Dense(4), Softmax()], input_shape=(3,), backend=backend)
    _, _, backward = traced(net, np.random.default_rng(0).random((M, 3)), np.arange(M) % 4)
    norm = f"{np.linalg.norm(Remembering.came.astype(float)) / M:.4g}"
    rows = {row[0]: row for row in backward}
    assert rows["Dense 4"][2:4] == ["6 x 5", norm]  # dC/d its input
    assert rows["Remembering"][-2:] == ["6 x 5", norm]


def test_bytes_are_shown_as_the_network_sees_them(backend):
    net, x, y = make("book", backend)
    images = (x * 255).astype(np.uint8)
    _, forward, _ = traced(net, images, y)
    assert forward[0][3] == f"{np.mean(images / 256):.4g}"


def test_it_prints_to_stdout_where_no_file_is_given(capsys):
    net, x, y = make("book", "numpy")
    text, _, _ = traced(net, x, y)
    net.trace(x, y)
    assert capsys.readouterr().out == text
    assert text.startswith("One mini-batch of 6, on the numpy backend, float64.\n")
    assert max(map(len, text.splitlines())) <= 120


class Doubled:
    """A layer of a reader's own that inherits nothing."""

    parameters = ()

    def setup(self, shape, ops, rng, dtype):
        return shape

    def forward(self, a, training=False):
        return 2 * a

    def backward(self, d):
        return 2 * d


def test_a_layer_that_inherits_nothing_is_shown_by_its_name(backend):
    net = Network([Doubled(), Dense(4), Doubled(), Dense(4), Softmax()], input_shape=(3,),
                  backend=backend)
    _, forward, backward = traced(net, np.ones((M, 3)), np.arange(M) % 4)
    assert [row[0] for row in forward][1:4] == ["Doubled", "Dense 4", "Doubled"]
    assert "Doubled" in [row[0] for row in backward]


# --- what is not changed --------------------------------------------------------------------------

@pytest.mark.parametrize("kind", NETWORKS)
def test_nothing_in_the_network_is_changed(kind, backend):
    net, x, y = make(kind, backend)
    net.SGD((x, y), 1, 4, 0.1, momentum=0.5, progress=False)
    net.backprop(x[:5], y[:5])

    def everything():
        return [(key, value if not isinstance(value, np.ndarray) else value.tobytes())
                for layer in net.layers for key, value in sorted(vars(layer).items())
                if key not in ("work", "rng", "ops")] + [
            (key, np.asarray(value).tobytes()) for layer in net.layers
            for key, value in layer.work.items() if isinstance(value, np.ndarray)]

    before, state, given = everything(), same_draws(net), (x.copy(), y.copy())
    history = copy.deepcopy(vars(net.history))
    traced(net, x, y)
    assert everything() == before
    assert net.rng.bit_generator.state == state
    assert vars(net.history) == history
    np.testing.assert_array_equal(x, given[0])
    np.testing.assert_array_equal(y, given[1])
