"""Where weights and biases start: their distributions, and the order in which they are drawn."""

import numpy as np
import pytest

from nndl import Conv, ConvPool, Dense, Network, initialize

FAN_IN, FAN_OUT = 50, 200
DRAWS = (400, 500)  # 200,000 weights: the standard error of their mean is 0.0022 of their spread
# (standard deviation of the weights, of the biases) from the formulas in the book and the papers.
SPREAD = {
    "large": (1.0, 1.0),
    "default": (1 / np.sqrt(FAN_IN), 1.0),
    "network3": (1 / np.sqrt(FAN_OUT), 1.0),
    "glorot": (np.sqrt(2 / (FAN_IN + FAN_OUT)), 0.0),
    "he": (np.sqrt(2 / FAN_IN), 0.0),
    "zeros": (0.0, 0.0),
}


def draw(name, shape=DRAWS, seed=0):
    return initialize.by_name(name)(np.random.default_rng(seed), shape, FAN_IN, FAN_OUT)


@pytest.mark.parametrize("name", SPREAD)
def test_weights_have_the_mean_and_the_spread_that_the_formula_says(name):
    spread, _ = SPREAD[name]
    w, _ = draw(name)
    assert w.shape == DRAWS and w.dtype == np.float64
    assert abs(w.mean()) <= 5 * spread / np.sqrt(w.size)
    assert w.std() == pytest.approx(spread, rel=5 / np.sqrt(2 * w.size))  # 5 standard errors


@pytest.mark.parametrize("name", SPREAD)
def test_biases_have_the_mean_and_the_spread_that_the_formula_says(name):
    _, spread = SPREAD[name]
    _, b = draw(name, (100_000, 1))
    assert b.shape == (100_000,) and b.dtype == np.float64
    assert abs(b.mean()) <= 5 * spread / np.sqrt(b.size)
    assert b.std() == pytest.approx(spread, rel=5 / np.sqrt(2 * b.size))


def test_the_list_of_initialisers_is_whole():
    assert set(initialize.INITIALISERS) == set(SPREAD)


@pytest.mark.parametrize("name", ["large", "default", "network3"])
def test_biases_are_drawn_first_as_in_the_books_programs(name):
    rng = np.random.default_rng(7)
    first, then = rng.standard_normal(4), rng.standard_normal((4, 3))
    w, b = draw(name, (4, 3), seed=7)
    np.testing.assert_array_equal(b, first)
    np.testing.assert_allclose(w, then * SPREAD[name][0], rtol=1e-15)


@pytest.mark.parametrize("name", ["glorot", "he"])
def test_biases_of_0_take_no_random_number(name):
    w, b = draw(name, (4, 3), seed=7)
    np.testing.assert_array_equal(b, 0)
    expected = np.random.default_rng(7).standard_normal((4, 3)) * SPREAD[name][0]
    np.testing.assert_allclose(w, expected, rtol=1e-15)


def test_zeros_are_zeros():
    w, b = draw("zeros", (4, 3))
    assert not w.any() and not b.any() and w.shape == (4, 3) and b.shape == (4,)


@pytest.mark.parametrize("layer, fans", [
    (Dense(7), (784, 7)),                                # after the Flatten of 1 x 28 x 28
    (Conv(6, (5, 3)), (15, 6 * 15)),
    (Conv(6, 5, stride=2, padding=1), (25, 6 * 25)),
    (ConvPool(6, 5), (25, 6 * 25 // 4)),                 # network3 divides by the pool's area
    (ConvPool(6, 5, pool_size=(3, 1), pool_stride=1), (25, 6 * 25 // 3)),
    (ConvPool(1, 1, pool_size=2), (1, 1)),               # and never by more than there is
])
def test_layers_hand_their_fans_to_the_initialiser(layer, fans):
    seen = []

    def spy(rng, shape, fan_in, fan_out):
        seen.append((fan_in, fan_out))
        return initialize.default(rng, shape, fan_in, fan_out)

    layer.init = spy
    Network([layer])
    assert seen == [fans]


def test_a_network_draws_layer_after_layer_from_its_one_generator():
    net = Network([Dense(5), Dense(3)], input_shape=(4,), seed=11, dtype="float64")
    rng = np.random.default_rng(11)
    for layer, n_in in zip(net.layers, (4, 5)):
        w, b = initialize.default(rng, layer.w.shape, n_in, None)
        np.testing.assert_array_equal(layer.w, w)
        np.testing.assert_array_equal(layer.b, b)


def test_float32_weights_are_the_float64_ones_rounded():
    wide, narrow = (Network([Conv(3, 5), Dense(10)], dtype=dtype) for dtype in
                    ("float64", "float32"))
    for one, other in zip(wide.layers, narrow.layers):
        for name in one.parameters:
            assert getattr(other, name).dtype == np.float32
            np.testing.assert_array_equal(getattr(one, name).astype(np.float32),
                                          getattr(other, name))


def test_a_function_of_ones_own_will_do():
    def ones(rng, shape, fan_in, fan_out):
        return np.ones(shape), np.full(shape[0], 2.0)

    assert initialize.by_name(ones) is ones
    layer = Network([Dense(3, init=ones)], input_shape=(2,)).layers[0]
    np.testing.assert_array_equal(layer.w, 1)
    np.testing.assert_array_equal(layer.b, 2)


@pytest.mark.parametrize("name", ["He", "xavier", "", None, 3, []])
def test_an_unknown_initialiser_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match="init must be one of large, default, network3, glorot, "
                                         "he, zeros, not "):
        initialize.by_name(name)
