"""The solutions to lessons 3.0.0 to 3.2.3, with tiny settings: sign and size of what each shows."""

import numpy as np
import pytest

from lessons import network_3_1_1_relu_tanh as lesson_3_1_1
from lessons.solutions import (
    after_rescaling,
    best_rate_by_size,
    dropout_of_pixels,
    feature_maps,
    half_of_each,
    lambda_by_size,
    large_weights_deep,
    shuffled_pixels,
    swapped_etas,
    third_convolution,
)
from nndl import Conv, ConvPool, Dense, Network, ReLU, Sigmoid, Softmax, load_mnist
from nndl.data import Splits
from tests.figures import figure

ALL = (after_rescaling, best_rate_by_size, dropout_of_pixels, feature_maps, half_of_each,
       lambda_by_size, large_weights_deep, shuffled_pixels, swapped_etas, third_convolution)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Two thousand validation and test images each are enough here."""
    training, validation, test = load_mnist()
    splits = Splits(training, validation[:2000], test[:2000])
    for module in ALL:
        monkeypatch.setattr(module, "load_mnist", lambda: splits)


# --- 3.0 ------------------------------------------------------------------------------------------


def test_feature_maps(tmp_path):
    measured = feature_maps.main(epochs=2, train_size=1500, runs=1, out=tmp_path)
    for maps, (parameters, multiplications) in measured["costs"].items():
        assert parameters == 26 * maps + 100 * (144 * maps + 1) + 1010
        assert multiplications == 576 * 25 * maps + 100 * 144 * maps + 1000
    squares = measured["squares"]
    assert 6 < squares["sigmoid, 40 maps"] / squares["sigmoid, 5 maps"] < 10
    accuracies = {name: runs[0] for name, runs in measured["accuracies"].items()}
    assert min(accuracies[f"ReLU, {maps} maps"] for maps in feature_maps.MAPS) > 0.85
    assert accuracies["sigmoid, 40 maps"] < accuracies["sigmoid, 5 maps"] - 0.2  # starts later
    assert figure(tmp_path, "feature_maps")


def test_shuffled_pixels(tmp_path):
    measured = shuffled_pixels.main(epochs=3, train_size=3000, runs=1, out=tmp_path)
    dense, conv = measured["change"].values()
    assert abs(dense) < 0.03
    assert conv < -0.1
    assert measured["rounding"] < 1e-4
    assert figure(tmp_path, "shuffled_pixels")


def test_shuffling_keeps_each_images_pixels():
    images = np.arange(2 * 784).reshape(2, 28, 28)
    order = np.random.default_rng(0).permutation(784)
    mixed, labels = shuffled_pixels.shuffled((images, [3, 4]), order)
    assert labels == [3, 4] and mixed.shape == images.shape
    assert np.array_equal(np.sort(mixed.reshape(2, -1)), images.reshape(2, -1))
    assert np.array_equal(mixed[1] - mixed[0], np.full((28, 28), 784))  # the same for all images


def test_third_convolution():
    measured = third_convolution.main(epochs=1, train_size=1200, runs=1)
    assert "kernel 5 x 5 is larger than its 4 x 4 input" in measured["refused"]
    two, last, padded = measured["sides"].values()
    assert (two, last, padded) == ([12, 4], [12, 4, 2], [14, 7, 3])
    of_last, of_all = measured["shares"].values()
    assert of_last == pytest.approx(0.49) and of_all == pytest.approx(0.687, abs=0.001)
    assert measured["part"]["sigmoid"][0] < 0.4 < measured["part"]["relu"][0]
    assert min(runs[0] for runs in measured["accuracies"].values()) > 0.6


@pytest.mark.parametrize("side", [4, 7, 14])
def test_what_meets_the_map_is_what_a_filter_of_ones_adds_up(side):
    net = Network([Conv(1, 5, padding=2)], input_shape=(1, side, side))
    net.layers[0].w[...], net.layers[0].b[...] = 1, 0
    counted = net.layers[0].forward(np.ones((1, 1, side, side), np.float32))[0, 0]
    assert np.array_equal(third_convolution.on_the_map(side), counted)


# --- 3.1 ------------------------------------------------------------------------------------------


def test_swapped_etas(tmp_path, monkeypatch):
    def with_fewer_maps(name, seed):
        unit = {"ReLU": ReLU, "sigmoid": Sigmoid}[name]
        return Network([ConvPool(6, 5, unit.name), ConvPool(10, 5, unit.name), Dense(30), unit(),
                        Dense(10), Softmax()], seed=seed)

    monkeypatch.setattr(swapped_etas, "build_network", with_fewer_maps)
    measured = swapped_etas.main(epochs=5, train_size=2500, runs=1, out=tmp_path)
    assert measured["lost"]["sigmoid"] > 0.1
    assert abs(measured["lost"]["ReLU"]) < 0.04
    assert min(measured["accuracies"][f"ReLU, η = {eta}"][0] for eta in (0.03, 0.1)) > 0.88
    assert figure(tmp_path, "swapped_etas")


def test_after_rescaling(tmp_path):
    measured = after_rescaling.main(train_size=500, out=tmp_path)
    ratios, cosines = (list(measured[name].values()) for name in ("ratios", "cosines"))
    assert measured["equal"] < 1e-5 < 0.1 < measured["differ"]
    assert ratios[0] == pytest.approx(0.25, rel=1e-5)
    assert cosines[0] == pytest.approx(1, abs=1e-9)
    assert max(cosines[1:]) < 0.9
    before, after = (measured["accuracies"][when] for when in ("before", "after"))
    assert before[0] == before[1] and min(after) > before[0]   # both have learnt
    assert figure(tmp_path, "after_rescaling")


def test_the_steps_of_the_twin_are_those_of_the_table():
    """The answer's formulas, of each weight of each layer."""
    mini_batch = load_mnist().training[:10]
    net = lesson_3_1_1.build_network("tanh", seed=1)
    exact = net.copy(dtype="float64")
    twin = lesson_3_1_1.as_sigmoids(net).copy(dtype="float64")
    nabla_b, nabla_w = exact.backprop(*mini_batch)
    for (w, b), layer in zip(after_rescaling.as_tanhs(twin), after_rescaling.weighted(exact)):
        assert np.allclose(w, layer.w, atol=1e-6) and np.allclose(b, layer.b, atol=1e-5)
    _, its = after_rescaling.first_steps(exact, twin, mini_batch)
    eta = lesson_3_1_1.ETA["tanh"] / 10
    for number, part in enumerate((1 / 4, 1 / 16, 1 / 16, 1 / 4)):
        along = nabla_w[number]
        if number:
            along = along + nabla_b[number].reshape(-1, *[1] * (along.ndim - 1))
        expected = -eta * part * along
        error = np.linalg.norm(its[number] - expected) / np.linalg.norm(expected)
        assert error < 1e-3, number   # the twin was made in float32


