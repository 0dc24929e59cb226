"""Solutions to the exercises of lessons 4.2 to 5.0, tiny: sign and size of what each shows."""

import sys

import numpy as np
import pytest

from lessons import network_4_3_backpropagation as backpropagation
from lessons.solutions import (
    larger_weights,
    mistakes_in_backward,
    momentum_in_pytorch,
    overlapping_pools,
    two_of_three,
    up_and_down,
)
from nndl import load_mnist
from tests.figures import figure


def fewer_images(monkeypatch, module, n=2000):
    """Let a solution judge by fewer images: accuracies take time, too."""
    splits = load_mnist()
    splits = splits._replace(validation=splits.validation[:n], test=splits.test[:n])
    monkeypatch.setattr(module, "load_mnist", lambda: splits)


# --- 4.2 ------------------------------------------------------------------------------------------


def test_overlapping_pools(tmp_path, monkeypatch):
    fewer_images(monkeypatch, overlapping_pools)
    monkeypatch.setattr(overlapping_pools, "KERNELS", (6,))
    measured = overlapping_pools.main(epochs=3, train_size=1500, runs=2, out=tmp_path)
    beside, overlapping = measured["accuracies"][6].values()
    assert np.allclose(measured["gains"][6], np.subtract(overlapping, beside))
    assert np.mean(measured["gains"][6]) > 0.005
    beside, overlapping = measured["changes"][6].values()
    assert max(overlapping) < min(beside)
    assert figure(tmp_path, "overlapping_pools")


@pytest.mark.parametrize("ahead, pairs, chance", [(10, 10, 2 / 1024), (0, 10, 2 / 1024), (5, 10, 1),
                                                  (9, 10, 22 / 1024)])
def test_how_often_chance_does_it(ahead, pairs, chance):
    assert overlapping_pools.by_chance(ahead, pairs) == pytest.approx(chance)


def test_nothing_but_the_windows_differs_with_filters_of_6_x_6():
    nets = [overlapping_pools.build_network(6, pool, seed=3) for pool in overlapping_pools.POOLS]
    for one, other in zip(*(net.layers for net in nets), strict=True):
        for name in one.parameters:
            assert np.array_equal(getattr(one, name), getattr(other, name))
    assert nets[0].rng.bit_generator.state == nets[1].rng.bit_generator.state


# --- 4.3 ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mistakes():
    return mistakes_in_backward.main(steps=40)


def test_mistakes_in_backward(mistakes):
    wrong = mistakes["wrong"]
    for pool in "max", "l2":
        assert wrong["as it is", pool] == []
        assert wrong["BP1 without σ'", pool] == ["b2", "w2", "p", "z1", "b1", "w1", "x"]
        assert wrong["BP2: the last output's share only", pool] == ["p", "z1", "b1", "w1", "x"]
        assert wrong["layer 1 without σ'", pool] == ["z1", "b1", "w1", "x"]
        assert wrong["BP4, filters: row for column", pool] == ["w1"]
    assert wrong["max: the losers get it, too", "max"] == ["z1", "b1", "w1", "x"]
    assert wrong["max: the losers get it, too", "l2"] == []
    assert wrong["L2: not divided by p", "l2"] == ["z1", "b1", "w1", "x"]


def test_the_line_of_a_mistake_is_found(mistakes):
    shown = {key: arrays for key, arrays in mistakes["suspects"].items() if arrays}
    assert len(shown) == 16
    for (name, _), arrays in shown.items():
        assert arrays == [mistakes_in_backward.MISTAKES[name][0]]


def test_the_cost_falls_with_every_mistake(mistakes):
    costs = mistakes["costs"]
    assert all(after < 0.8 * before for before, after in costs.values())
    assert costs["BP1 without σ'"][1] < 0.2 * costs["as it is"][1]
    assert costs["BP2, image: the filter turned"] == costs["as it is"]  # nobody asks for ∂C/∂x


def test_a_mistake_that_the_lesson_no_longer_has_room_for():
    with pytest.raises(ValueError, match="0 times, not once"):
        mistakes_in_backward.with_mistake("what is not there", "")
    assert mistakes_in_backward.with_mistake("", "") is not backpropagation.backward


# --- 4.4 ------------------------------------------------------------------------------------------


