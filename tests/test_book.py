"""The book's programs under their own names: its snippets run, its published curves come out."""

import gzip
import json
import os
import pickle

import numpy as np
import pytest

from nndl.book import conv, curves, expand_mnist, legacy, mnist_loader, network, network2, network3
from nndl.book.layers import SameMaskDropout
from nndl.book.mnist_loader import Pairs
from nndl.data import Dataset, Splits
from nndl.data.expand import expand
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
    assert len(evaluation_cost) == len(training_cost) == len(training_accuracy) == 6
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
        np.testing.assert_allclose(net.weights[n], weights[n] - 2 / 4 * sums_w[n], rtol=1e-12)
        np.testing.assert_allclose(net.biases[n], biases[n] - 2 / 4 * sums_b[n], rtol=1e-12)


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
     r"each x must be a column \(784, 1\), not \(784,\); say x.reshape\(-1, 1\)"),
    (lambda net: net.SGD(zip(), 1, 10, 1.0), ValueError, "training_data is empty; an iterator .* once"),
    (lambda net: net.SGD(pairs(3), 1, 10, 1.0, monitor_evaluation_cost=True), ValueError,
     "need evaluation_data"),
    (lambda net: net.SGD([(x, np.zeros((9, 1))) for x, _ in pairs(3)], 1, 10, 1.0), ValueError,
     r"each y must be a label or a column \(10, 1\), not \(9, 1\)"),
    (lambda net: net.feedforward(np.zeros(784)), ValueError, r"column \(784, 1\), not \(784,\); say"),
    (lambda net: net.SGD(pairs(30), 3, 10, 1e200, lmbda=5.0), ArithmeticError, "diverged: "),
    (lambda net: network2.Network([784, 10], cost="cross"), TypeError, "cost must be QuadraticCost or"),
])
def test_mistakes_get_an_answer_that_mends_them(run, error, says):
    with pytest.raises(error, match=says):
        run(network2.Network([784, 5, 10]))


# --- network3 -------------------------------------------------------------------------------------

def shared(n):
    images, labels = digits(n)
    return network3.Shared(images), network3.Shared(labels)


def test_the_expanded_data_are_shared_too():
    training, _, _ = network3.load_data_shared("nowhere/mnist_expanded.pkl.gz")
    assert network3.size(training) == 250_000 and training[0].shape == (250_000, 784)
    few = network3.Shared(expand(Dataset(*digits(6))).images)
    assert few.get_value().shape == few.shape == (30, 784) and 0 < few.eval().max() < 1


def net3(activation_fn=network3.ReLU, p_dropout=0.0):
    return network3.Network([
        network3.ConvPoolLayer(image_shape=(10, 1, 28, 28), filter_shape=(3, 1, 5, 5), poolsize=(2, 2),
                               activation_fn=activation_fn),
        network3.FullyConnectedLayer(n_in=3 * 12 * 12, n_out=7, activation_fn=activation_fn,
                                     p_dropout=p_dropout),
        network3.SoftmaxLayer(n_in=7, n_out=10, p_dropout=p_dropout)], 10)


@pytest.mark.parametrize("p_dropout", [0.0, 0.5])
@pytest.mark.parametrize("activation_fn", network3.ACTIVATIONS)
def test_the_last_program(activation_fn, p_dropout, capsys):
    net = net3(activation_fn, p_dropout)
    assert [param.shape for param in net.params] == [(3, 1, 5, 5), (3,), (432, 7), (7,), (7, 10), (10,)]
    before = net.layers[1].w.get_value()
    assert before.std() == pytest.approx(np.sqrt(1 / 7), rel=0.1) and not net.layers[2].w.eval().any()
    net.SGD(shared(45), 2, 10, 0.05, shared(20), shared(30), lmbda=0.1)
    assert net.layers[1].w.get_value().shape == (432, 7) and np.any(net.layers[1].w != before)
    assert np.array_equal(np.asarray(net.layers[1].w), net.layers[1].w.eval())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Training mini-batch number 0" and lines[1].startswith("Epoch 0: validation acc")
    assert lines[-3] == "Finished training network." and "obtained at iteration" in lines[-2]
    assert lines[-1].startswith("Corresponding test accuracy of ")


