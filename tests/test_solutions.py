"""Every solution of lessons/solutions, with tiny settings: sign and size of what it shows."""

import numpy as np
import pytest

from lessons.solutions import (
    accuracy_on_any_data,
    backprop_as_matrices,
    conv_backprop,
    diagnosing_overfitting,
    distortions_on_the_fly,
    early_stopping_network3,
    early_stopping_rules,
    eta_of_the_epoch,
    four_bits,
    halving_schedule,
    identity_neuron,
    inverting_softmax,
    l1_regularisation,
    linear_neurons,
    momentum,
    no_dense_layer,
    no_hidden_layer,
    one_modified_neuron,
    rescaled_relu,
    save_and_load,
    sigmoid_and_tanh,
    sigmoid_outputs_do_not_sum,
    softmax_monotone_nonlocal,
    softmax_temperature,
    std_of_z,
    tanh_20_60,
    unstable_relu,
    vanishing_range,
)
from nndl import History, Sigmoid, load_mnist
from nndl.book import network3
from tests.figures import figure

# --- chapter 1 ------------------------------------------------------------------------------------


def test_no_hidden_layer(tmp_path):
    accuracies = no_hidden_layer.main(epochs=2, train_size=5000, out=tmp_path)
    large, *others = accuracies.values()
    assert min(others) > 0.83           # far above guessing, far below 30 hidden neurons
    assert max(others) < 0.94
    assert large < min(others) - 0.05   # chapter 1's settings are not good here
    assert figure(tmp_path, "no_hidden_layer")


def test_four_bits():
    measured = four_bits.main(epochs=3, train_size=3000, runs=2)
    assert measured["worst"] == pytest.approx(1 / (1 + np.exp(9.1)), rel=1e-6)  # z = 0.91 c
    assert np.mean(measured["behind"]) == pytest.approx(np.mean(measured["ten"]), abs=0.03)
    assert np.mean(measured["ten"]) > np.mean(measured["four"]) + 0.02
    assert four_bits.read_right(four_bits.bits_of(np.eye(10)), np.arange(10)) == 1


# --- chapter 2 ------------------------------------------------------------------------------------


def test_backprop_as_matrices(tmp_path):
    measured = backprop_as_matrices.main(sizes=(1, 300), out=tmp_path)
    assert measured["difference"] < 1e-12
    assert measured["faster"][300] > 2
    assert figure(tmp_path, "backprop_as_matrices")


def test_one_modified_neuron():
    found = one_modified_neuron.main()
    assert found["f and f'"] < 1e-8
    # And the complaint names the weights of that neuron.
    assert f"0.w[{one_modified_neuron.MODIFIED}, " in found["f, but still σ'"]


def test_linear_neurons():
    measured = linear_neurons.main(epochs=3, train_size=3000)
    accuracies = measured["accuracies"]
    assert measured["gradient"] < 1e-8
    assert measured["difference"] < 1e-4
    assert accuracies["sigmoid 784-100-10"] > accuracies["linear 784-100-10"] + 0.04


# --- chapter 3 ------------------------------------------------------------------------------------


def test_sigmoid_outputs_do_not_sum(tmp_path):
    measured = sigmoid_outputs_do_not_sum.main(epochs=2, train_size=2000, out=tmp_path)
    assert measured["by_hand"][1] == 5
    assert np.ptp(measured["sums"]["sigmoid"]) > 0.8
    assert np.abs(measured["sums"]["softmax"] - 1).max() < 1e-5
    assert measured["near"] > measured["away"] + 0.1
    assert figure(tmp_path, "sigmoid_outputs_do_not_sum")


def test_softmax_monotone_nonlocal(tmp_path):
    measured = softmax_monotone_nonlocal.main(out=tmp_path)
    assert measured["error"] < 1e-9
    for name, others in (("softmax", -1), ("sigmoid", 0)):
        signs = np.sign(measured[name].round(9))
        assert np.array_equal(signs, np.eye(4) + others * (1 - np.eye(4)))
    assert np.abs(measured["softmax"].sum(axis=0)).max() < 1e-9  # what one gains the others lose
    assert figure(tmp_path, "softmax_monotone_nonlocal")


