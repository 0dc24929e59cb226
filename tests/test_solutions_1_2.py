"""The solutions to lessons 1.0 to 2.4, with tiny settings: sign and size of what each shows."""

import inspect

import numpy as np
import pytest

from lessons import network_2_4_hyper_parameters
from lessons.solutions import (
    all_weights_zero,
    eta_too_large,
    lambda_too_large,
    mini_batch_sizes,
    nearly_right,
    random_search,
    silent_output,
    sure_of_noise,
    which_change,
)
from tests.figures import figure


def test_mini_batch_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(mini_batch_sizes, "ETAS", (1.0, 10.0))
    measured = mini_batch_sizes.main(epochs=2, train_size=2000, runs=1, out=tmp_path)
    last = {m: row["curves"][0][-1] for m, row in measured.items()}
    assert min(last[1], last[10]) > last[100] + 0.1   # more steps are worth more
    assert last[100] > last[2000] + 0.1
    assert measured[1]["eta"] < measured[10]["eta"]   # and noisier ones must be smaller
    noise = {m: row["noise"] for m, row in measured.items()}
    assert noise[1] / noise[100] == pytest.approx(10, rel=0.3)  # as 1/√m
    assert noise[2000] < 1e-4
    assert figure(tmp_path, "mini_batch_sizes")


def test_silent_output(tmp_path, monkeypatch):
    monkeypatch.setattr(silent_output, "WATCHED", 10)
    measured = silent_output.main(epochs=2, further=1, train_size=3000, runs=1, out=tmp_path)
    digit, biases, deltas = measured["digit"], measured["biases"], measured["deltas"]
    assert digit in measured["silent"][100][0]
    assert measured["z"][digit] < -5
    assert measured["trace"].shape == (11, 10)
    assert measured["trace"][-1].mean() < measured["trace"][0].mean() - 3  # nearly all go down
    # The bias tells nothing: it has hardly moved, and is a small part of z.
    assert np.abs(biases[1] - biases[0]).max() < 1
    assert abs(biases[1][digit]) < 0.5 * abs(measured["z"][digit])
    # As wrong as can be, and no gradient for it.
    assert deltas["cross-entropy"][digit] > 0.98
    assert deltas["quadratic"][digit] < 0.1 * np.median(deltas["quadratic"])
    quadratic, entropy = measured["said"]
    assert quadratic[0] == entropy[0] < 0.02
    assert quadratic[-1] < 0.1
    assert entropy[-1] > 0.4
    assert measured["lengths"][100] > 2.5 * measured["lengths"][30]
    assert figure(tmp_path, "silent_output")


def test_a_network_without_silent_outputs_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr(silent_output, "outputs_at_zero", lambda net, data: [])
    with pytest.raises(ValueError, match="every output speaks"):
        silent_output.main(epochs=1, train_size=500, runs=1, out=tmp_path)


def test_eta_too_large(tmp_path):
    measured = eta_too_large.main(epochs=3, train_size=4000, runs=2, out=tmp_path)
    accuracies, silent, leaps = (measured[name] for name in ("accuracies", "silent", "leaps"))
    assert min(accuracies[3]) > 0.6
    assert max(accuracies[100]) < 0.2
    assert 7 < measured["worse"] <= measured["nothing"] <= 70
    assert max(silent[3]) <= 1
    assert min(silent[100]) >= 9
    assert np.mean(measured["slopes"][100]) < 1e-3 * np.mean(measured["slopes"][3])
    assert np.mean(leaps[100]) > 8 * np.mean(leaps[3])
    assert figure(tmp_path, "eta_too_large")


def test_from_on_asks_of_all_larger_ones():
    assert eta_too_large.from_on(lambda eta: eta in (5, 50, 70, 100)) == 50
    assert eta_too_large.from_on(lambda eta: eta < 100) is None


def test_sure_of_noise(tmp_path):
    measured = sure_of_noise.main(epochs=2, train_size=3000, runs=2, out=tmp_path)
    largest = measured["largest"]
    none = {(kind, name): np.mean([np.mean(run[name] < 0.5) for run in runs])
            for kind, runs in largest.items() for name in runs[0]}
    told = "sigmoids, told of noise"
    assert none["sigmoids", "noise"] < 0.97
    assert none[told, "noise"] > 0.99
    assert none[told, "digits"] < 0.4
    assert none[told, "digits, pixels in disorder"] < 0.95  # that it has not been shown
    assert all(run["noise"].min() >= 0.1 for run in largest["softmax"])  # they sum to 1
    assert np.ptp([np.mean(accuracies) for accuracies in (
        measured["accuracies"]["sigmoids"], measured["accuracies"][told])]) < 0.05
    assert min(share for _, share in measured["favourites"]["sigmoids"]) > 0.5
    assert figure(tmp_path, "sure_of_noise")


