"""Lessons 3.0 to 3.2 with tiny settings: what each teaches must show, and its figures be there.

The lessons 3.3 have their own file.
"""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from nndl import load_mnist
from nndl.data import Splits
from nndl.lesson import about

LESSONS = ("3_0_0_first_cnn", "3_0_1_dense_baseline", "3_0_2_two_convolutions", "3_1_0_relu_sigmoid",
           "3_1_1_relu_tanh", "3_1_2_vanishing_gradients", "3_2_0_dropout", "3_2_1_dropout_rates",
           "3_2_2_dropout_or_l2", "3_2_3_dropout_and_l2")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Two thousand validation and test images each are enough here."""
    training, validation, test = load_mnist()
    splits = Splits(training, validation[:2000], test[:2000])
    for name in LESSONS:
        lesson = importlib.import_module(f"lessons.network_{name}")
        monkeypatch.setattr(lesson, "load_mnist", lambda: splits)


def run(name, tmp_path, **settings):
    """A lesson's main; returns what it has measured and the names of its figures."""
    lesson = importlib.import_module(f"lessons.network_{name}")
    measured = lesson.main(out=tmp_path, **settings)
    (folder,) = (path for path in (tmp_path / f"network_{name}").iterdir() if path.is_dir())
    assert (folder / "results.json").exists()
    assert not list(tmp_path.rglob("*.checkpoint.npz"))
    return measured, {path.name for path in folder.glob("*.png")}


@pytest.mark.parametrize("name", LESSONS)
def test_the_docstring_says_how_to_run_it(name):
    path = Path(__file__).parent.parent / "lessons" / f"network_{name}.py"
    said = about(path)
    assert said.id == ".".join(name.split("_")[:3])
    assert said.book and said.before and said.next and said.exercises
    assert f"python -m lessons {said.id} --full" in path.read_text(encoding="utf-8")


def test_a_convolution_alone_reads_as_well_as_a_dense_layer_with_more_weights(tmp_path):
    measured, figures = run("3_0_0_first_cnn", tmp_path, epochs=2, train_size=3_000, runs=1)
    assert figures == {"accuracy.png", "filters.png"}
    accuracies = measured["accuracies"]
    assert measured["accuracy"] == accuracies["conv + dense"]
    assert accuracies["conv alone"][0] > 0.8
    assert accuracies["conv alone"][0] > accuracies["dense alone"][0] - 0.03
    assert accuracies["conv + dense"][0] > 0.5  # it starts later


def test_a_fiftieth_of_the_parameters_is_enough_for_a_convolutional_network(tmp_path):
    measured, figures = run("3_0_1_dense_baseline", tmp_path, epochs=6, train_size=3_000, runs=1)
    assert figures == {"parameters.png"}
    dense, same, tenth, fiftieth = measured["parameters"].values()
    assert same == 289_630 and abs(dense / same - 1) < 0.001
    assert tenth / dense == pytest.approx(0.1, abs=0.002)
    assert fiftieth / dense == pytest.approx(0.02, abs=0.001)
    right = {name: accuracy for name, (accuracy,) in measured["accuracies"].items()}
    assert measured["accuracy"] == [right["dense 364"]] and right["dense 364"] > 0.85
    assert right["conv 20"] > right["dense 364"]             # a tenth
    assert right["conv 8 + conv 16"] > right["dense 364"] - 0.03  # a fiftieth, here almost


def test_a_second_convolution_is_smaller_and_starts_later(tmp_path):
    measured, figures = run("3_0_2_two_convolutions", tmp_path, epochs=1, train_size=5_000, runs=1)
    assert figures == {"errors.png", "maps.png"}
    accuracies = measured["accuracies"]
    assert measured["accuracy"] == accuracies["two convolutions"]
    assert accuracies["two convolutions"][0] < 0.2
    assert accuracies["one convolution"][0] > accuracies["two convolutions"][0] + 0.05