def test_softmax_temperature(tmp_path):
    measured = softmax_temperature.main(epochs=2, train_size=2000, out=tmp_path)
    outputs, costs = measured["outputs"], measured["costs"]
    assert np.allclose(outputs[0.01], 0.25, atol=0.01)
    assert np.allclose(outputs[100.0], (1, 0, 0, 0), atol=1e-6)
    assert np.array_equal(measured["tie"], (0.5, 0.5, 0))
    assert np.ptp(list(measured["accuracies"].values())) < 1e-3   # but for ties in float32
    assert costs[16.0] > 2 * costs[1.0]
    assert costs[0.25] > 1.3 * costs[1.0]
    assert figure(tmp_path, "softmax_temperature")


def test_inverting_softmax():
    measured = inverting_softmax.main()
    assert max(measured[name] for name in ("uneven", "constant", "shifted")) < 1e-12
    assert np.allclose(measured["lost"]["float64"], (0, -50, -120))
    assert measured["lost"]["float32"][2] == -np.inf


def test_std_of_z(tmp_path):
    measured = std_of_z.main(neurons=3000, out=tmp_path)
    assert measured["default"][0] == pytest.approx(1.5**0.5, rel=0.05)
    assert measured["large"][0] == pytest.approx(501**0.5, rel=0.05)
    assert measured["default"][1] < 0.01
    assert measured["large"][1] == pytest.approx(0.837, abs=0.03)
    assert figure(tmp_path, "std_of_z")


def test_l1_regularisation(tmp_path):
    measured = l1_regularisation.main(epochs=15, train_size=500, runs=1, out=tmp_path)
    none, l1, l2 = (measured["accuracies"][name][0] for name in ("none", "L1", "L2"))
    assert l1 > none + 0.01
    assert l2 > none + 0.01
    # L1 brings weights to 0, L2 only near.
    assert measured["gone"]["none"] < 0.05
    assert measured["gone"]["L1"] > measured["gone"]["none"] + 0.1
    assert figure(tmp_path, "l1_regularisation")


def test_momentum(tmp_path):
    measured = momentum.main(epochs=1, train_size=3000, out=tmp_path)
    costs, accuracies = measured["costs"], list(measured["accuracies"].values())
    assert costs[0.9] < 1e-3 * costs[0.5] < 1e-3 * costs[0.0] < 1e-3 * costs[-0.5]
    assert costs[1.1] > 1e6
    plain, _, with_momentum, backwards, _, ten_times = (a and a[0] for a in accuracies)
    assert not accuracies[4] or accuracies[4][0] < 0.2  # μ = 1.1 diverges, or is about to
    assert backwards < plain < with_momentum - 0.1
    assert abs(with_momentum - ten_times) < 0.04       # μ = 0.9 is worth ten times η
    assert figure(tmp_path, "momentum")


def test_early_stopping_rules():
    measured = early_stopping_rules.main(epochs=16, train_size=1000)
    rules, epochs, reached = early_stopping_rules.RULES, measured["epochs"], measured["reached"]
    n_2, n_5, n_10, n_20, near, far = rules
    assert epochs[n_2] < epochs[n_5] <= epochs[n_10] <= epochs[n_20]
    assert reached[n_2] <= reached[n_5] <= reached[n_10] <= reached[n_20]
    assert epochs[near] <= epochs[far]
    first = next(iter(measured["found"].values()))
    assert measured["ended"] == first[n_5][0]          # SGD ends where the rule says


@pytest.mark.parametrize("accuracies, stops", [([3, 2, 1], True), ([3, 2, 3], True),
                                               ([1, 2, 3], False), ([1, 3, 2], False), ([3], False)])
def test_no_improvement_in_two(accuracies, stops):
    history = History(evaluation_accuracy=accuracies)
    assert early_stopping_rules.NoImprovementIn(2)(history) is stops


def test_halving_schedule(tmp_path):
    measured = halving_schedule.main(patience=1, train_size=1000, out=tmp_path)
    etas = measured["etas"]
    assert etas[-1] == halving_schedule.ETA / 64       # the next would have been 1/128
    assert sorted(set(etas), reverse=True) == [halving_schedule.ETA / 2**k for k in range(7)]
    # Small steps settle: at the end the accuracy hardly moves any more.
    assert np.ptp(measured["halved curve"][-5:]) < 0.5 * np.ptp(measured["constant curve"][-5:])
    assert figure(tmp_path, "halving_schedule")