def test_regularisation_is_network3s():
    """One step from the same weights, with λ and without: w loses η λ / (number of mini-batches) w."""
    weights = []
    for lmbda in (0.0, 0.5):
        net = net3(network3.tanh)
        legacy.seed(0)
        for param in net.params:
            param.set_value(legacy.streams().normal(*param.shape) / 10)
        before = net.layers[1].w.get_value()
        net.SGD(tuple(network3.Shared(part.array[:10]) for part in shared(45)), 1, 10, 0.1, shared(20),
                None, lmbda=lmbda)
        weights.append(net.layers[1].w.get_value())
    legacy.seed(None)
    np.testing.assert_allclose(weights[0] - weights[1], 0.1 * 0.5 / 1 * before, rtol=1e-3, atol=1e-7)


def test_masks_of_one_size_are_the_same_and_scaled_when_testing():
    net = network3.Network([
        network3.FullyConnectedLayer(784, 784, network3.linear, 0.5),
        network3.FullyConnectedLayer(784, 784, network3.linear, 0.5),
        network3.SoftmaxLayer(784, 10)], 10)
    drops = [layer for layer in net.engine.layers if isinstance(layer, SameMaskDropout)]
    x = np.ones((10, 784), np.float32)
    one, two = (drop.forward(x, training=True).copy() for drop in drops)
    assert np.array_equal(one, two) and set(np.unique(one)) == {0, 1}
    assert np.any(drops[0].forward(x, training=True) != one)
    assert np.all(drops[0].forward(x) == 0.5)


def test_each_flaw_has_its_switch():
    def make(*mended):
        legacy.seed(5)
        net = network3.Network([
            network3.FullyConnectedLayer(784, 30, network3.tanh, 0.5),
            network3.FullyConnectedLayer(30, 30, network3.tanh), network3.SoftmaxLayer(30, 10, 0.5)],
            10, mended)
        return net

    weights = [net.layers[0].w.get_value() for net in (make(), make("initialisation"))]
    np.testing.assert_allclose(weights[1], weights[0] * np.sqrt(30 / 784), rtol=1e-6)
    assert sum(isinstance(layer, SameMaskDropout) for layer in make().engine.layers) == 2
    assert not any(isinstance(layer, SameMaskDropout) for layer in make("dropout").engine.layers)
    after = {}
    for mended in ((), ("lambda",), ("order",)):
        net = make(*mended)
        net.SGD(shared(60), 1, 10, 0.1, shared(20), None, lmbda=0.5)
        after[mended] = net.layers[0].w.get_value()
    net = make()
    net.SGD(shared(60), 1, 10, 0.1, shared(20), None, lmbda=0.05)
    assert np.array_equal(after["lambda",], net.layers[0].w.get_value())
    assert not np.array_equal(after["order",], after[()])
    with pytest.raises(ValueError, match="mended must be some of initialisation, .*, not 'all'"):
        make("all")
    legacy.seed(None)


@pytest.mark.parametrize("run, says", [
    (lambda: network3.Network([network3.ConvPoolLayer((3, 1, 5, 5), (20, 1, 28, 28)),
                               network3.SoftmaxLayer(432, 10)], 10),
     r"image_shape must be \(10, 1, 28, 28\)"),
    (lambda: network3.Network([network3.ConvPoolLayer((3, 1, 5, 5), (10, 1, 28, 28)),
                               network3.SoftmaxLayer(100, 10)], 10), "n_in must be 432.* not 100"),
    (lambda: network3.FullyConnectedLayer(3, 4, activation_fn=np.tanh), "must be linear, ReLU, sig"),
    (lambda: net3().SGD(shared(20), 1, 5, 0.1, shared(20), shared(20)), "mini_batch_size must be .*10"),
    (lambda: net3().layers[1].w.set_value(np.zeros((7, 432))), r"must have shape \(432, 7\)"),
])
def test_what_does_not_fit_is_named(run, says):
    with pytest.raises(ValueError, match=says):
        run()


