"""The book's network3, conv and expand_mnist under their own names, and the errata."""

import copy
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.image import imread

from nndl import costs, reproduce, reproduced
from nndl.book import conv, errata, expand_mnist, legacy, mnist_loader, network2, network3
from nndl.book.layers import SameMaskDropout
from nndl.data import Dataset, Splits
from nndl.data.expand import expand
from nndl.experiments import EXPERIMENTS
from nndl.layers import Dropout
from tests.nets import digits
from tests.processes import in_a_new_process

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "reproduce"


@pytest.fixture(autouse=True)
def unseeded():
    """No test leaves the originals' streams to the next."""
    yield
    legacy.seed(None)


def shared(n):
    images, labels = digits(n)
    return network3.Shared(images), network3.Shared(labels)


def net3(activation_fn=network3.ReLU, p_dropout=0.0):
    return network3.Network([
        network3.ConvPoolLayer(image_shape=(10, 1, 28, 28), filter_shape=(3, 1, 5, 5), poolsize=(2, 2),
                               activation_fn=activation_fn),
        network3.FullyConnectedLayer(n_in=3 * 12 * 12, n_out=7, activation_fn=activation_fn,
                                     p_dropout=p_dropout),
        network3.SoftmaxLayer(n_in=7, n_out=10, p_dropout=p_dropout)], 10)


# --- data -----------------------------------------------------------------------------------------

def test_the_expanded_data_are_shared_too():
    training, _, _ = network3.load_data_shared("nowhere/mnist_expanded.pkl.gz")
    assert network3.size(training) == 250_000 and training[0].shape == (250_000, 784)
    assert training[0].ndim == 2 and training[0].size == 196_000_000  # and no float has been made
    few = network3.Shared(expand(Dataset(*digits(6))).images)
    assert few.get_value().shape == few.shape == (30, 784) and 0 < few.eval().max() < 1
    assert np.array_equal(few[[3, 29], 300:302], few.eval()[[3, 29], 300:302])