def test_relu_learns_where_sigmoids_have_not_begun_to(tmp_path):
    measured, figures = run("3_1_0_relu_sigmoid", tmp_path, epochs=2, train_size=3_000, runs=1)
    assert figures == {"accuracy.png"}
    (relu,), (sigmoid,) = (measured["curves"][name] for name in ("ReLU", "sigmoid"))
    assert relu[0] > 0.8 and max(sigmoid) < 0.3
    assert measured["accuracy"] == measured["accuracies"]["ReLU"] > [0.85]
    assert measured["reached"] == {"ReLU": [None], "sigmoid": [None]}  # 98 % are further away


def test_a_tanh_network_is_a_sigmoid_network_in_other_clothes(tmp_path):
    measured, figures = run("3_1_1_relu_tanh", tmp_path, epochs=2, train_size=1_000, runs=1)
    assert figures == {"activations.png", "accuracy.png"}
    assert measured["apart"] < 1e-4
    assert measured["accuracy"] == measured["accuracies"]["ReLU"]
    assert min(measured["accuracy"] + measured["accuracies"]["tanh"]) > 0.8
    relu, tanh = (measured["epochs"][name] for name in ("ReLU", "tanh"))
    assert measured["times"] == [tanh[0] / relu[0]] and 0 < tanh[0] < relu[0] <= 2


def test_where_nothing_is_learnt_nothing_is_compared(tmp_path, capsys):
    measured, _ = run("3_1_1_relu_tanh", tmp_path, epochs=1, train_size=10, runs=1)
    out = capsys.readouterr().out
    assert None in measured["epochs"]["ReLU"] + measured["epochs"]["tanh"] and measured["times"] == []
    assert "which is faster cannot be said" in out and "never" in out
    assert not re.search(r"\b(inf|nan)\b", out)


def test_rescaling_needs_every_factor():
    lesson = importlib.import_module("lessons.network_3_1_1_relu_tanh")
    net = lesson.build_network("tanh", "numpy", seed=3)
    images = load_mnist().test.images[:50]
    twin = lesson.as_sigmoids(net, "numpy")
    assert [layer.name for layer in twin.layers if layer.name in ("tanh", "sigmoid")] == ["sigmoid"]
    np.testing.assert_allclose(twin.feedforward(images), net.feedforward(images), atol=1e-5)
    twin.layers[1].w /= 2
    assert np.abs(twin.feedforward(images) - net.feedforward(images)).max() > 1e-2


def test_the_head_start_counts_epochs():
    lesson = importlib.import_module("lessons.network_3_1_1_relu_tanh")
    curves = {"ReLU": [0.9, 0.965, 0.98, 0.985], "tanh": [0.9, 0.95, 0.96, 0.97]}
    level, epochs = lesson.head_start(curves)  # half a point below tanh's best
    assert level == pytest.approx(0.965) and epochs == pytest.approx({"ReLU": 2, "tanh": 3.5})
    curves["tanh"] = [0.7, 0.9, 0.95, 0.96]
    level, epochs = lesson.head_start(curves)
    assert level == pytest.approx(0.955)
    assert epochs == pytest.approx({"ReLU": 1 + 55 / 65, "tanh": 3.5})
    assert lesson.head_start({"ReLU": [0.5], "tanh": [0.305]})[1] == pytest.approx(
        {"ReLU": 0.5, "tanh": 40 / 41})  # from guessing, 0.1
    assert lesson.head_start({"ReLU": [0.1], "tanh": [0.3]})[1]["ReLU"] == float("inf")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sigmoids_leave_the_first_layer_less_than_a_hundredth_of_the_gradient(seed):
    lesson = importlib.import_module("lessons.network_3_1_2_vanishing_gradients")
    some = load_mnist().training[:500]
    norms = {name: lesson.gradient_norms(lesson.build_network(name, seed=seed), some)
             for name in lesson.UNITS}
    assert all(len(of_layers) == 5 for of_layers in norms.values())
    assert norms["sigmoid"][0] < 0.01 * norms["ReLU"][0]
    assert norms["sigmoid"] == sorted(norms["sigmoid"])  # smaller from layer to layer, back to front
    assert norms["ReLU"][0] > 0.1 * norms["ReLU"][-1]
    assert norms["tanh"][0] > 0.1 * norms["tanh"][-1]


