"""The layers: gradients, shapes, what they refuse, and the copies they make of themselves."""

import re

import numpy as np
import pytest

from nndl import (
    ELU,
    GELU,
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Flatten,
    L2Pool,
    Layer,
    LeakyReLU,
    MaxPool,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    backends,
)
from nndl.gradcheck import GradientError, check_layer
from nndl.layers import LAYERS

BACKENDS = ("numpy", "numba")
ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")

# Each layer kind with some of its options, the shape of one example, and the shape that comes out.
CASES = [
    (Dense(4), (7,), (4,)),
    (Dense(1, init="he"), (3,), (1,)),
    (Dense(4), (5, 7), (5, 4)),  # the same weights at each of five steps
    (Flatten(), (2, 3, 4), (24,)),
    (Conv(3, 3), (2, 6, 5), (3, 4, 3)),
    (Conv(2, (2, 3), stride=(2, 1), padding=(1, 2)), (3, 5, 4), (2, 3, 6)),
    (Conv(9, 4, stride=3, padding=1), (1, 7, 8), (9, 2, 3)),
    *[(ConvPool(3, (3, 2), activation, pool=pool), (2, 7, 6), (3, 2, 2))
      for activation in ACTIVATIONS for pool in ("max", "l2")],
    (ConvPool(2, 2, "tanh", pool_size=3, pool_stride=2, padding=1), (2, 6, 7), (2, 3, 3)),
    (ConvPool(2, 3, "elu", pool_size=(1, 2), stride=(2, 1), alpha=0.5), (1, 7, 8), (2, 3, 3)),
    (ConvPool(9, (1, 3), "sigmoid", pool_size=2, pool="l2", pool_stride=1), (7, 4, 5), (9, 3, 2)),
    (ConvPool(9, (2, 3), pool_size=(1, 2)), (6, 4, 6), (9, 3, 2)),  # kw c = 18: a long row
    (ConvPool(2, 2, "leaky_relu", pool_size=(2, 3), pool_stride=(3, 1), alpha=0.3), (3, 7, 6),
     (2, 2, 3)),
    (MaxPool(), (2, 4, 6), (2, 2, 3)),
    (MaxPool(2), (2, 5, 7), (2, 2, 3)),
    (MaxPool((3, 2), stride=1), (2, 5, 4), (2, 3, 3)),
    (L2Pool(), (2, 4, 6), (2, 2, 3)),
    (L2Pool((2, 3)), (2, 5, 7), (2, 2, 2)),
    (L2Pool(3, stride=(1, 2)), (2, 5, 5), (2, 3, 2)),
    *[(activation, (2, 3, 3), (2, 3, 3)) for activation in (
        Sigmoid(), Tanh(), ReLU(), LeakyReLU(), LeakyReLU(0.3), ELU(), ELU(0.5), GELU())],
    (Softmax(), (6,), (6,)),
    (Softmax(), (4, 6), (4, 6)),
    (Flatten(), (4, 6), (24,)),
    (Tanh(), (4, 6), (4, 6)),
    (Dropout(0.3), (4, 6), (4, 6)),
    (Dropout(0.4), (11,), (11,)),
    (Dropout(0), (2, 3, 3), (2, 3, 3)),
]
NAMES = [repr(layer) for layer, _, _ in CASES]


def set_up(layer, shape, backend="numpy", seed=0, dtype=np.float64):
    """A fresh layer like `layer`, and an input of three examples for it."""
    rng = np.random.default_rng(seed)
    layer = layer.clone()
    out = layer.setup(shape, backends.get(backend), rng, dtype)
    return layer, rng.normal(size=(3, *shape)).astype(dtype), out


# --- gradients ------------------------------------------------------------------------------------

@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layer, shape", [case[:2] for case in CASES], ids=NAMES)
def test_backward_is_the_gradient_of_forward(layer, shape, backend):
    layer = layer.clone()
    errors = check_layer(layer, shape, backend=backend)
    assert set(errors) == {"input", *layer.parameters}


def test_every_kind_of_layer_is_among_the_cases():
    """Those for sequences have tests of their own, in test_recurrent.py."""
    assert {type(layer) for layer, _, _ in CASES} == set(LAYERS.values())


class Square(Layer):
    """a², a layer as a reader might write it."""

    def forward(self, a, training=False):
        self.a = a
        return a * a

    def backward(self, d):
        return 2 * self.a * d


class WrongSquare(Square):
    """Forgets the 2."""

    def backward(self, d):
        return self.a * d


class MeanOfDeltas(Dense):
    """Divides BP3's sum by m: the mean is the update's business."""

    def backward(self, delta):
        da = super().backward(delta)
        self.nabla_b = self.nabla_b / len(delta)
        return da


