"""The book's programs under their own names: its snippets run, its published curves come out."""

import gzip
import json
import os
import pickle

import numpy as np
import pytest

from nndl.book import curves, legacy, mnist_loader, network, network2, network3
from nndl.book.mnist_loader import Pairs
from tests.nets import digits


@pytest.fixture
def seeded():
    """The streams of the originals, from the book's own seed."""
    legacy.seed(12345678)
    yield
    legacy.seed(None)


def pairs(n, vectors=True):
    """n examples that are like mnist_loader's."""
    images, labels = digits(n)
    return Pairs(images, labels, vectors)


# --- the book's published curves ------------------------------------------------------------------

def test_the_curve_of_overfitting_digit_for_digit(seeded, capsys):
    """Test accuracy and costs of the book's figure, its first six epochs of 400."""
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost())
    net.large_weight_initializer()
    evaluation_cost, evaluation_accuracy, training_cost, training_accuracy = net.SGD(
        training_data[:1000], 6, 10, 0.5, evaluation_data=test_data, lmbda=0.0,
        monitor_evaluation_cost=True, monitor_evaluation_accuracy=True,
        monitor_training_cost=True, monitor_training_accuracy=True)
    assert evaluation_accuracy == [5887, 6505, 6970, 7271, 7433, 7198]
    assert len(evaluation_cost) == len(training_cost) == 6 and training_accuracy[:2] == [690, 749]
    np.testing.assert_allclose(evaluation_cost[:2], [2.076277232332908, 1.8232334122685845], rtol=1e-12)
    np.testing.assert_allclose(training_cost[:2], [1.8433647860328504, 1.4777434227600235], rtol=1e-12)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == ["Epoch 0 training complete", f"Cost on training data: {training_cost[0]}",
                         f"Accuracy on training data: {training_accuracy[0]} / 1000",
                         f"Cost on evaluation data: {evaluation_cost[0]}",
                         "Accuracy on evaluation data: 5887 / 10000", ""]


def test_the_published_curves_are_drawn(tmp_path):
    """Six epochs of the one, and of 1,000 images of the other, beside what the book has of them."""
    counts = [5887, 6505, 6970, 7271, 7433, 7198]
    said, published = [], tmp_path / "fig"
    ours = curves.overfitting(6)
    published.mkdir()
    (published / "overfitting.json").write_text(json.dumps([ours[0], counts, *ours[2:]]))
    (published / "multiple_eta.json").write_text(json.dumps(
        [[[], [], costs, []] for costs in ([3.0] * 6, [2.0] * 6, [1.0] * 6)]))
    few = monkey(curves.multiple_eta, n=1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "multiple_eta", few)
        saved = curves.curves(tmp_path / "out", published, said.append, epochs=6)
        with pytest.raises(ValueError, match="--published: .* must have the book's overfitting.json"):
            curves.curves(tmp_path / "out", tmp_path, said.append, epochs=1)
    assert all(path.exists() for path in saved)
    assert "overfitting, test accuracy: at most 0 from the book's" in said
    assert sum("multiple_eta, training cost, eta = " in line for line in said) == 3
    assert legacy.streams().__class__ is legacy.Streams


def monkey(function, **options):
    """The function with these options, under its own name."""
    def other(**more):
        return function(**more | options)
    other.__name__ = function.__name__
    return other


def test_the_order_is_python_2s(seeded):
    """From the last down, each changes places with one of those before it or itself."""
    streams, draw = legacy.streams(), np.random.RandomState(12345678)
    assert np.array_equal(streams.normal(2, 3), draw.randn(2, 3))
    legacy.seed(1)
    order, again = legacy.streams().order(5), list(range(5))
    numbers = [0.13436424411240122, 0.8474337369372327, 0.763774618976614, 0.2550690257394217]
    for i, number in zip((4, 3, 2, 1), numbers):  # random.seed(1); random.random() four times
        j = int(number * (i + 1))
        again[i], again[j] = again[j], again[i]
    assert order.tolist() == again


# --- data -----------------------------------------------------------------------------------------

def test_the_wrapped_data_are_like_lists():
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
    assert (len(training_data), len(validation_data), len(test_data)) == (50_000, 10_000, 10_000)
    x, y = training_data[0]
    assert x.shape == (784, 1) and x.dtype == np.float32 and 0 < x.max() < 1
    assert y.shape == (10, 1) and y[5] == 1 and y.sum() == 1
    assert validation_data[0][1] == 3 and isinstance(test_data[0][1], int)
    assert len(training_data[:1000]) == 1000 and len(list(training_data[:7])) == 7
    inputs, results = zip(*training_data[:3])
    assert len(inputs) == len(results) == 3
    for _ in range(2):  # a second pass
        assert sum(1 for _ in training_data[:50]) == 50
    images, labels = mnist_loader.load_data()[0]
    assert images.shape == (50_000, 784) and np.array_equal(images[0][:, None], x) and labels[0] == 5


def test_old_pickles_are_read_and_nothing_in_them_is_run(tmp_path):
    arrays = [(np.random.default_rng(i).random((4, 784), np.float32), np.arange(4)) for i in range(3)]
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(arrays, protocol=2)))
    for (images, labels), (x, y) in zip(arrays, mnist_loader.load_data(path), strict=True):
        assert np.array_equal(images, x) and np.array_equal(labels, y)
    shared = network3.load_data_shared(path)
    assert np.array_equal(shared[2][0].get_value(), arrays[2][0]) and network3.size(shared[0]) == 4

    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    path.write_bytes(gzip.compress(pickle.dumps([Harm()])))
    with pytest.raises(ValueError, match="not one of the book's data files: it asks for .*mkdir"):
        mnist_loader.load_data(path)
    assert not (tmp_path / "harm").exists()
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not one of the book's data files"):
        mnist_loader.load_data(path)