def test_sigmoid_and_tanh():
    measured = sigmoid_and_tanh.main(epochs=1, train_size=500)
    assert measured["difference"] < 1e-12
    assert measured["apart"] > 0.01                    # but they do not learn alike
    assert measured["accuracies"]["before"][0] == measured["accuracies"]["before"][1]


@pytest.mark.parametrize("seed", range(3))
def test_as_tanh_of_a_network_that_says_something(seed):
    net = sigmoid_and_tanh.build(Sigmoid, seed, dtype="float64")
    for layer in net.layers:
        if layer.parameters:
            layer.w *= 5
    x = load_mnist().test.images[:50]
    outputs = net.feedforward(x)
    assert np.ptp(outputs, axis=0).max() > 0.3         # other images, other outputs
    assert np.abs(outputs - sigmoid_and_tanh.as_tanh(net).feedforward(x)).max() < 1e-12


# --- chapter 5 ------------------------------------------------------------------------------------


def test_vanishing_range(tmp_path):
    measured = vanishing_range.main(out=tmp_path)
    assert measured["w"] == pytest.approx(6.9, abs=0.05)       # the book's
    assert measured["width"] == pytest.approx(0.45, abs=0.005)
    assert measured["off"] < 3e-5                              # formula and counting agree
    assert measured["never"] == 0
    assert figure(tmp_path, "vanishing_range")


def test_identity_neuron(tmp_path):
    measured = identity_neuron.main(out=tmp_path)
    for w1, error in measured["errors"].items():
        assert 0.9 * w1**2 / 96 < error < w1**2 / 96
    assert 0.05 < measured["without"] < 0.06
    assert figure(tmp_path, "identity_neuron")


# --- chapter 6 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_conv_backprop(seed):
    measured = conv_backprop.main(seed=seed)
    assert measured["difference"] < 1e-14
    assert measured["numerical"] < 1e-8


def test_rescaled_relu(tmp_path):
    measured = rescaled_relu.main(images=50, out=tmp_path)
    ratios, rms, differs = (measured[name] for name in ("ratios", "rms", "differs"))
    for exact in "no biases", "b^l times c^l":
        assert np.allclose(ratios[exact], 8)                   # c = 2, three layers of weights
    for other in "biases as they were", "biases times c, too":
        assert np.ptp(ratios[other]) > 1
    assert rms["default, biases 0"][0] > 100 * rms["default, biases 0"][-1]
    assert 1 / 5 < rms["he"][0] / rms["he"][-1] < 5
    assert 1 / 5 < rms["default"][0] / rms["default"][-1] < 5
    assert differs["default"][-1] < 0.1 * differs["default"][0]
    assert figure(tmp_path, "rescaled_relu")


def test_unstable_relu(tmp_path):
    measured = unstable_relu.main(images=50, out=tmp_path)
    back = {name: norms[0] / norms[-1] for name, norms in measured["norms"].items()}
    assert back["relu, g = 1"] < 0.02
    assert 0.2 < back["relu, g = 2"] < 5
    assert back["relu, g = 4"] > 50
    assert max(back[f"sigmoid, g = {g}"] for g in (1, 4)) < 1e-5
    assert 0.01 < back["sigmoid, g = 100"] < 10 < 100 < back["sigmoid, g = 400"]
    assert figure(tmp_path, "unstable_relu")


def test_no_dense_layer(tmp_path):
    measured = no_dense_layer.main(epochs=1, train_size=300, out=tmp_path, test_size=500)
    assert measured["parameters"]["6.conv.only"] == 20 * 26 + 10 * 2881
    long = {name: np.mean(runs) for name, runs in measured["long"].items()}
    assert long["6.conv"] - long["6.conv.only"] == pytest.approx(0.002, abs=0.001)
    assert long["6.conv.only"] > long["6.dense"] + 0.003
    assert figure(tmp_path, "no_dense_layer")