class OneWrongIndex(Dense):
    """Right but for the gradient of w[2, 1]."""

    def backward(self, delta):
        da = super().backward(delta)
        self.nabla_w = self.nabla_w.copy()
        self.nabla_w[2, 1] += 1e-3
        return da


def test_a_right_layer_of_ones_own_passes_in_three_lines():
    from nndl.gradcheck import check_layer
    errors = check_layer(Square(), (3, 4, 4))
    assert errors["input"] < 1e-7


def test_a_wrong_layer_is_told_array_index_and_both_numbers():
    layer = WrongSquare()
    with pytest.raises(GradientError) as raised:
        check_layer(layer, (5,), m=2)
    found = re.search(r"gradient of input is wrong, most of all at input\[(\d), (\d)\]: "
                      r"numerical (\S+), analytic (\S+) ", str(raised.value))
    assert found, raised.value
    row, column, numeric, analytic = (float(number) for number in found.groups())
    assert 0 <= row < 2 and 0 <= column < 5
    assert numeric == pytest.approx(2 * analytic, rel=1e-6)  # the forgotten 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layer, says", [
    (MeanOfDeltas(4), r"gradient of b is wrong, most of all at b\[\d\]: numerical .* analytic "),
    (OneWrongIndex(4), r"gradient of w is wrong, most of all at w\[2, 1\]: numerical .* analytic "),
], ids=["b", "w"])
def test_a_wrong_gradient_of_a_parameter_is_found_and_named(layer, says, backend):
    with pytest.raises(GradientError, match=says):
        check_layer(layer, (5,), backend=backend)


def test_a_gradient_of_the_wrong_shape_is_named():
    class Summed(Square):
        def backward(self, d):
            return super().backward(d).sum(axis=0)

    with pytest.raises(GradientError, match=r"gradient of input has shape \(5,\).*\(3, 5\)"):
        check_layer(Summed(), (5,))


# --- shapes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layer, shape, expected", CASES, ids=NAMES)
def test_output_shape_is_inferred_and_what_forward_makes(layer, shape, expected, backend):
    layer, x, out = set_up(layer, shape, backend)
    before = x.copy()
    a = layer.forward(x, training=True)
    assert out == layer.output_shape(shape) == a.shape[1:] == expected
    assert a.dtype == np.float64
    np.testing.assert_array_equal(x, before)  # nothing handed in is overwritten
    d = np.ones_like(a)
    dx = layer.backward(d)
    assert dx.shape == x.shape
    np.testing.assert_array_equal(d, 1)
    np.testing.assert_array_equal(x, before)


def test_parameters_have_the_shapes_of_the_book():
    dense, _, _ = set_up(Dense(4), (7,))
    assert dense.w.shape == (4, 7) and dense.b.shape == (4,)
    conv, _, _ = set_up(Conv(3, (2, 5), padding=1), (6, 8, 8))
    assert conv.w.shape == (3, 6, 2, 5) and conv.b.shape == (3,)


def test_the_books_network_infers_every_size():
    net = Network([ConvPool(20, 5), ConvPool(40, 5), Dense(100), ReLU(), Dense(10), Softmax()])
    assert net.shapes == [(20, 12, 12), (40, 4, 4), (640,), (100,), (100,), (10,), (10,)]
    assert isinstance(net.layers[2], Flatten)  # put before the Dense that follows feature maps


@pytest.mark.parametrize("backend", BACKENDS)
def test_conv_is_equation_125_by_hand(backend):
    layer, _, _ = set_up(Conv(1, 2), (1, 2, 3), backend)
    layer.w[...] = [[[[1, 2], [3, 4]]]]  # not flipped: a cross-correlation
    layer.b[...] = 10
    a = np.array([[[[1.0, 0, 2], [0, 1, 1]]]])
    np.testing.assert_array_equal(layer.forward(a), [[[[10 + 1 + 4, 10 + 4 + 3 + 4]]]])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pool", ["max", "l2"])
def test_conv_pool_is_convolution_then_activation_then_pooling(backend, activation, pool):
    unit, x, _ = set_up(ConvPool(3, 3, activation, pool=pool, padding=1), (2, 7, 6), backend)
    conv, _, maps = set_up(Conv(3, 3, padding=1), (2, 7, 6))
    conv.w, conv.b = unit.w, unit.b
    a = conv.forward(x)
    if activation != "linear":
        kinds = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU, "leaky_relu": LeakyReLU,
                 "elu": ELU, "gelu": GELU}
        layer, _, _ = set_up(kinds[activation](), maps)
        a = layer.forward(a)
    layer, _, _ = set_up({"max": MaxPool, "l2": L2Pool}[pool](), maps)
    np.testing.assert_allclose(unit.forward(x), layer.forward(a), rtol=1e-12, atol=1e-13)