def test_up_and_down(tmp_path):
    measured = up_and_down.main(epochs=2, train_size=2000, runs=1, out=tmp_path)
    digits, others = measured["digits"], measured["others"]
    for what in "dense", "convolutional":
        assert digits[what, "up and down"][1] > 0.7 > 0.2 > digits[what, "sideways"][1]
        assert others[what, "sideways"] > others[what, "up and down"] + 0.1
        assert measured["together"][what] > 0.6
    assert digits["covered", "up and down"][1] > 0.6 > 0.15 > digits["covered", "sideways"][1]
    assert others["covered", "up and down"] > others["covered", "sideways"]
    assert measured["told"]["rows"] > measured["told"]["columns"] + 0.15
    assert figure(tmp_path, "up_and_down")


# --- 4.5 ------------------------------------------------------------------------------------------


def test_two_of_three(tmp_path, monkeypatch):
    fewer_images(monkeypatch, two_of_three, 1000)
    monkeypatch.setattr(two_of_three, "ETAS", (two_of_three.ETA, 4 * two_of_three.ETA))
    measured = two_of_three.main(epochs=2, train_size=500, runs=2, out=tmp_path)
    assert list(measured["parameters"].values()) == [520, 3820, 400]
    one, two, few = two_of_three.BETWEEN
    lesson, own = ({name: np.mean(of) for name, of in tests.items()}
                   for tests in measured["tests"].values())
    gains = own[one] - lesson[one], own[two] - lesson[two]
    assert min(gains) > abs(lesson[two] - lesson[one])  # η matters more than the layers do
    assert measured["best"][one] == measured["best"][two] == 4 * two_of_three.ETA
    assert own[two] > own[few] + 0.02
    assert figure(tmp_path, "two_of_three")


@pytest.mark.parametrize("name", two_of_three.BETWEEN)
def test_the_parameters_are_those_of_the_network(name):
    net = two_of_three.build_network(name, seed=0)
    dense = 100 * (20 * 12 * 12 + 1) + 10 * 101
    between = two_of_three.BETWEEN[name]
    assert net.parameters - dense == two_of_three.parameters(1, two_of_three.MAPS, between)


# --- 4.6 ------------------------------------------------------------------------------------------


def test_momentum_in_pytorch(tmp_path):
    pytest.importorskip("torch")
    apart = momentum_in_pytorch.main(steps=4, out=tmp_path)
    assert all(max(of[:2]) < 1e-12 for of in apart.values())
    assert min(apart["η halved"][2:]) > 1e-3            # from the first step with the new η on
    assert all(max(of) < 1e-12 for name, of in apart.items() if name != "η halved")
    assert figure(tmp_path, "momentum_in_pytorch")


def test_momentum_says_one_line_where_pytorch_is_absent(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)     # as if it were not installed
    assert momentum_in_pytorch.main(out=tmp_path) == {}
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "pip install torch" in said
    assert not (tmp_path / "solutions").exists()


# --- 5.0 ------------------------------------------------------------------------------------------


def test_larger_weights(tmp_path):
    measured = larger_weights.main(epochs=3, train_size=2000, images=200, draws=3, runs=1,
                                   out=tmp_path)
    ratio, single = measured["ratio"], measured["single"]
    assert ratio[10, 1] < 1e-5 < 1e-4 < ratio[10, 3] < 0.02 < ratio[10, 10] < 1
    assert ratio[10, 100] > 50
    for times in 3, 10, 30:                             # √(c/(6√π)) a layer
        assert single[10, times] == pytest.approx((times / (6 * np.pi**0.5)) ** 0.5, rel=0.15)
    assert measured["agreement"][4, 1] > 0.6 > 0.3 > measured["agreement"][4, 10]
    assert measured["agreement"][4, 30] < 0.15
    once, three, ten, thirty = (of[0] for of in measured["accuracies"].values())
    assert min(three, ten) > max(once, thirty) + 0.3
    assert figure(tmp_path, "larger_weights")


def test_the_gradients_of_single_images():
    net, some = larger_weights.larger(3, 3, seed=1), load_mnist().training[:20]
    each = [larger_weights.lesson.norms(net, some[n:n + 1]) for n in range(20)]
    expected = np.sqrt(np.square(each).mean(axis=0))
    assert np.allclose(larger_weights.of_single_images(net, some), expected, rtol=1e-4)