def test_data_of_the_other_programs_are_told_apart():
    with pytest.raises(TypeError, match="pair of images and labels.*load_data_shared"):
        net3().SGD(pairs(20), 1, 10, 0.1, shared(20), shared(20))


# --- conv and expand_mnist ------------------------------------------------------------------------

@pytest.fixture
def few(monkeypatch):
    """Sixty images instead of MNIST for conv's experiments."""
    monkeypatch.setattr(conv, "data", lambda expanded=False: (shared(60), shared(20), shared(30)))
    monkeypatch.setattr(conv, "LAMBDAS", (0.0, 0.1))


@pytest.mark.parametrize("run, layers, nets", [
    (lambda: conv.shallow(n=1, epochs=1), [784, 100, 10], 1),
    (lambda: conv.basic_conv(n=2, epochs=1), [2880, 100, 10], 2),
    (lambda: conv.omit_FC(n=1, epochs=1), [2880, 10], 1),
    (lambda: conv.dbl_conv(network3.tanh, n=1, epochs=1), [640, 100, 10], 1),
    (lambda: conv.regularized_dbl_conv(n=1, epochs=1), [640, 100, 10], 2),
    (lambda: conv.dbl_conv_relu(n=1, epochs=1), [640, 100, 10], 2),
    (lambda: [conv.expanded_data(30, runs=1, epochs=1)], [640, 30, 10], 1),
    (lambda: [conv.expanded_data_double_fc(30, runs=2, epochs=1)], [640, 30, 30, 10], 1),
    (lambda: conv.double_fc_dropout(0.5, 0.3, 0.2, 2, epochs=1, n=30), [640, 30, 30, 10], 2),
])
def test_the_books_experiments_run(few, run, layers, nets, capsys):
    found = run()
    assert len(found) == nets
    dense = [layer for layer in found[0].layers if hasattr(layer, "n_in")]
    assert [dense[0].n_in, *(layer.n_out for layer in dense)] == layers
    if len(layers) == 4 and nets == 2:
        assert [layer.p_dropout for layer in dense] == [0.5, 0.3, 0.2]
    assert capsys.readouterr().out.count("Finished training network.") >= nets


def test_the_books_figures(few, tmp_path, capsys):
    nets = conv.basic_conv(n=3, epochs=1)
    where, said = conv.ensemble(nets)
    assert f"Accuracy is {1 - len(where) / 30:.2%}" in capsys.readouterr().out
    labels = np.asarray(shared(30)[1])
    votes = np.array([net.predict(shared(30)) for net in nets])
    for i, digit in zip(where, said, strict=True):
        assert digit != labels[i] and digit in votes[:, i]
    conv.plot_errors(where, said).savefig(tmp_path / "errors.png")
    conv.plot_errors(where, filename=tmp_path / "again.png")
    conv.plot_filters(nets[0], 0, 5, 4, tmp_path / "filters.png")
    assert all((tmp_path / f"{name}.png").stat().st_size for name in ("errors", "again", "filters"))


def test_the_expanded_file_is_what_the_others_read(tmp_path, capsys):
    images, labels = digits(20)
    splits = Splits(*(Dataset(images, labels) for _ in range(3)))
    path = expand_mnist.expand_mnist(tmp_path / "new" / "mnist_expanded.pkl.gz", splits)
    training, validation, _ = network3.load_data_shared(path)
    assert training[0].shape == (100, 784) and validation[0].shape == (20, 784)
    assert np.array_equal(validation[0].get_value(), images.reshape(20, -1) / np.float32(256))
    assert expand_mnist.expand_mnist(path) == path and "already exists" in capsys.readouterr().out
