"""The book's network3, conv and expand_mnist under their own names."""

import numpy as np
import pytest

from nndl.book import conv, expand_mnist, legacy, network3
from nndl.book.layers import SameMaskDropout
from nndl.book.mnist_loader import Pairs
from nndl.data import Dataset, Splits
from nndl.data.expand import expand
from tests.nets import digits


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
