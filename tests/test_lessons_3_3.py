"""Lessons 3.3.x, architecture: each tells its story on few images, and shows what it is about."""

import json

import pytest

from lessons import (
    network_3_3_0_standard,
    network_3_3_1_deep,
    network_3_3_2_everything,
    network_3_3_3_ensemble,
)
from nndl import ConvPool, Dense, Network, ReLU, Softmax, load_mnist
from nndl.comparing import compared
from nndl.data import Splits


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """A thousand validation and test images each are enough here."""
    training, validation, test = load_mnist()
    splits = Splits(training, validation[:1000], test[:1000])
    for lesson in (network_3_3_0_standard, network_3_3_1_deep, network_3_3_2_everything,
                   network_3_3_3_ensemble):
        monkeypatch.setattr(lesson, "load_mnist", lambda: splits)


def made(tmp_path, lesson):
    """The names of what a lesson has left in its folder, and what its results say."""
    folder, = (tmp_path / lesson.__name__.split(".")[1]).iterdir()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return sorted(path.name for path in folder.glob("*.png")), results


def test_3_3_0_the_standard_network(tmp_path, capsys):
    found = network_3_3_0_standard.main(epochs=3, train_size=1000, out=tmp_path)
    assert found["accuracy"] > 0.8 and len(found["validation"]) == 3
    names, results = made(tmp_path, network_3_3_0_standard)
    assert names == ["learning_curves.png", "misclassified.png"]
    assert f"{100 * found['accuracy']:.2f} % of the test images" in results["finding"]
    out = capsys.readouterr().out
    assert "85,670" in out and "Backward, of the mean cost" in out


def test_3_3_1_a_third_convolution(tmp_path):
    found = network_3_3_1_deep.main(epochs=2, train_size=600, out=tmp_path, runs=2)
    assert found["parameters"] == {"shallow": 85_670, "deep": 139_734}
    assert len(found["accuracy"]) == len(found["shallow"]) == 2
    assert min(found["accuracy"] + found["shallow"]) > 0.3  # both learn
    names, results = made(tmp_path, network_3_3_1_deep)
    assert names == ["accuracy.png"]
    said = compared({"deep": found["accuracy"], "shallow": found["shallow"]}, "deep", "shallow")
    assert f"{said}.  The deep one takes " in results["finding"]


def test_3_3_2_distorted_images_are_worth_more_than_the_same_ones_again(tmp_path, monkeypatch,
                                                                             capsys):
    def small(backend=None, seed=0):
        return Network([ConvPool(12, 5, init="he"), Dense(50, init="he"), ReLU(), Dense(10, init="he"),
                        Softmax()], backend=backend, seed=seed)

    monkeypatch.setattr(network_3_3_2_everything, "build_network", small)
    monkeypatch.setattr(network_3_3_2_everything, "MINI_BATCH_SIZE", 10)
    monkeypatch.setattr(network_3_3_2_everything, "ETA", 0.02)
    found = network_3_3_2_everything.main(epochs=20, train_size=300, out=tmp_path, runs=1)
    (accuracy,), (undistorted,) = found["accuracy"], found["accuracies"]["as they are"]
    assert accuracy > undistorted + 0.02 > 0.75
    names, results = made(tmp_path, network_3_3_2_everything)
    assert names == ["accuracy.png", "distorted.png", "misclassified.png"]
    assert f"{100 * accuracy:.2f} % of the test images are right after learning from distorted" in (
        results["finding"])
    assert f"{round(1000 * (1 - accuracy))} from distorted ones" in capsys.readouterr().out


def test_3_3_3_together_they_are_better_than_one(tmp_path):
    found = network_3_3_3_ensemble.main(epochs=8, train_size=300, out=tmp_path, networks=3)
    mean = sum(found["singles"]) / 3
    assert len(found["singles"]) == 3 and found["mean_probability"] > mean
    assert found["accuracy"] > mean and found["all_wrong"] <= 1000 * (1 - max(found["singles"]))
    assert found["some_wrong"] >= 1000 * (1 - min(found["singles"]))
    names, results = made(tmp_path, network_3_3_3_ensemble)
    assert names == ["accuracies.png", "museum_of_errors.png"] and "250,000 images, made 33)" in (
        results["finding"])


def test_3_3_3_ensembles_of_two_seeds_share_no_network(tmp_path, monkeypatch, capsys):
    build, built = network_3_3_3_ensemble.build_network, []

    def noted(backend=None, seed=0):
        built.append(seed)
        return build(backend, seed)
    monkeypatch.setattr(network_3_3_3_ensemble, "build_network", noted)
    for seed in 0, 1:
        network_3_3_3_ensemble.main(epochs=1, train_size=40, seed=seed, out=tmp_path, networks=2)
    assert built == [0, 0, 1, 1, 2, 3]  # of three each the first is only shown
    assert "network 2, seed 3: " in capsys.readouterr().out