# --- dropout --------------------------------------------------------------------------------------

@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_drops_p_of_the_units_and_scales_up_the_others(backend):
    layer, _, _ = set_up(Dropout(0.25), (20_000,), backend)
    out = layer.forward(np.ones((5, 20_000)), training=True).copy()
    assert set(np.unique(out)) == {0.0, 1 / 0.75}
    assert np.mean(out == 0) == pytest.approx(0.25, abs=0.007)  # 5 standard deviations
    np.testing.assert_array_equal(layer.backward(np.ones((5, 20_000))), out)  # the same mask
    again = layer.forward(np.ones((5, 20_000)), training=True)
    assert np.any(again != out)  # a fresh mask each time


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_is_nothing_outside_training(backend):
    layer, x, _ = set_up(Dropout(0.5), (40,), backend)
    np.testing.assert_array_equal(layer.forward(x, training=False), x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_books_dropout_scales_down_when_testing_instead(backend):
    layer, x, _ = set_up(Dropout(0.25, inverted=False), (2, 3, 40), backend)
    np.testing.assert_array_equal(layer.forward(x, training=False), 0.75 * x)
    out = layer.forward(x, training=True).copy()
    assert np.all((out == 0) | (out == x)) and np.any(out != x)
    np.testing.assert_array_equal(layer.backward(x), out)
    assert "inverted=False" in repr(layer)


# --- what layers refuse ---------------------------------------------------------------------------

@pytest.mark.parametrize("make, error, says", [
    (lambda: Dense(0), ValueError, "n_out must be at least 1, not 0"),
    (lambda: Dense(2.0), TypeError, "n_out must be an int, not 2.0"),
    (lambda: Dense("ten"), TypeError, "n_out must be an int, not 'ten'"),
    (lambda: Dense(True), TypeError, "n_out must be an int, not True"),
    (lambda: Dense(10, init="hee"), ValueError, "init must be one of .*he.*, not 'hee'"),
    (lambda: Dense(10, init=[]), ValueError, r"init must be one of .*, not \[\]"),
    (lambda: Conv(-1, 5), ValueError, "filters must be at least 1, not -1"),
    (lambda: Conv(None, 5), TypeError, "filters must be an int, not None"),
    (lambda: Conv(2, 0), ValueError, "kernel_size must be at least 1, not 0"),
    (lambda: Conv(2, (3, 3, 3)), TypeError, r"kernel_size must be .* pair .*, not \(3, 3, 3\)"),
    (lambda: Conv(2, 2.5), TypeError, "kernel_size must be .*, not 2.5"),
    (lambda: Conv(2, 5, stride=0), ValueError, "stride must be at least 1, not 0"),
    (lambda: Conv(2, 5, stride="two"), TypeError, "stride must be .*, not 'two'"),
    (lambda: Conv(2, 5, padding=-1), ValueError, "padding must be at least 0, not -1"),
    (lambda: Conv(2, 5, padding=None), TypeError, "padding must be .*, not None"),
    (lambda: ConvPool(2, 5, "rlu"), ValueError, "activation must be one of .*relu.*, not 'rlu'"),
    (lambda: ConvPool(2, 5, pool="avg"), ValueError, "pool must be 'max' or 'l2', not 'avg'"),
    (lambda: ConvPool(2, 5, pool_size=0), ValueError, "pool_size must be at least 1, not 0"),
    (lambda: ConvPool(2, 5, pool_stride=0), ValueError, "pool_stride must be at least 1, not 0"),
    (lambda: ConvPool(2, 5, "leaky_relu", alpha=2), ValueError, "alpha of leaky_relu .* not 2"),
    (lambda: ConvPool(2, 5, "elu", alpha=-1), ValueError, "alpha of elu must be above 0, not -1"),
    (lambda: ConvPool(2, 5, "relu", alpha=0.1), ValueError, "alpha .* relu"),
    (lambda: MaxPool(0), ValueError, "size must be at least 1, not 0"),
    (lambda: MaxPool(2, stride=0), ValueError, "stride must be at least 1, not 0"),
    (lambda: L2Pool("2"), TypeError, "size must be an int or a pair .*, not '2'"),
    (lambda: LeakyReLU(0), ValueError, "slope of leaky_relu must be above 0 and below 1, not 0"),
    (lambda: LeakyReLU("x"), ValueError, "slope of leaky_relu .* not 'x'"),
    (lambda: ELU(0.0), ValueError, "alpha of elu must be above 0, not 0.0"),
    (lambda: ELU(float("nan")), ValueError, "alpha of elu must be above 0, not nan"),
    (lambda: Dropout(1), ValueError, "p_dropout must be at least 0 and below 1, not 1"),
    (lambda: Dropout(-0.1), ValueError, "p_dropout .* not -0.1.*probability .* dropped"),
    (lambda: Dropout("half"), TypeError, "p_dropout .* not 'half'"),
])
def test_a_wrong_argument_is_named_with_what_came(make, error, says):
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("layers, says", [
    ([Dense(10), Conv(3, 5)], r"layers\[1\], Conv.*feature maps .* before Flatten and Dense"),
    ([Dense(10), ConvPool(3, 5)], r"layers\[1\], ConvPool.*before Flatten and Dense"),
    ([Flatten(), MaxPool()], r"layers\[1\], MaxPool.*before Flatten and Dense"),
    ([Conv(3, 5), Softmax()], r"layers\[1\], Softmax.*3 x 24 x 24.*put a Dense layer before"),
    ([MaxPool(29)], r"layers\[0\], MaxPool.*pool size 29 x 29 is larger than its 28 x 28 input"),
    ([ConvPool(3, 27, pool_size=3)], r"pool size 3 x 3 is larger than its 2 x 2 input"),
    ([Conv(3, 31, padding=1)], r"kernel 31 x 31 is larger than its 28 x 28 input \(padding 1, 1\)"),
])
def test_a_layer_in_the_wrong_place_is_named_with_what_would_mend_it(layers, says):
    with pytest.raises(ValueError, match=says):
        Network(layers)


def test_dense_alone_wants_a_row():
    with pytest.raises(ValueError, match=r"not 1 x 28 x 28: put a Flatten\(\) before it"):
        Dense(10).setup((1, 28, 28), backends.get("numpy"), np.random.default_rng(0), np.float32)


# --- copies ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("layer, shape", [case[:2] for case in CASES], ids=NAMES)
def test_repr_config_and_clone_make_the_same_layer(layer, shape):
    made = eval(repr(layer), dict(LAYERS))  # what repr prints can be typed in again
    copied = set_up(layer, shape)[0].clone()  # of a layer that is set up
    for other in (made, copied):
        assert type(other) is type(layer)
        assert other.config() == layer.config()
        assert repr(other) == repr(layer)
        assert not hasattr(other, "w")
    assert type(layer)(**layer.config()).describe() == layer.describe()


@pytest.mark.parametrize("layer, words", [
    (Dense(100), "Dense 100"),
    (Conv(20, 5), "Conv 20 maps 5 x 5"),
    (Conv(20, (5, 3), stride=2, padding=(1, 0)),
     "Conv 20 maps 5 x 3, stride 2 x 2, padding 1 x 0"),
    (ConvPool(20, 5), "ConvPool 20 maps 5 x 5, relu, max pool 2 x 2"),
    (L2Pool(3), "L2Pool 3 x 3"),
    (Dropout(0.25), "Dropout 0.25"),
    (GELU(), "GELU"),
])
def test_a_layer_describes_itself_in_a_few_words(layer, words):
    assert layer.describe() == words


def test_a_layer_can_be_set_up_again_for_another_shape():
    layer = Dense(4)
    for n_in in (3, 6):
        layer.setup((n_in,), backends.get("numpy"), np.random.default_rng(0), np.float32)
        assert layer.w.shape == (4, n_in)
    assert check_layer(layer, (5,))["input"] < 1e-7
    assert layer.w.shape == (4, 5)


def test_a_layer_that_overwrites_its_input_is_found():
    class InPlace(Layer):
        def forward(self, a, training=False):
            self.a = a
            a *= a
            return a

        def backward(self, d):
            return 2 * self.a * d

    with pytest.raises(GradientError, match="forward's input was overwritten"):
        check_layer(InPlace(), (4,))


def test_what_a_layer_of_ones_own_forgets_is_named():
    class Nothing:
        def forward(self, a, training=False):
            return a

    class Forgetful(Layer):
        parameters = ("w",)

        def __init__(self, n):
            self.size = n
            self.w = np.ones(n)

        def forward(self, a, training=False):
            return a * self.w

        def backward(self, d):
            return d * self.w

    with pytest.raises(TypeError, match="Nothing has no setup: inherit nndl.Layer"):
        check_layer(Nothing(), (4,))
    with pytest.raises(TypeError, match=r"say ReLU\(\)"):
        check_layer(ReLU, (4,))
    with pytest.raises(GradientError, match="sets no nabla_w"):
        check_layer(Forgetful(4), (4,))
    with pytest.raises(ValueError, match="takes n but does not keep it: write self.n = n"):
        Forgetful(4).config()
