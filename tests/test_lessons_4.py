"""Lessons 4.x, looking inside: each shows, at a tiny size, what it teaches."""

import sys

import numpy as np
import pytest

from lessons import network_4_0_convolution_by_hand as by_hand
from lessons import network_4_1_filters_and_maps as filters_and_maps
from lessons import network_4_2_pooling as pooling
from lessons import network_4_3_backpropagation as backpropagation
from lessons import network_4_4_translation as translation
from lessons import network_4_5_activations_and_filters as activations
from lessons import network_4_6_pytorch as pytorch
from nndl import MaxPool, Network, load_mnist

LESSONS = [filters_and_maps, pooling, translation, activations]


@pytest.fixture
def few(monkeypatch):
    """Let the lessons measure on 1,000 validation and 1,000 test images: accuracies take time, too."""
    splits = load_mnist()
    splits = splits._replace(validation=splits.validation[:1000], test=splits.test[:1000])
    for module in LESSONS:
        monkeypatch.setattr(module, "load_mnist", lambda: splits)


def figures(tmp_path, module):
    """The names of the figures that a lesson has made."""
    return {path.name for path in (tmp_path / module.__name__.split(".")[-1]).glob("*/*.png")}


def test_4_0_loops_numpy_and_numba_make_the_same_map(tmp_path, capsys):
    measured = by_hand.main(mini_batch_size=1, out=tmp_path)
    said = capsys.readouterr().out
    assert measured["apart"] < 1e-12
    assert measured["maps"]["stride 2"] == [[-5, 7], [-2, 4]]  # with a pencil
    assert np.shape(measured["maps"]["padding 1"]) == (5, 5)
    assert "z = 1 + 3·(-1) + 3·(-1) = -5" in said
    for name in "numpy", "numba":
        assert measured["times_as_fast"][name] > 5
    assert figures(tmp_path, by_hand) == {"by_hand.png", "digits.png"}


def test_4_0_the_loops_know_channels_strides_and_padding():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 6, 7)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
    expected = by_hand.backends.get("numpy").conv_forward(x, w, b, (2, 2), (1, 1))
    np.testing.assert_allclose(by_hand.convolve(x, w, b, 2, 1), expected, rtol=1e-12)
    cols = by_hand.backends.get("numpy").im2col(x[:1], (3, 3), (2, 2), (1, 1))
    np.testing.assert_array_equal(by_hand.patches(x[0], 3, 2, 1), cols.reshape(-1, 27))


def test_4_1_layers_bring_digits_of_a_class_together(few, tmp_path):
    measured = filters_and_maps.main(epochs=2, train_size=2_000, out=tmp_path)
    before, after = measured["before"], measured["after"]
    assert after["pixels"] == before["pixels"]
    assert after["dense layer"] > before["dense layer"] + 0.04
    assert after["dense layer"] > after["pixels"] + 0.04
    assert abs(measured["form"]["before"]) < 0.1
    assert measured["form"]["after"] > measured["form"]["before"] + 0.03
    off = measured["off"]
    assert 1 <= off["both"] == off["before"] < 10 and off["both"] <= off["after"]  # they stay off
    assert figures(tmp_path, filters_and_maps) == {
        "filters_before.png", "filters.png", "layer_by_layer.png", "nearest_mean.png"}


def test_4_1_how_often_a_filter_is_on():
    net = filters_and_maps.build_network()
    net.layers[0].b[:2] = -100, 100
    on = filters_and_maps.on(filters_and_maps.layer_by_layer(net, load_mnist().test.images[:5]))
    assert on.shape == (20,) and (on[0], on[1]) == (0, 1) and 0.1 < on[2:].mean() < 0.9


def test_4_1_neighbours_of_a_smooth_filter_correlate():
    row, column = np.mgrid[:5, :5]
    assert filters_and_maps.neighbours((row + column)[None, None]) > 0.7
    assert filters_and_maps.neighbours(((row + column) % 2)[None, None]) == pytest.approx(-1)


def test_4_2_three_ways_to_smaller_maps(few, tmp_path):
    measured = pooling.main(epochs=2, train_size=1_000, runs=1, out=tmp_path)
    assert len({pooling.build_network(name).parameters for name in pooling.NAMES}) == 1
    for name in pooling.NAMES:
        assert measured["accuracies"][name][0] > 0.3
        assert 0.25 < measured["changes"][name][0] < 0.75  # no pooling makes it indifferent
    # After so little training the stride is the least steady, with each seed tried.
    assert measured["changes"]["max-pooling"][0] < measured["changes"]["stride 2"][0]
    assert figures(tmp_path, pooling) == {"accuracy.png", "change.png"}


def test_4_3_loops_central_differences_and_nndl_agree(tmp_path):
    measured = backpropagation.main(out=tmp_path)
    assert measured["checked"] == 2 * 9 + 2 + 3 * 8 + 3 + 36
    assert measured["numerical"] < 1e-9
    assert measured["library"] < 1e-15
    assert (measured["winners"], measured["neurons"]) == (8, 32)  # one of four
    one_sided, both_sided = measured["errors"].values()
    assert 0 < min(both_sided) < min(one_sided) / 10
    # A tenth of the step: a tenth of the error, or a hundredth.
    assert 5 < one_sided[1] / one_sided[2] < 20
    assert 50 < both_sided[1] / both_sided[2] < 200
    assert figures(tmp_path, backpropagation) == {"step.png", "forward_and_back.png"}