def test_no_dense_layer_without_results(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(no_dense_layer, "FOLDER", tmp_path)
    assert no_dense_layer.main(epochs=1, train_size=50, test_size=500)["long"] is None
    assert "no results" in capsys.readouterr().out


def test_tanh_20_60(tmp_path):
    measured = tanh_20_60.main(epochs=1, train_size=600, out=tmp_path)
    assert measured["short"]["tanh"][-1] > measured["short"]["sigmoid"][-1] + 0.3
    assert measured["first"]["tanh"] > measured["first"]["sigmoid"] + 0.03
    assert abs(measured["later"]) < 0.0005 < measured["climbs"] < 0.002
    test = {name: np.mean(accuracies) for name, accuracies in measured["test"].items()}
    assert max(test.values()) - min(test.values()) < 0.001
    assert figure(tmp_path, "tanh_20_60")


def test_tanh_20_60_without_results(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tanh_20_60, "FOLDER", tmp_path)
    assert tanh_20_60.main(epochs=1, train_size=50, out=tmp_path)["test"] is None
    assert "no results" in capsys.readouterr().out


def test_early_stopping_network3():
    measured = early_stopping_network3.main(epochs=40, train_size=100, n=2, test_size=100)
    for accuracies in measured["book"], measured["ours"]:
        assert len(accuracies) < 40
        # The last two were no better than the best before, and no earlier two were.
        assert max(accuracies[:-2]) >= max(accuracies[-2:])
        assert early_stopping_network3.waited(accuracies) == 2
        earlier = [accuracies[:n] for n in range(1, len(accuracies))]
        assert max(map(early_stopping_network3.waited, earlier)) < 2


def test_accuracy_on_any_data(tmp_path):
    measured = accuracy_on_any_data.main(epochs=1, train_size=1000, out=tmp_path)
    moved = measured["moved"]
    assert measured["test"] == measured["test, the library"] == moved[0]
    # network3 leaves out the last five of 3,005.
    right = round(3005 * measured["test"]) - round(3000 * measured["test, network3"])
    assert 0 <= right <= 5
    assert moved[0] > moved[2] > moved[4] > moved[6]
    assert moved[6] < 0.3
    assert figure(tmp_path, "accuracy_on_any_data")


def test_eta_of_the_epoch(tmp_path):
    measured = eta_of_the_epoch.main(epochs=4, train_size=500, runs=1, out=tmp_path)
    assert measured["book"] == measured["same"]        # network3's subclass and the library agree
    assert measured["falling"][0] > measured["constant"][0] - 0.02
    assert figure(tmp_path, "eta_of_the_epoch")


def test_the_learning_rates_of_eta_of_the_epoch(capsys):
    training, validation, _ = load_mnist()
    net = eta_of_the_epoch.OwnEta([network3.SoftmaxLayer(n_in=784, n_out=10)], 10)
    net.SGD(training[:50], 3, 10, lambda epoch: 0.1 / 2**epoch, validation[:50], None)
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("eta")] == [
        "eta = 0.1:", "eta = 0.05:", "eta = 0.025:"]


def test_distortions_on_the_fly(tmp_path):
    measured = distortions_on_the_fly.main(epochs=30, train_size=200, runs=1, out=tmp_path,
                                          test_size=2000)
    plain, better = (accuracies[0] for accuracies in measured["accuracies"].values())
    assert better > plain + 0.02
    assert measured["training"]["as they are"][0] > measured["training"]["distorted"][0] - 0.02
    assert measured["book"] > 0.5
    assert figure(tmp_path, "distortions_on_the_fly")


def test_save_and_load():
    measured = save_and_load.main(train_size=100)
    assert all(measured["same"].values())
    assert not measured["before"]                      # loading did change something
    assert "not a whole nndl model file" in measured["refused"]


def test_diagnosing_overfitting(tmp_path):
    measured = diagnosing_overfitting.main(epochs=8, few=200, many=1000, out=tmp_path)
    few, many, small = measured["found"]
    assert few[0] == "overfits"
    assert few[1] - few[2] > many[1] - many[2] + 0.05  # more images, a smaller gap
    assert small[0] == "underfits"
    assert all(training > validation for training, validation in measured["book"][2:])
    assert figure(tmp_path, "diagnosing_overfitting")
