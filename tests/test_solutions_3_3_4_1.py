"""The solutions to lessons 3.3.0 to 4.1, with tiny settings: sign and size of what each shows."""

import numpy as np
import pytest

from lessons import network_3_3_0_standard, network_3_3_1_deep
from lessons.network_4_1_filters_and_maps import build_network
from lessons.solutions import (
    agreeing_pairs,
    doubled_distortions,
    fourth_convolution,
    missed_filters,
    stride_and_padding,
    what_each_layer_brings,
)
from nndl import load_mnist
from tests.figures import figure

# --- 3.3.0 ----------------------------------------------------------------------------------------


def test_what_each_layer_brings(tmp_path, monkeypatch):
    monkeypatch.setattr(what_each_layer_brings, "WATCHED", 100)
    names = (what_each_layer_brings.WHOLE, what_each_layer_brings.NO_DENSE,
             what_each_layer_brings.NO_DROPOUT)
    short, long = (what_each_layer_brings.main(epochs=epochs, train_size=300, runs=1, out=tmp_path,
                                               test_size=3000) for epochs in (3, 40))
    whole, no_dense, no_dropout = (short["accuracies"][name][0] for name in names)
    assert no_dropout > whole + 0.05                   # at first dropout costs
    assert short["behind"] == 3
    whole, no_dense, no_dropout = (long["accuracies"][name][0] for name in names)
    assert whole > no_dropout + 0.005
    assert abs(whole - no_dense) < 0.02
    assert [long["parameters"][name] for name in names] == [85_670, 26_970, 85_670]
    assert figure(tmp_path, "what_each_layer_brings")


def test_with_all_layers_it_is_the_lessons_network():
    built = what_each_layer_brings.build(what_each_layer_brings.WHOLE)
    assert str(built) == str(network_3_3_0_standard.build_network())


# --- 3.3.1 ----------------------------------------------------------------------------------------


def test_fourth_convolution(tmp_path):
    measured = fourth_convolution.main(epochs=3, train_size=1000, runs=1, out=tmp_path,
                                       test_size=1000)
    three, four = (measured["parameters"][name]
                   for name in (fourth_convolution.THREE, fourth_convolution.FOUR))
    assert four - three == 96 * (96 * 9 + 1)
    assert min(of_runs[0] for of_runs in measured["accuracies"].values()) > 0.7
    assert measured["seen"] == [3, 8, 18, 38]          # the lesson says 8 and 18
    assert figure(tmp_path, "fourth_convolution")


def test_three_convolutions_are_the_lessons_network():
    built = fourth_convolution.build(fourth_convolution.THREE)
    assert str(built) == str(network_3_3_1_deep.build_network("deep"))


@pytest.mark.parametrize("pooled", [(True, True, True, False), (False, False, True, False)])
def test_what_a_neuron_of_a_convolution_sees(pooled):
    sees, wide = [{pixel} for pixel in range(100)], []   # a row of the image, and then of the maps
    for pool in pooled:
        sees = [a | b | c for a, b, c in zip(sees, sees[1:], sees[2:])]
        wide.append(len(sees[0]))
        if pool:
            sees = [a | b for a, b in zip(sees[::2], sees[1::2])]
    assert fourth_convolution.seen(pooled) == wide


# --- 3.3.2 ----------------------------------------------------------------------------------------


def test_doubled_distortions(tmp_path):
    measured = doubled_distortions.main(epochs=6, train_size=500, runs=1, images=400, out=tmp_path)
    distorted = {what: one[0] for what, one in measured["read"]["distorted"].items()}
    assert distorted[0] > distorted[2] + 0.1 > distorted[4] + 0.3
    assert distorted["elastic"] < min(distorted[what] for what in ("rotation", "scale", "shear",
                                                                   "shift")) - 0.1
    as_they_are = {name: read[0][0] for name, read in measured["read"].items()}
    assert as_they_are["doubly distorted"] < as_they_are["distorted"]
    assert measured["folded"][1] < 1e-4
    assert 0.03 < measured["folded"][4] < 0.1
    assert figure(tmp_path, "doubled_distortions")


def test_times_leaves_the_width_as_it_is():
    assert doubled_distortions.times(2, only=("shift",)) == {
        "rotation": 0, "scale": 0, "shear": 0, "shift": 1.8, "elastic": 0, "sigma": 4}