def test_five_layers_of_sigmoids_do_not_get_off_the_ground_at_once(tmp_path):
    measured, figures = run("3_1_2_vanishing_gradients", tmp_path, epochs=3, train_size=2_000, runs=1)
    assert figures == {"gradients.png", "training.png"}
    assert measured["part"] < 0.01
    accuracies = measured["accuracies"]
    assert measured["accuracy"] == accuracies["ReLU"]
    assert accuracies["ReLU"][0] > 0.7 and accuracies["tanh"][0] > 0.7
    assert accuracies["sigmoid"][0] < 0.3
    assert all(len(during[0]) == 4 for during in measured["during"].values())


def test_dropout_keeps_a_network_from_learning_by_heart(tmp_path):
    measured, figures = run("3_2_0_dropout", tmp_path, epochs=8, train_size=300, runs=1)
    assert figures == {"accuracy.png"}
    assert measured["accuracy"] == measured["accuracies"]["dropout"]
    gap = {name: measured["training"][name][0] - measured["accuracies"][name][0]
           for name in ("dropout", "no dropout")}
    assert gap["no dropout"] > gap["dropout"] > 0


def test_inverted_dropout_keeps_the_mean():
    lesson = importlib.import_module("lessons.network_3_2_0_dropout")
    heard = lesson.heard_with(np.ones((10_000, 1), np.float32), np.random.default_rng(0))
    assert [float(of.max()) for of in heard] == pytest.approx([1.25, 2, 5])
    assert [float(of.mean()) for of in heard] == pytest.approx([1, 1, 1], abs=0.08)


def test_the_more_is_dropped_the_less_is_learnt_by_heart(tmp_path):
    measured, figures = run("3_2_1_dropout_rates", tmp_path, epochs=10, train_size=300, runs=1)
    assert figures == {"curves.png", "rates.png"}
    assert measured["accuracy"] == measured["accuracies"]["p = 0.5"]
    assert measured["training"]["p = 0"][0] > 0.99
    assert measured["training"]["p = 0.8"][0] < measured["training"]["p = 0"][0] - 0.01
    assert measured["best"] == max(measured["validation"], key=lambda p: measured["validation"][p])


def test_dropout_costs_a_small_network_more_than_a_large_one(tmp_path):
    measured, figures = run("3_2_2_dropout_or_l2", tmp_path, epochs=10, train_size=300, runs=1)
    assert figures == {"methods.png"}
    assert measured["accuracy"] == measured["accuracies"]["large with dropout"]
    accuracies = {name: np.mean(runs) for name, runs in measured["accuracies"].items()}
    large, small = (accuracies[f"{size} with dropout"] - accuracies[f"{size} with neither"]
                    for size in ("large", "small"))
    assert len(accuracies) == 6 and large > small + 0.01
    assert measured["accuracies"]["large with neither"] > measured["accuracies"]["small with neither"]


def test_both_together_read_better_and_learn_less_by_heart_than_neither(tmp_path):
    measured, figures = run("3_2_3_dropout_and_l2", tmp_path, epochs=20, train_size=300, runs=1)
    assert figures == {"methods.png"}
    assert measured["accuracy"] == measured["accuracies"]["both"]
    assert set(measured["accuracies"]) == {"neither", "L2", "dropout", "both"}
    both, neither = (measured["accuracies"][name][0] for name in ("both", "neither"))
    assert both > neither + 0.005
    short, _ = run("3_2_3_dropout_and_l2", tmp_path / "short", epochs=6, train_size=300, runs=1)
    assert short["training"]["both"][0] < short["training"]["neither"][0] - 0.01