def test_4_4_convolution_bears_a_move_training_on_moved_digits_more(few, monkeypatch, tmp_path):
    monkeypatch.setattr(translation, "MOVED", 250)
    measured = translation.main(epochs=2, train_size=2_000, runs=1, out=tmp_path)
    curves = {name: dict(zip(translation.SHIFTS, curves[0]))
              for name, curves in measured["curves"].items()}
    dense, convolutional, moved = (
        {s: (curves[name][s] + curves[name][-s]) / 2 for s in range(11)} for name in translation.NAMES)
    assert measured["equivariance"] < 1e-5
    assert convolutional[3] > dense[3] + 0.03
    for network in dense, convolutional:  # neither is indifferent
        assert network[6] < 0.6 * network[0]
    assert moved[4] / moved[0] > convolutional[4] / convolutional[0] + 0.1
    assert figures(tmp_path, translation) == {"accuracy.png", "outputs.png", "digits.png"}


def test_4_4_how_far_digits_may_move():
    curve = [0.95 if abs(s) <= 2 or s == 3 else 0.5 for s in translation.SHIFTS]
    assert translation.bears(curve) == 2
    assert translation.bears([0.95] * 21) == 10
    assert translation.bears([0.5] * 21) is None


def test_4_5_all_of_them_learn_and_are_judged_by_their_spread(few, monkeypatch, tmp_path):
    monkeypatch.setattr(activations, "AT_ONCE", 200)
    measured = activations.main(epochs=3, train_size=1000, runs=2, out=tmp_path)
    right = {name: np.mean(runs) for name, runs in measured["accuracies"].items()}
    assert min(right.values()) > 0.5  # guessing is 0.1
    assert right["7 x 7"] > right["3 x 3"] + 0.02 and right["GELU"] > right["ReLU"]
    assert measured["accuracies"]["5 x 5"] == measured["accuracies"]["ReLU"]
    # Larger filters: fewer places, and so fewer weights behind them.
    sizes = [measured["parameters"][activations.sized(k)] for k in (3, 5, 7)]
    assert sizes == sorted(sizes, reverse=True)
    assert set(measured["verdicts"]["activations"]) == {"leaky ReLU", "ELU", "GELU"}
    for when in "off_before", "never_on":
        assert 0.02 < min(measured[when]["ReLU"]) <= max(measured[when]["ReLU"]) < 0.6, when
    assert figures(tmp_path, activations) == {"activations.png", "filter_sizes.png", "shapes.png"}


def test_4_5_the_curves_are_those_of_the_layers():
    z = np.array([-2.0, -0.5, 0.5, 2.0])
    a, slope = activations.curve_of(activations.LeakyReLU(activations.SLOPE), z)
    np.testing.assert_allclose(a, [-0.02, -0.005, 0.5, 2])
    np.testing.assert_allclose(slope, [0.01, 0.01, 1, 1])


def test_4_5_neurons_that_are_never_on():
    net, images = activations.build_network(), load_mnist().training.images[:50]
    net.layers[2].b[:30] = -1000
    assert 0.3 <= activations.never_above_0(net, images) < 0.8
    net.layers[2].b[:] = 1000
    assert activations.never_above_0(net, images) == 0


def test_4_6_pytorch_computes_the_same(tmp_path):
    pytest.importorskip("torch")
    measured = pytorch.main(steps=5, out=tmp_path)
    assert measured["same"] and measured["most"] < 1e-12
    assert len(measured["layers"]) == 11
    assert measured["learned"]["float64"][-1] < 1e-12
    assert measured["parted"]["float64"] is None
    if measured["parted"]["float32"] is None:  # no pool of these few steps has a tie
        assert 1e-9 < measured["learned"]["float32"][-1] < 1e-4
    assert figures(tmp_path, pytorch) == {"learning.png", "gradients.png"}


def test_4_6_says_one_line_where_pytorch_is_absent(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    assert pytorch.main(out=tmp_path) == {}
    said, = capsys.readouterr().out.splitlines()
    assert "pip install torch" in said and not any(tmp_path.iterdir())


def test_4_6_two_equal_neurons_of_a_pool_explain_where_the_two_part():
    """Of four neurons 0.5, 0.5, 0.25, 0; of those that are all off nothing is asked."""
    net = Network([MaxPool(2)], input_shape=(1, 2, 2), cost="quadratic")
    window = np.array([[[[0.5, 0.25], [0.5, 0.0]]]])
    assert pytorch.nearest_tie(net, window) == 0
    window[0, 0, 1, 0] = 0.4
    assert pytorch.nearest_tie(net, window) == pytest.approx(0.2)
    assert pytorch.nearest_tie(net, 0 * window) == np.inf
    apart = [1e-8, 2e-8, 3e-3, 4e-3]
    assert pytorch.where_they_part(apart, [1.0, 1.0, 2e-8, 1.0]) == (3, 2e-8)
    assert pytorch.where_they_part(apart, [1.0, 1.0, 1e-3, 1.0]) is None  # then it is something else
    assert pytorch.where_they_part([1e-8, 2e-8, 3e-8], [0.0, 0.0, 0.0]) is None


def test_4_6_a_wrong_weight_is_seen(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    build = pytorch.build_in_pytorch

    def wrong(torch, net):
        twin = build(torch, net)
        with torch.no_grad():
            twin[3].bias[0] += 1e-6
        return twin

    monkeypatch.setattr(pytorch, "build_in_pytorch", wrong)
    assert not pytorch.main(steps=2, out=tmp_path)["same"]