def test_data_under_another_name_are_not_mnist(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file .*fashion.pkl.gz; .* are called mnist.pkl"):
        network3.load_data_shared(tmp_path / "fashion.pkl.gz")
    assert network3.size(network3.load_data_shared(tmp_path / "mnist.pkl.gz")[0]) == 50_000


def test_a_slice_of_data_is_of_examples():
    _, validation, _ = network3.load_data_shared()
    few = validation[1:4]
    x, y = few
    assert network3.size(few) == 3 and x.shape == (3, 784)
    assert np.array_equal(y, validation[1].get_value()[1:4])
    assert np.array_equal(x.eval(), validation[0].get_value()[1:4])
    expanded, _, _ = network3.load_data_shared("mnist_expanded.pkl.gz")
    assert network3.size(expanded[:20]) == 20


def test_only_those_images_become_floats_that_are_looked_at(monkeypatch):
    images, _ = digits(20)
    seen, expected = network3.Shared(images), images.reshape(20, 784) / np.float32(256)
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            asked.append(np.asarray(self)[key])
            return asked[-1]

    seen.array = images.view(Watched)
    some = np.arange(20) % 7 == 3
    for key in (3, -1, np.int64(4), slice(2, 5), slice(7, 7), [4, 4, 1], some, (3, 300),
                (3, slice(2, 9)), (slice(0, 20, 6), 300), ([1, 2], [300, 301]), (some, slice(5, 7)),
                np.array([[1], [2]])):
        np.testing.assert_array_equal(seen[key], expected[key])
        assert len(asked.pop()) <= 4
    assert np.array_equal(seen[...], expected) and seen[0].dtype == np.float32
    assert sum(1 for _ in seen) == 20
    with pytest.raises(IndexError):
        seen[20]


def test_shared_variables_can_be_read_as_arrays():
    images, labels = digits(20)
    x, y = shared(20)
    floats = images.reshape(20, 784) / np.float32(256)
    assert y.eval().dtype == y.dtype == y.get_value().dtype == np.asarray(y).dtype == np.int32
    small = network3.Shared(labels.astype(np.uint8))
    assert (small - 9).min() < 0 and (small[0] - 300) < 0 and len(small) == 20  # bytes would wrap round
    assert x.dtype == np.float32 and (x.ndim, x.size, x.shape) == (2, 20 * 784, (20, 784))
    np.testing.assert_array_equal(x * 2 - x, floats)
    np.testing.assert_array_equal(x.T, floats.T)
    assert x.mean() == floats.mean() and np.sum(x) == floats.sum() and (y == labels).all()
    with pytest.raises(TypeError):
        x[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        x.fill(0)
    own, before = network3.Shared(floats[5:]), floats[5:].copy()
    with pytest.raises(ValueError, match="read-only"):
        own += 1
    own.get_value()[...] = 0
    np.asarray(own)[...] = 0
    assert np.array_equal(own, before)
    own.get_value(borrow=True)[...] = 0
    assert not floats[5:].any()
    own.set_value(np.ones(3))
    assert own.shape == (3,) and copy.deepcopy(own).array is not own.array
    assert np.array_equal(pickle.loads(pickle.dumps(x)), x)


# --- layers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("placed", [False, True])
def test_parameters_are_arrays(placed):
    layer = net3().layers[1] if placed else network3.FullyConnectedLayer(432, 7)
    w, plain = layer.w, layer.w.get_value()
    for one, other in ((w * 2, plain * 2), (2 * w, plain * 2), (w**2, plain**2), (-w, -plain),
                       (w + w, plain + plain), (w.T, plain.T), (np.abs(w), abs(plain)),
                       (w[3:5, 2], plain[3:5, 2]), (w > 0, plain > 0), (np.ones(432) @ w, plain.sum(0)),
                       (np.add.reduce(w), plain.sum(axis=0)), (np.stack([w, w])[1], plain)):
        assert type(one) is np.ndarray
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert (len(w), w.shape, w.ndim, w.dtype, w.size) == (432, (432, 7), 2, np.float32, 3024)
    assert w.mean() == plain.mean() and np.sum(w) == plain.sum() and sum(1 for _ in w) == 432
    w[0, 0] = 1
    layer.w += 1
    assert layer.w is w and w[0, 0] == 2 and np.array_equal(w.eval()[1:], plain[1:] + 1)
    if placed:
        assert np.array_equal(layer.core.w, w.T)
    with pytest.raises(AttributeError, match="'Parameter' object has no attribute 'weights'"):
        _ = w.weights
    assert not hasattr(w, "__array_interface__") and not hasattr(w, "__setstate__")
    assert np.array_equal(copy.copy(w), w)
    if not placed:
        for other in copy.deepcopy(w), pickle.loads(pickle.dumps(w)):
            assert np.array_equal(other, w) and other.owner is not layer.core


def test_layers_draw_what_the_originals_draw():
    """The one behind a SoftmaxLayer too, which draws nothing."""
    legacy.seed(5)
    conv_pool = network3.ConvPoolLayer((3, 1, 5, 5), (10, 1, 28, 28), (2, 2))
    dense, last = network3.FullyConnectedLayer(432, 7), network3.SoftmaxLayer(7, 10)
    next_one = network3.FullyConnectedLayer(4, 3)
    draw = np.random.RandomState(5)
    for layer, shape, n_out in ((conv_pool, (3, 1, 5, 5), 3 * 25 // 4), (dense, (432, 7), 7),
                                (next_one, (4, 3), 3)):
        np.testing.assert_allclose(layer.w, draw.randn(*shape) / np.sqrt(n_out), rtol=1e-6)
        np.testing.assert_allclose(layer.b, draw.randn(*layer.b.shape), rtol=1e-6)
    assert not np.any(last.w) and not np.any(last.b)


def test_masks_of_one_size_are_the_same_and_scaled_when_testing():
    drops = [layer for layer in twice_dropped().engine.layers if isinstance(layer, SameMaskDropout)]
    x = np.ones((10, 784), np.float32)
    one, two = (drop.forward(x, training=True).copy() for drop in drops)
    assert np.array_equal(one, two) and set(np.unique(one)) == {0, 1}
    assert np.any(drops[0].forward(x, training=True) != one)
    assert np.all(drops[0].forward(x) == 0.5)


def twice_dropped(mended=()):
    return network3.Network([
        network3.FullyConnectedLayer(784, 784, network3.linear, 0.5),
        network3.FullyConnectedLayer(784, 784, network3.linear, 0.5),
        network3.SoftmaxLayer(784, 10)], 10, mended)


def test_mended_masks_are_each_layers_and_each_networks_own():
    x = np.ones((10, 784), np.float32)

    def masks(mended=("dropout",)):
        return [layer.forward(x, training=True).tobytes()
                for layer in twice_dropped(mended).engine.layers if isinstance(layer, Dropout)]

    assert len({*masks(), *masks()}) == 4
    assert len({*masks(()), *masks(())}) == 1
    legacy.seed(3)
    first, second = masks(), masks()
    legacy.seed(3)
    assert masks() == first != second
    # The network with the flaw draws its layers' weights, and nothing more.
    legacy.seed(3)
    twice_dropped()
    now = legacy.streams().normal(1)
    draw = np.random.RandomState(3)
    draw.randn(2 * (784 * 784 + 784))
    assert now == draw.randn(1)


# --- training -------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("mended", [(), ("lambda",), ("order",)])
def test_training_is_the_originals_arithmetic(mended, monkeypatch):
    """Its steps written out: five mini-batches of 53 images, printed about after every third."""
    monkeypatch.setattr(network3, "PRINTED", 3)
    m, batches, eta, lmbda = 10, 5, 0.5, 0.8
    legacy.seed(7)
    net = network3.Network([network3.SoftmaxLayer(784, 10)], m, mended)
    w = np.random.default_rng(0).normal(size=(784, 10)) / 5
    b = np.random.default_rng(1).normal(size=10)
    for param, value in zip(net.params, (w, b)):
        param.set_value(value)
    training = shared(53)
    net.SGD(training, 3, m, eta, shared(20), None, lmbda=lmbda)

    x, y = np.asarray(training[0], float), np.eye(10)[training[1].eval()]
    streams, order = legacy.LegacyStreams(7), np.arange(53)
    of = batches * m if "lambda" in mended else batches
    for _ in range(3):
        if "order" in mended:
            order = order[streams.order(53)]
        for j in range(batches):  # the last three images are left out
            some = order[j * m:(j + 1) * m]
            a = np.exp(x[some] @ w + b)
            delta = a / a.sum(axis=1, keepdims=True) - y[some]
            w, b = w - eta * (x[some].T @ delta / m + lmbda / of * w), b - eta * delta.sum(axis=0) / m
    np.testing.assert_allclose(net.layers[0].w, w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(net.layers[0].b, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batches, epochs", [(450, 5), (1000, 2), (999, 3), (1001, 2), (2500, 1)])
def test_every_thousandth_mini_batch_is_told(batches, epochs, capsys):
    net = network3.Network([network3.SoftmaxLayer(784, 10)], 1)
    net.SGD(shared(batches), epochs, 1, 0.0, shared(5), shared(5))
    lines = capsys.readouterr().out.splitlines()
    expected = []
    for iteration in range(epochs * batches):
        if iteration % 1000 == 0:
            expected.append(f"Training mini-batch number {iteration}")
        if (iteration + 1) % batches == 0:
            expected.append(f"Epoch {iteration // batches}")
    assert [line.split(":")[0] for line in lines if line.startswith(("Tr", "Ep"))] == expected
    assert lines[-2].endswith(f" obtained at iteration {epochs * batches - 1}")  # of equals the last


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


def test_only_bytes_are_expanded():
    """Of floats, made as bytes, nothing but black would be left."""
    images, labels = digits(6)
    with pytest.raises(TypeError, match=r"must be bytes .* not float32"):
        expand(Dataset((images / 256).astype(np.float32), labels))


def test_expanded_images_in_another_order_take_little_memory():
    """In a process of its own, in which everything has been compiled and used before."""
    pytest.importorskip("resource")
    said = in_a_new_process("""
        import resource
        from nndl.book import network3
        training, validation, _ = network3.load_data_shared()
        expanded, _, _ = network3.load_data_shared("mnist_expanded.pkl.gz")
        net = network3.Network([network3.SoftmaxLayer(784, 10)], 10, mended=("order",))
        def peak(data):
            net.SGD(data, 1, 10, 0.1, validation, None)
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(-peak(training) + peak(expanded))
        """)
    grown = int(said.splitlines()[-1]) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 100e6  # as bytes in that order they would be 196 MB


@pytest.mark.parametrize("run, says", [
    (lambda: network3.Network([network3.ConvPoolLayer((3, 1, 5, 5), (20, 1, 28, 28)),
                               network3.SoftmaxLayer(432, 10)], 10),
     r"image_shape must be \(10, 1, 28, 28\)"),
    (lambda: network3.Network([network3.ConvPoolLayer((3, 2, 5, 5), (10, 1, 28, 28)),
                               network3.SoftmaxLayer(432, 10)], 10),
     r"filter_shape must be \(3, 1, 5, 5\)"),
    (lambda: network3.Network([network3.ConvPoolLayer((3, 1, 5, 5), (10, 1, 28, 28)),
                               network3.SoftmaxLayer(100, 10)], 10), "n_in must be 432.* not 100"),
    (lambda: network3.Network([network3.FullyConnectedLayer(784, 10)], 10),
     "last layer must be a SoftmaxLayer, .* not a FullyConnectedLayer"),
    (lambda: network3.Network([], 10), "last layer must be a SoftmaxLayer, .* layers is empty"),
    (lambda: network3.FullyConnectedLayer(3, 4, activation_fn=np.tanh), "must be linear, ReLU, sig"),
    (lambda: network3.ConvPoolLayer((10, 1, 28, 28), (20, 1, 5, 5)), "filter_shape comes first"),
    (lambda: network3.Network([network3.ConvPoolLayer((4, 1, 5, 5), (10, 1, 24, 24)),
                               network3.SoftmaxLayer(400, 10)], 10).accuracy(shared(20)),
     r"\(n, 576\), not \(20, 784\); for such images its image_shape is \(10, 1, 28, 28\)"),
    (lambda: network3.Network([network3.SoftmaxLayer(700, 10)], 10).accuracy(shared(20)),
     r"\(n, 700\), not \(20, 784\); for such images its n_in is 784"),
    (lambda: network3.FullyConnectedLayer(-3, 10), "n_in must be at least 1, not -3"),
    (lambda: net3().SGD(shared(20), 1, 5, 0.1, shared(20), shared(20)), "mini_batch_size must be .*10"),
    (lambda: net3().SGD(shared(9), 1, 10, 0.1, shared(20), shared(20)),
     "training_data must have the 10 examples of a mini-batch at least, not 9"),
    (lambda: net3().SGD(shared(20), 1, 10, 0.1, shared(9), None), "validation_data must .* not 9"),
    (lambda: net3().SGD(shared(20), 1, 10, 0.1, shared(20), shared(9)), "test_data must .* not 9"),
    (lambda: net3().SGD((shared(20)[0], shared(19)[1]), 1, 10, 0.1, shared(20), None),
     "training_data must have a label for each of its 20 images, not 19"),
    (lambda: net3().accuracy(shared(9)), "data must have the 10 examples"),
    (lambda: net3().layers[1].w.set_value(np.zeros((7, 432))), r"must have shape \(432, 7\)"),
])
def test_what_does_not_fit_is_named(run, says):
    with pytest.raises(ValueError, match=says):
        run()


def test_data_of_the_other_programs_are_told_apart():
    pairs = mnist_loader.load_data_wrapper()[0][:20]
    with pytest.raises(TypeError, match="pair of images and labels.*load_data_shared"):
        net3().SGD(pairs, 1, 10, 0.1, shared(20), shared(20))


def test_the_flaws_to_mend_are_a_tuple():
    with pytest.raises(TypeError, match=r'must be a tuple of names, \("order",\), not \'order\' alone'):
        network3.Network([network3.SoftmaxLayer(784, 10)], 10, mended="order")


# --- what readers do with its networks ------------------------------------------------------------

def small(p_dropout=0.5, mended=()):
    return network3.Network([
        network3.ConvPoolLayer((2, 1, 5, 5), (10, 1, 28, 28), activation_fn=network3.ReLU),
        network3.FullyConnectedLayer(2 * 12 * 12, 6, activation_fn=network3.tanh, p_dropout=p_dropout),
        network3.SoftmaxLayer(6, 10)], 10, mended=mended)


@pytest.mark.parametrize("mended", [(), ("dropout", "initialisation", "lambda")])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_networks_can_be_copied_and_pickled_and_go_on_alike(again, mended):
    net, data = small(mended=mended), shared(40)
    net.SGD(data, 1, 10, 0.1, data, data)
    before = np.random.get_state()[1].tolist()
    other = again(net)
    assert np.random.get_state()[1].tolist() == before  # nothing was drawn for it
    assert other.engine is not net.engine and other.mended == net.mended
    for one in net, other:  # dropout's masks go on too
        one.SGD(data, 1, 10, 0.1, data, data)
    for mine, its in zip(net.params, other.params, strict=True):
        assert np.array_equal(mine.get_value(), its.get_value())
    other.layers[0].w[...] = 0
    assert net.layers[0].w.get_value().any()
    assert net.engine.parameters == other.engine.parameters and "total" in str(other)


def test_a_layer_is_copied_with_what_it_has():
    layer = network3.FullyConnectedLayer(6, 4, p_dropout=0.25)
    layer.note = "mine"
    other = copy.deepcopy(layer)
    assert (other.note, other.p_dropout) == ("mine", 0.25)
    assert np.array_equal(other.w, layer.w) and other.core is not layer.core


def test_assigning_to_w_changes_what_the_network_has():
    net = small(p_dropout=0.0)
    net.layers[1].w = np.full((288, 6), 0.25)
    net.layers[1].b = np.zeros(6)
    assert (net.engine.layers[2].w == 0.25).all() and net.params[2] is net.layers[1].w
    with pytest.raises(ValueError, match=r"the value of w must have shape \(288, 6\), not \(6, 288\)"):
        net.layers[1].w = np.zeros((6, 288))


def test_layers_that_would_not_be_asked_are_refused():
    class Own(network3.FullyConnectedLayer):
        def set_inpt(self, inpt, inpt_dropout, mini_batch_size):
            raise AssertionError

    class Named(network3.FullyConnectedLayer):
        """One that is only called otherwise."""

    network3.Network([Named(784, 6), network3.SoftmaxLayer(6, 10)], 10)
    with pytest.raises(TypeError, match="Own has a set_inpt of its own, which is not asked here"):
        network3.Network([Own(784, 6), network3.SoftmaxLayer(6, 10)], 10)


def test_one_picture_of_ones_own():
    net, (images, labels) = small(), shared(12)
    said = net.predict((images, labels))
    for one in (images[3], images[3][None], images[3].reshape(28, 28), images.array[3],
                images.array[3][None], (images[3][None], None)):
        assert np.array_equal(net.predict(one), said[3:4])
    assert np.array_equal(net.predict(images), said)
    with pytest.raises(ValueError, match=r"rows of 784 numbers for the first layer, \(n, 784\)"):
        net.predict(np.zeros((3, 10)))


def test_predictions_of_a_mini_batch_of_the_test_data():
    net, data = small(), shared(40)
    with pytest.raises(ValueError, match=r"no test_data yet: say net.predict\(test_data\)"):
        net.test_mb_predictions(0)
    net.SGD(data, 1, 10, 0.1, data, data)
    assert np.array_equal(net.test_mb_predictions(2), net.predict(data)[20:30])


def test_what_is_written_into_an_image_is_not_lost_in_silence():
    images, _ = shared(12)
    with pytest.raises(ValueError, match="read-only"):
        images[0][0] = 5
    mine = images.get_value()
    mine[0, 0] = 5
    assert images[0, 0] != 5


def test_nothing_is_printed_before_what_is_wrong(capsys):
    data, twelve = shared(40), network3.Shared(np.append(shared(39)[1], 12))
    for arguments, says in (
            (dict(eta="0.1"), "eta must be a number"), (dict(eta=-1.0), "eta must be at least 0"),
            (dict(lmbda="0.1"), "lmbda must be a number"),
            (dict(epochs="1"), "epochs must be a whole number"),
            (dict(training_data=(np.zeros((40, 700), "float32"), data[1])), "rows of 784 numbers"),
            (dict(epochs=-1), "epochs must be at least 0, not -1"),
            (dict(training_data=(data[0], twelve)), "training_data: labels must be .*not 12"),
            (dict(validation_data=(data[0], twelve)), "validation_data: labels must be .*not 12"),
            (dict(test_data=(data[0], twelve)), "test_data: labels must be from 0 to 9.*not 12")):
        with pytest.raises((TypeError, ValueError), match=says):
            small().SGD(**{"training_data": data, "epochs": 1, "mini_batch_size": 10, "eta": 0.1,
                           "validation_data": data, "test_data": data} | arguments)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("make, says", [
    (lambda: network3.ConvPoolLayer((20, 1, 5), (10, 1, 28, 28)), "filter_shape must be 4 whole"),
    (lambda: network3.ConvPoolLayer((20, 1, 5, 5), "abc"), "image_shape must be 4 whole numbers"),
    (lambda: network3.ConvPoolLayer((20, 1, 5, 5), (10, 1, 28, 28), 2), "poolsize must be 2 whole"),
    (lambda: network3.FullyConnectedLayer("784", 10), "n_in must be a whole number"),
    (lambda: network3.FullyConnectedLayer(784, 10, p_dropout=50), "p_dropout must be a probability"),
    (lambda: network3.FullyConnectedLayer(784, 10, p_dropout="a"), "p_dropout must be a number"),
    (lambda: network3.Network(network3.SoftmaxLayer(784, 10), 10), "layers must be a list of layers"),
    (lambda: network3.Network([network3.SoftmaxLayer(784, 10)], "10"), "size must be a whole number"),
    (lambda: network3.Network([network3.SoftmaxLayer(784, 10)], 0), "size must be at least 1"),
    (lambda: network3.load_data_shared(5), "filename must be the name of a file"),
    (lambda: conv.ensemble([]), "nets is empty"),
    (lambda: conv.ensemble([1]), "nets must be networks of network3, not int"),
    (lambda: conv.plot_filters(3, 0, 5, 4), "net must be a network of network3, not int"),
    (lambda: conv.plot_errors([30], [4]), "test images, from 0 to 29, not 30"),
    (lambda: conv.plot_errors([3, -1], [4, 4]), "test images, from 0 to 29, not -1"),
    (lambda: conv.plot_errors([3, 4], [4]), "must be as many as error_locations, 2, not 1"),
    (lambda: conv.plot_filters(small(), 9, 5, 5), "layer must be the number of a layer, 0 to 2, not 9"),
    (lambda: conv.plot_filters(small(), "0", 5, 5), "layer must be the number of a layer"),
    (lambda: legacy.seed("a"), "number must be a whole number, or None"),
])
def test_arguments_of_the_wrong_kind_are_named(few, make, says):
    with pytest.raises((TypeError, ValueError), match=says):
        make()


def test_images_are_no_places_of_errors(few):
    with pytest.raises(ValueError, match="error_locations must be numbers of test images"):
        conv.plot_errors(conv.data()[2])


def test_what_diverged_is_named_as_the_book_numbers_it():
    """Layer 1 with dropout is nndl's layers 2 to 4."""
    net = network3.Network([network3.FullyConnectedLayer(784, 30, network3.ReLU),
                            network3.FullyConnectedLayer(30, 30, network3.ReLU, p_dropout=0.5),
                            network3.SoftmaxLayer(30, 10)], 10)
    net.layers[1].w = np.full((30, 30), np.inf)
    with np.errstate(all="ignore"), pytest.raises(
            ArithmeticError, match=r"diverged: w of layers\[1\] is not finite; .* smaller eta"):
        net.SGD(shared(20), 1, 10, 1.0, shared(20), None)


def test_a_single_network_votes_alone(few, capsys):
    net = small()
    where, _ = conv.ensemble(net)
    assert len(where) == np.sum(net.predict(conv.test_data) != conv.test_data[1].eval())


def test_expand_mnists_command_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        expand_mnist.main(["--help"])
    assert stopped.value.code == 0 and "FILE" in capsys.readouterr().out
    assert expand_mnist.main([str(tmp_path)]) == 2
    assert "is a folder: name the file" in capsys.readouterr().err


# --- conv and expand_mnist ------------------------------------------------------------------------

@pytest.fixture
def few(monkeypatch):
    """Sixty images instead of MNIST for conv's experiments, and two values of λ."""
    images, labels = digits(60)
    splits = Splits(*(Dataset(images[:n], labels[:n]) for n in (60, 20, 30)))
    monkeypatch.setattr(network3, "load_mnist", lambda: splits)
    monkeypatch.setattr(conv, "LAMBDAS", (0.1, 1.0))
    for name in conv.DATA:
        monkeypatch.delitem(vars(conv), name, raising=False)
    yield
    for name in conv.DATA:  # what was read of these sixty
        vars(conv).pop(name, None)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that conv has drawn, as plots made them; pyplot's are closed."""
    figures, figure = [], conv._figure
    monkeypatch.setattr(conv, "_figure",
                        lambda one, filename: figures.append(one) or figure(one, filename))
    yield figures
    pyplot.close("all")


def layers_of(net):
    dense = [layer for layer in net.layers if hasattr(layer, "n_in")]
    return [dense[0].n_in, *(layer.n_out for layer in dense)]


@pytest.mark.parametrize("run, layers, trained", [
    (lambda: conv.basic_conv(n=2, epochs=1), [2880, 100, 10], 2),
    (lambda: conv.omit_FC(n=1, epochs=1), [2880, 10], 1),
    (lambda: conv.dbl_conv(network3.tanh, n=1, epochs=1), [640, 100, 10], 1),
    (lambda: conv.expanded_data(30, runs=1, epochs=1), [640, 30, 10], 1),
    (lambda: conv.expanded_data_double_fc(30, runs=2, epochs=1), [640, 30, 30, 10], 2),
])
def test_the_books_experiments_return_the_last_network(few, run, layers, trained, capsys):
    assert layers_of(run()) == layers
    assert capsys.readouterr().out.count("Finished training network.") == trained


@pytest.mark.parametrize("run, layers, nets", [
    (lambda: conv.shallow(n=2, epochs=1), [784, 100, 10], 2),
    (lambda: conv.regularized_dbl_conv(n=1, epochs=1), [640, 100, 10], 2),
    (lambda: conv.dbl_conv_relu(n=1, epochs=1), [640, 100, 10], 3),  # without regularisation too
    (lambda: conv.double_fc_dropout(0.5, 0.3, 0.2, 2, epochs=1, n=30), [640, 30, 30, 10], 2),
])
def test_some_of_the_books_experiments_return_all_networks(few, run, layers, nets, capsys):
    found = run()
    assert [layers_of(net) for net in found] == [layers] * nets
    out = capsys.readouterr().out
    assert out.count("Finished training network.") == nets
    if len(layers) == 4:
        assert [layer.p_dropout for layer in found[0].layers[2:]] == [0.5, 0.3, 0.2]
        assert found[0].engine.layers[0].activation == "relu"
        for j in range(2):
            assert ("\n\nTraining using a dropout network with parameters  0.5 0.3 0.2\n"
                    f"Training with expanded data, run num {j}\nTraining mini-batch number 0\n") in out


def test_the_values_of_lambda_are_the_books(monkeypatch):
    monkeypatch.setattr(conv, "trained", lambda what, *rest: what)
    said = [line.split()[-1] for line in conv.dbl_conv_relu(n=1)]
    assert said == "0.0 1e-05 0.0001 0.001 0.01 0.1 1.0 10.0 100.0".split()
    assert [line.split()[-1] for line in conv.regularized_dbl_conv(n=2)][::2] == said[1:]


def test_all_experiments_are_those_of_the_book(monkeypatch):
    called = []
    for name in ("shallow", "basic_conv", "omit_FC", "dbl_conv", "regularized_dbl_conv",
                 "dbl_conv_relu", "expanded_data", "expanded_data_double_fc", "double_fc_dropout",
                 "plot_errors", "plot_filters"):
        monkeypatch.setattr(conv, name, lambda *arguments, name=name: called.append(name) or ["net"])
    monkeypatch.setattr(conv, "ensemble", lambda nets: ([3], [5]))
    conv.run_experiments()
    assert called == ["shallow", "basic_conv", "omit_FC", "dbl_conv", "dbl_conv_relu",
                      *["expanded_data"] * 3, *["expanded_data_double_fc"] * 3, "double_fc_dropout",
                      "plot_errors", "plot_filters", "plot_filters"]


def test_convs_data_are_read_when_asked_for_and_may_be_others(few, capsys):
    assert "test_data" not in vars(conv)
    conv.test_data = shared(25)
    assert network3.size(conv.training_data) == 60 and network3.size(conv.validation_data) == 20
    assert conv.training_data is conv.data()[0] and network3.size(conv.data(expanded=True)[0]) == 300
    net = conv.shallow(n=1, epochs=1)[0]
    conv.ensemble([net])
    assert len(net.test_predictions) == 25
    with pytest.raises(AttributeError, match="module 'nndl.book.conv' has no attribute 'test'"):
        _ = conv.test


def test_the_books_figures(few, drawn, tmp_path, capsys):
    nets = conv.shallow(n=3, epochs=1)
    where, said = conv.ensemble(nets)
    assert f"Accuracy is {1 - len(where) / 30:.2%}" in capsys.readouterr().out
    labels = conv.test_data[1].eval()
    votes = np.array([net.test_predictions for net in nets])
    assert np.array_equal(votes[0], nets[0].predict(conv.test_data))
    for i, digit in zip(where, said, strict=True):
        assert digit != labels[i] and digit in votes[:, i]
    conv.plot_errors(where, said).savefig(tmp_path / "errors.png")
    assert f"{len(where)} of 30 test images are misclassified" in words(drawn[0])
    conv.plot_errors(range(30), filename=tmp_path / "again.png")
    assert len(drawn[1].axes[0].images) == 30
    assert "30 of 30 test images" in words(drawn[1]) and "the network said" not in words(drawn[1])
    conv.plot_errors([])
    assert "None of the 30 test images is misclassified" in words(drawn[2])
    # What pyplot saves is the figure: readers say plt.savefig, or show(), afterwards.
    conv.plot_filters(conv.basic_conv(n=1, epochs=0), 0, 5, 4, tmp_path / "filters.png")
    pyplot.savefig(tmp_path / "by_pyplot.png")
    itself, by_pyplot = (imread(tmp_path / name)[..., :3] for name in ("filters.png", "by_pyplot.png"))
    assert itself.shape == by_pyplot.shape and itself.std() > 0.01
    np.testing.assert_allclose(itself, by_pyplot, atol=2 / 255)
    assert all((tmp_path / f"{name}.png").stat().st_size for name in ("errors", "again"))


def words(figure):
    return " ".join(text.get_text() for text in figure.axes[0].texts)


def test_filters_are_drawn_for_the_first_map_alone(few, drawn):
    net = conv.dbl_conv(n=1, epochs=0)
    conv.plot_filters(net, 1, 8, 5)
    figure, = drawn
    w = net.layers[1].w.eval()
    for image, shown in zip(w, figure.axes[0].images, strict=True):
        np.testing.assert_allclose(shown.get_array(), image[0])
    assert ("What each of the 40 feature maps of layer 1 looks for in the first of 20 maps that come in"
            in words(figure).replace("\n", " "))
    conv.plot_filters(net, 0, 5, 4)
    assert "looks for in" not in words(drawn[1])
    with pytest.raises(ValueError, match="number of a ConvPoolLayer, not 2, which is a FullyConnected"):
        conv.plot_filters(net, 2, 5, 4)


def test_the_expanded_file_is_what_the_others_read(tmp_path, capsys):
    images, labels = digits(20)
    splits = Splits(*(Dataset(images, labels) for _ in range(3)))
    path = expand_mnist.expand_mnist(tmp_path / "new" / "mnist_expanded.pkl.gz", splits)
    training, validation, _ = network3.load_data_shared(path)
    assert training[0].shape == (100, 784) and validation[0].shape == (20, 784)
    assert np.array_equal(validation[0].get_value(), images.reshape(20, -1) / np.float32(256))
    assert expand_mnist.expand_mnist(path) == path and "already exists" in capsys.readouterr().out


# --- errata ---------------------------------------------------------------------------------------

def test_what_flaws_cost_is_what_the_results_say():
    """Where all runs are there: run python -m nndl.book.errata benchmarks/results/reproduce."""
    for erratum in errata.ERRATA:
        found = [reproduce.results(EXPERIMENTS[name], RESULTS) for name in erratum.runs]
        for name, results in zip(erratum.runs, found):
            assert sorted(errata.accuracies(name, RESULTS)) == sorted(
                reproduced.percent(EXPERIMENTS[name], result) for result in results)
        if found and all(len(results) >= EXPERIMENTS[name].runs
                         for name, results in zip(erratum.runs, found)):
            assert erratum.cost == errata.measured(erratum.runs, RESULTS)


def test_the_cost_of_a_flaw_is_read_off_the_runs(tmp_path, capsys):
    runs = ("6.relu", "6.relu.init")
    assert errata.measured(runs, tmp_path) == errata.NOT_YET
    result = '{"validation_accuracy": [0.5, 0.75, 0.75, 0.25], "test_accuracy": [0.1, 0.2, %s, 0.4]}'
    for name, accuracy in (("6.relu.0", 0.985), ("6.relu.1", 0.995), ("6.relu.init.0", 0.992)):
        (tmp_path / f"{name}.json").write_text(result % accuracy)
    said = ("99.00 ± 0.71 % of the test images are right with it (6.relu, 2 runs), 99.20 % without "
            "(6.relu.init, a run)")
    assert errata.measured(runs, tmp_path) == said
    assert errata.main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"cost {said}" in " ".join(out.split()) and out.count(f"  cost    {errata.NOT_YET}\n") == 3
    assert errata.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    for erratum in errata.ERRATA:
        assert (f"{erratum.where} {erratum.what} mended {erratum.mended} cost {erratum.cost}"
                in " ".join(" ".join(lines).split()))
    assert errata.main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("python -m nndl.book.errata: there is no folder")


def test_every_flaw_has_its_row():
    mended = " ".join(erratum.mended for erratum in errata.ERRATA)
    assert re.findall(r'network3\.Network\(layers, 10, mended=\("(\w+)",\)\)', mended) == [
        *network3.MENDED]
    assert network2.Network([2, 1], mended=("accuracy",)).mended and 'mended=("accuracy",)' in mended
    assert all(erratum.cost for erratum in errata.ERRATA)


def test_an_output_of_exactly_one_costs_what_the_table_says():
    a, y = np.array([[1.0]]), np.array([[0.0]])
    assert network2.CrossEntropyCost.fn(a, y) == np.finfo(float).max
    assert costs.CrossEntropyCost().fn(a, y) == pytest.approx(36.7, abs=0.05)
    net = network2.Network([1, 1])
    net.weights[0][...], net.biases[0][...] = 0, 100  # whose output is 1
    assert net.total_cost([(a, 0)], 0.0, convert=False) == pytest.approx(36.7, abs=0.05)