# --- 3.3.3 ----------------------------------------------------------------------------------------


def test_agreeing_pairs(tmp_path):
    measured = agreeing_pairs.main(epochs=2, train_size=600, networks=3, runs=2, images=500,
                                   out=tmp_path)
    pairs = [each for five in measured["every"] for each in five]
    assert len(pairs) == 6
    for each in pairs:
        assert each["cost gained"] == pytest.approx(each["distance"], rel=1e-9)
        assert each["distance"] > 1e-3
    assert np.mean([each["together"] - each["alone"] for each in pairs]) > 0.002
    for five, least, most in zip(measured["every"], *measured["chosen"].values()):
        agree = [each["agree"] for each in five]
        assert (least["agree"], most["agree"]) == (min(agree), max(agree))
    assert measured["follows"]["alone"] > 0.5
    assert figure(tmp_path, "agreeing_pairs")


def test_a_pair_by_hand():
    one, other = np.zeros((2, 10)), np.zeros((2, 10))
    one[:, 3] = 1                                      # says 3, and 3
    other[0, 3] = other[1, 5] = 1                      # says 3, and 5
    found = agreeing_pairs.pair(one, 0.8 * other, np.array([3, 3]))
    assert found["alone"] == 0.75
    assert found["together"] == 1                      # the first is the surer of the two
    # Costs ‖.‖²/(2n): one 0; other (0.04 + 1.64)/4; together (0.01 + 0.25 + 0.16)/4.
    assert found["cost gained"] == pytest.approx(0.42 / 2 - 0.105)


# --- 4.0 ------------------------------------------------------------------------------------------


def test_stride_and_padding(tmp_path):
    measured = stride_and_padding.main(out=tmp_path)
    assert measured["map"] == stride_and_padding.BY_PENCIL
    assert measured["map"][0][0] == -5
    assert measured["apart"] == 0                      # small whole numbers
    assert measured["same"]
    for (stride, padding), (rows, unseen) in measured["sizes"].items():
        assert rows == (5 + 2 * padding - 3) // stride + 1
        assert (rows - 1) * stride + 3 + unseen == 5 + 2 * padding
    assert figure(tmp_path, "stride_and_padding")


# --- 4.1 ------------------------------------------------------------------------------------------


def test_missed_filters(tmp_path):
    measured = missed_filters.main(epochs=1, train_size=1500, runs=1, images=500, out=tmp_path)
    lost, kinds, fewer = (measured[what]["network 1"] for what in ("lost", "kinds", "fewer"))
    off = kinds.count(missed_filters.OFF)
    assert 1 <= off <= 8
    assert max(measured["off_began"]) < -0.5
    assert fewer[:off + 1] == [fewer[0]] * (off + 1)   # without those that are off nothing changes
    assert (lost[:off] == 0).all()
    assert lost.max() > 5
    assert missed_filters.MISSED in kinds
    assert 10 > kinds.count(missed_filters.MISSED)
    assert fewer[0] > 0.7
    assert fewer[-1] < 0.2
    assert figure(tmp_path, "missed_filters")


def test_without_each_leaves_the_network_as_it_was():
    net, (training, _, test) = build_network(), load_mnist()
    net.SGD(training[:500], 1, 10, 0.03, progress=False)
    before = net.layers[0].w.copy(), net.layers[0].b.copy()
    spoilt, mended = missed_filters.without_each(net, test[:200])
    assert spoilt.shape == mended.shape == (20,)
    assert spoilt.sum() + mended.sum() > 0
    right = net.predict(test.images[:200]) == test.labels[:200]
    for j in range(20):
        other = net.copy()
        other.layers[0].w[j], other.layers[0].b[j] = 0, 0
        after = other.predict(test.images[:200]) == test.labels[:200]
        assert spoilt[j] == (right > after).sum()
        assert mended[j] == (right < after).sum()
    assert np.array_equal(net.layers[0].w, before[0])
    assert np.array_equal(net.layers[0].b, before[1])


@pytest.mark.parametrize("spoilt, mended, on, kind", [
    (0, 0, 0.0, missed_filters.OFF), (30, 30, 0.5, missed_filters.SPARE),
    (3, 5, 0.5, missed_filters.SPARE), (30, 10, 0.5, missed_filters.MISSED)])
def test_kinds_of_filters(spoilt, mended, on, kind):
    assert missed_filters.kind(spoilt, mended, on) == kind