def test_nearly_right(tmp_path):
    measured = nearly_right.main(steps=1000, out=tmp_path)
    wrong, _, right = measured["gradients"].values()
    for cost in right:      # a/(1 - a) of the one output over the other's is e^4 for both
        assert wrong[cost] / right[cost] == pytest.approx(np.exp(4), rel=1e-6)
    assert measured["halved"]["quadratic"] is None
    assert measured["halved"]["cross-entropy"] < 200
    for cost, way in measured["ways"].items():
        assert way[-1] < way[0]
        assert np.allclose(way, measured["predicted"][cost], rtol=0.03)
    assert figure(tmp_path, "nearly_right")


def test_lambda_too_large(tmp_path):
    measured = lambda_too_large.main(epochs=36, train_size=1000, runs=1, out=tmp_path)
    none, one, ten, slower = (measured[name] for name in ("λ = 0", "λ = 1", "λ = 10",
                                                          "λ = 10, η = 0.05"))
    assert none["training"][0] > 0.97
    assert ten["training"][0] < 0.95                         # not even those
    assert ten["gap"] < none["gap"] - 0.03
    assert one["test"][0] > ten["test"][0] + 0.01
    assert none["first"][0][-1] == pytest.approx(1, abs=0.05)
    assert ten["first"][0][-1] < 0.1
    assert ten["largest"][0] < none["largest"][0] - 0.1
    assert ten["jump"] > 3 * none["jump"]
    assert slower["jump"] < 0.5 * ten["jump"]
    assert figure(tmp_path, "lambda_too_large")


def test_all_weights_zero(tmp_path):
    measured = all_weights_zero.main(epochs=3, train_size=3000, runs=1, out=tmp_path)
    accuracy = {name: row["test"][0] for name, row in measured.items()}
    zero = [name for name in measured if name.startswith("both layers 0")]
    # Few kinds of row, by rounding; how many depends on the machine.  In float64 they are still one.
    assert max(measured[name]["rows"][0] for name in zero) <= 6
    assert measured["both layers 0, float64"]["apart"][0][-1] < 1e-6
    assert measured["default"]["rows"] == measured["first layer 0"]["rows"] == [30]
    assert max(accuracy[name] for name in zero) < 0.4
    assert min(accuracy[name] for name in ("default", "first layer 0", "second layer 0")) > 0.8
    assert figure(tmp_path, "all_weights_zero")


def test_which_change(tmp_path):
    measured = which_change.main(epochs=4, train_size=3000, runs=2, out=tmp_path)
    mean = {name: np.mean(values) for name, values in measured["accuracies"].items()}
    assert len(mean) == 8
    assert mean["default weights"] > mean["cross-entropy"] + 0.01
    assert min(mean[change] for change in which_change.CHANGES) > mean["none of them"] + 0.1
    assert abs(mean["all three"] - mean["default weights"]) < 0.03
    silent = measured["silent"]
    assert sum(silent["none of them"]) > 0
    assert sum(silent["default weights"]) == sum(silent["cross-entropy"]) == 0
    assert sum(silent["λ"]) < sum(silent["none of them"])
    assert measured["without"]["λ"] == "cross-entropy, default weights"
    assert figure(tmp_path, "which_change")


def test_random_search(tmp_path):
    measured = random_search.main(pairs=10, draws=1, epochs=3, train_size=2000, runs=2, out=tmp_path)
    tried, steps = measured["tried"][1], measured["steps"]
    assert len(tried) == 10
    assert measured["best"][1] == max(tried, key=tried.get)
    assert max(tried.values()) < steps + 0.02                  # no better than what the steps found
    assert max(accuracy for (eta, _), accuracy in tried.items() if eta > 15) < steps - 0.3
    assert figure(tmp_path, "random_search")


def test_pairs_are_drawn_evenly_over_orders_of_magnitude():
    eta, lmbda = np.log10(random_search.drawn(np.random.default_rng(0), 4000)).T
    assert -2 <= eta.min() < -1.9
    assert 1.9 < eta.max() <= 2
    assert -1 <= lmbda.min() < -0.9
    assert 0.9 < lmbda.max() <= 1
    assert np.histogram(eta, 4)[0].min() > 900
    assert np.histogram(lmbda, 2)[0].min() > 1900


def test_the_steps_are_what_lesson_2_4_says():
    eta, lmbda = random_search.STEPS
    said = " ".join(inspect.getdoc(network_2_4_hyper_parameters).split())
    assert f"to η = {eta:g}, λ = {lmbda:g}:" in said