def test_large_weights_deep(tmp_path):
    measured = large_weights_deep.main(epochs=5, train_size=3000, runs=1, out=tmp_path)
    (grown,) = measured["grown"]
    assert grown == sorted(grown, reverse=True)
    assert grown[0] > 8 and grown[-1] < 0.8
    (default,), (large,) = (measured["slopes"][init] for init in large_weights_deep.INITS)
    assert max(large) < 0.15 < min(default)
    accuracies = {init: runs[0] for init, runs in measured["accuracies"].items()}
    assert accuracies["default"] < 0.2 and accuracies["large"] > 0.55
    assert figure(tmp_path, "large_weights_deep")


# --- 3.2 ------------------------------------------------------------------------------------------


def test_dropout_of_pixels(tmp_path):
    measured = dropout_of_pixels.main(epochs=10, train_size=300, runs=1, out=tmp_path)
    handed_on = list(measured["handed on"].values())
    assert handed_on[0] == pytest.approx(1, abs=1e-6)
    assert handed_on == sorted(handed_on)
    assert handed_on[-1] > 1.5
    assert measured["validation"]["p = 0"][0] > measured["validation"]["p = 0.5"][0] + 0.02
    assert figure(tmp_path, "dropout_of_pixels")


def test_the_holes_of_dropped_pixels():
    images = load_mnist().test.images[:20]
    holes = dropout_of_pixels.with_holes(images, 0.5, seed=0)
    ink = images > 0
    gone = (holes == 0) & ink
    assert 0.45 < gone.sum() / ink.sum() < 0.55
    assert np.allclose(holes[~gone], 2 * (images[~gone] / 256))


def test_best_rate_by_size(tmp_path):
    measured = best_rate_by_size.main(epochs=15, train_size=300, runs=1, out=tmp_path)
    chosen = {neurons: {p: runs[0] for p, runs in rates.items()}
              for neurons, rates in measured["validation"].items()}
    assert chosen[50][0.2] > chosen[50][0.9] + 0.1
    assert abs(chosen[1000][0.2] - chosen[1000][0.9]) < 0.03
    assert measured["best"][50] < measured["best"][1000]
    assert best_rate_by_size.noise(100, 0.5) == pytest.approx(0.1)
    assert figure(tmp_path, "best_rate_by_size")


def test_lambda_by_size(tmp_path):
    measured = lambda_by_size.main(epochs=25, train_size=200, runs=1, out=tmp_path)
    costs = {size: {lmbda: runs[0] for lmbda, runs in of_size.items()}
             for size, of_size in measured["costs"].items()}
    for size in costs:
        assert costs[size][30.0] > max(costs[size][lmbda] for lmbda in (0.0, 1.0, 3.0)) + 0.03
    gain = {size: costs[size][0.0] - costs[size][3.0] for size in costs}
    assert gain["small"] > gain["large"] + 0.005
    moved = measured["moved"]
    assert moved["small"][0.0] > 3 * moved["large"][0.0]
    assert measured["learnt"]["large"][0.0] == 1
    left = np.exp(-lambda_by_size.ETA * 10 * 25 / lambda_by_size.MINI_BATCH_SIZE)
    assert moved["large"][10.0] == pytest.approx(1 - left, abs=0.05)
    assert figure(tmp_path, "lambda_by_size")


def test_half_of_each(tmp_path):
    measured = half_of_each.main(epochs=6, train_size=200, runs=1, out=tmp_path)
    assert list(measured["accuracies"]) == ["p = 0.5, λ = 1", "p = 0.5, λ = 0.5",
                                            "p = 0.25, λ = 1", "p = 0.25, λ = 0.5"]
    sizes = {name: runs[0] for name, runs in measured["sizes"].items()}
    # λ shrinks the weights by what the answer says, whatever p is.
    shrunk = np.exp(-half_of_each.ETA * 0.5 * 6 / half_of_each.MINI_BATCH_SIZE)
    for p in ("0.5", "0.25"):
        ratio = sizes[f"p = {p}, λ = 1"] / sizes[f"p = {p}, λ = 0.5"]
        assert ratio == pytest.approx(shrunk, abs=2e-3)
    assert sizes["p = 0.5, λ = 1"] != sizes["p = 0.25, λ = 1"]
    assert figure(tmp_path, "half_of_each")