# --- network --------------------------------------------------------------------------------------

def test_the_first_program(capsys):
    net = network.Network([784, 12, 10])
    assert [w.shape for w in net.weights] == [(12, 784), (10, 12)]
    assert [b.shape for b in net.biases] == [(12, 1), (10, 1)]
    net.SGD(pairs(40), 2, 10, 3.0, test_data=pairs(30, vectors=False))
    net.SGD(pairs(40), 1, 10, 3.0)
    lines = capsys.readouterr().out.splitlines()
    right = net.evaluate(pairs(30, vectors=False))
    assert lines[0].startswith("Epoch 0: ") and lines[0].endswith(" / 30") and 0 <= right <= 30
    assert lines[2] == "Epoch 0 complete"


def test_training_is_the_books_arithmetic():
    """Against update_mini_batch written out example by example, with the weights assigned before."""
    net = network.Network([784, 5, 10])
    rng = np.random.default_rng(0)
    net.weights = [rng.normal(size=w.shape) / 10 for w in net.weights]
    net.biases[1] = np.full((10, 1), 0.25)
    weights, biases = [w.copy() for w in net.weights], [b.copy() for b in net.biases]
    batch = list(pairs(4))
    sums_w, sums_b = [0 * w for w in weights], [0 * b for b in biases]
    for x, y in batch:
        a = [x.astype(float)]
        for w, b in zip(weights, biases):
            a.append(network.sigmoid(w @ a[-1] + b))
        delta = net.cost_derivative(a[2], y) * a[2] * (1 - a[2])
        for n in (1, 0):
            sums_w[n], sums_b[n] = sums_w[n] + delta @ a[n].T, sums_b[n] + delta
            delta = weights[n].T @ delta * a[n] * (1 - a[n])
        nabla_b, nabla_w = net.backprop(x, y)
        assert nabla_w[0].shape == (5, 784) and nabla_b[1].shape == (10, 1)
        np.testing.assert_allclose(net.feedforward(x), a[2], rtol=1e-12)
    net.update_mini_batch(batch, 2.0)
    for n in (0, 1):
        for mine, before, total in ((net.weights, weights, sums_w), (net.biases, biases, sums_b)):
            np.testing.assert_allclose(mine[n], before[n] - 2 / 4 * total[n], rtol=1e-12, atol=1e-14)


def test_a_list_is_shuffled_in_place_and_learns_as_the_lazy_one_does():
    lists, lazy = list(pairs(30)), pairs(30)
    first = lists[0]
    nets = []
    for data in (lists, lazy):
        legacy.seed(3)
        nets.append(network.Network([784, 5, 10]))
        nets[-1].SGD(data, 3, 7, 1.0)
    legacy.seed(None)
    for one, other in zip(*(net.weights for net in nets), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    assert lists[0] is not first and any(pair is first for pair in lists)
    assert [x.sum() for x, _ in lists] == [x.sum() for x, _ in lazy]


# --- network2 -------------------------------------------------------------------------------------

def test_the_files_are_the_books(tmp_path):
    net = network2.Network([784, 5, 10], cost=network2.QuadraticCost)
    net.save(tmp_path / "net.json")
    data = json.loads((tmp_path / "net.json").read_text())
    assert set(data) == {"sizes", "weights", "biases", "cost"} and data["cost"] == "QuadraticCost"
    other = network2.load(tmp_path / "net.json")
    assert other.cost is network2.QuadraticCost
    for one, two in zip(net.weights + net.biases, other.weights + other.biases, strict=True):
        assert np.array_equal(one, two)
    text = (tmp_path / "net.json").read_text()
    for damaged in (text[:-20], "[]", text.replace("QuadraticCost", "Quadratic"), '{"sizes": [3]}'):
        (tmp_path / "net.json").write_text(damaged)
        with pytest.raises(ValueError, match="not a network that network2 has saved"):
            network2.load(tmp_path / "net.json")


def test_early_stopping(capsys):
    net = network2.Network([784, 5, 10])
    lists = net.SGD(pairs(20), 50, 10, 0.0, evaluation_data=pairs(20, vectors=False),
                    monitor_evaluation_accuracy=True, early_stopping_n=3)
    assert [len(one) for one in lists] == [0, 4, 0, 0]  # the first, and three that are no better


@pytest.mark.parametrize("run, error, says", [
    (lambda net: net.SGD(mnist_loader.load_data()[0], 1, 10, 1.0), TypeError,
     "training_data must be a list of pairs .* not the two arrays that load_data returns; .*wrapper"),
    (lambda net: net.SGD([(x.ravel(), y) for x, y in pairs(3)], 1, 10, 1.0), ValueError,
     r"a column \(784, 1\), not \(784,\) as in training_data\[0\]; say x.reshape\(-1, 1\)"),
    (lambda net: net.SGD(zip(), 1, 10, 1.0), ValueError, "training_data is empty; an iterator .* once"),
    (lambda net: net.SGD(pairs(3), 1, 10, 1.0, monitor_evaluation_cost=True), ValueError,
     "need evaluation_data"),
    (lambda net: net.SGD([(x, np.zeros((9, 1))) for x, _ in pairs(3)], 1, 10, 1.0), ValueError,
     r"each y must be a label or a column \(10, 1\), not \(9, 1\)"),
    (lambda net: net.feedforward(np.zeros(784)), ValueError, r"column \(784, 1\), not \(784,\); say"),
    (lambda net: network2.Network([784, 10], cost="cross"), TypeError, "cost must be QuadraticCost or"),
])
def test_mistakes_get_an_answer_that_mends_them(run, error, says):
    with pytest.raises(error, match=says):
        run(network2.Network([784, 5, 10]))
