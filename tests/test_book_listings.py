"""What readers type with the book open runs as it stands there, but for the import line.

On a few hundred images, so that the book's numbers of epochs take no time; where its networks are
large, the number of epochs is 1.
"""

import re

import numpy as np
import pytest

from nndl.book import mnist_loader, network3
from nndl.data import Dataset, Splits
from tests.nets import digits

LOAD = "training_data, validation_data, test_data = mnist_loader.load_data_wrapper()\n"
LOAD_SHARED = """
from nndl.book.network3 import Network
from nndl.book.network3 import ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer, ReLU
training_data, validation_data, test_data = network3.load_data_shared()
mini_batch_size = 10
"""


@pytest.fixture
def run(monkeypatch, capsys):
    """Run lines of Python.  Returns (their names, what they have printed)."""
    images, labels = digits(1200)
    few = Splits(*(Dataset(images[a:b], labels[a:b])
                   for a, b in ((0, 1000), (1000, 1100), (1100, 1200))))
    for module in mnist_loader, network3:
        monkeypatch.setattr(module, "load_mnist", lambda: few)

    def run(lines):
        names = {}
        exec("from nndl.book import mnist_loader, network, network2, network3\n" + lines, names)
        return names, capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("sizes, eta", [([784, 30, 10], 3.0), ([784, 100, 10], 0.001),
                                        ([784, 30, 10], 100.0), ([784, 10], 3.0)])
def test_chapter_1(run, sizes, eta):
    names, printed = run(LOAD + f"""
net = network.Network({sizes})
net.SGD(training_data, 30, 10, {eta}, test_data=test_data)
""")
    assert len(printed) == 30
    assert all(re.fullmatch(rf"Epoch {n}: \d+ / 100", line) for n, line in enumerate(printed))


def test_chapter_1s_network_of_six_neurons(run):
    names, _ = run("""
import numpy as np
net = network.Network([2, 3, 1])
a = net.feedforward(np.array([[0.1], [0.2]]))
nabla_b, nabla_w = net.backprop(np.array([[0.1], [0.2]]), np.array([[1.0]]))
""")
    net = names["net"]
    assert net.num_layers == 3 and net.sizes == [2, 3, 1] and names["a"].shape == (1, 1)
    assert [w.shape for w in names["nabla_w"]] == [w.shape for w in net.weights] == [(3, 2), (1, 3)]
    assert [b.shape for b in names["nabla_b"]] == [b.shape for b in net.biases] == [(3, 1), (1, 1)]


def test_chapter_3_costs_and_overfitting(run):
    names, printed = run(LOAD + """
net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost)
net.large_weight_initializer()
net.SGD(training_data, 30, 10, 0.5, evaluation_data=test_data,
    monitor_evaluation_accuracy=True)
net.large_weight_initializer()
lists = net.SGD(training_data[:500], 400, 10, 0.5,
    evaluation_data=test_data, lmbda = 0.1,
    monitor_evaluation_cost=True, monitor_evaluation_accuracy=True,
    monitor_training_cost=True, monitor_training_accuracy=True)
evaluation_cost, evaluation_accuracy, training_cost, training_accuracy = lists
""")
    assert [len(one) for one in names["lists"]] == [400] * 4
    assert names["training_accuracy"][-1] > 490 and names["evaluation_accuracy"][-1] <= 100
    assert printed[:3] == ["Epoch 0 training complete", printed[1], ""]
    assert re.fullmatch(r"Accuracy on evaluation data: \d+ / 100", printed[1])
    assert [line.split(":")[0] for line in printed[-6:]] == [
        "Epoch 399 training complete", "Cost on training data", "Accuracy on training data",
        "Cost on evaluation data", "Accuracy on evaluation data", ""]


def test_chapter_3_choosing_hyper_parameters(run):
    """Its first try, with λ = 1000, goes on with numbers that are none: it says 0 of each image."""
    first = LOAD + """
net = network2.Network([784, 10])
net.SGD(training_data, 30, 10, 10.0, lmbda = 1000.0,
    evaluation_data=validation_data[:100], monitor_evaluation_accuracy=True)
"""
    with pytest.warns(UserWarning, match="make lmbda smaller: each step multiplies .* = -9"):
        names, printed = run(first)
    zeros = sum(label == 0 for _, label in names["validation_data"])
    assert printed[-3:] == ["Epoch 29 training complete",
                            f"Accuracy on evaluation data: {zeros} / 100", ""]
    for eta in 10.0, 100.0, 1.0:
        _, printed = run(first.replace("1000.0", "20.0").replace("10.0", f"{eta}"))
        assert printed.count("Epoch 29 training complete") == 1 and "nan" not in " ".join(printed)


@pytest.mark.parametrize("hidden", [[30], [30, 30], [30, 30, 30], [30, 30, 30, 30]])
def test_chapter_5(run, hidden, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = run(LOAD + f"""
net = network2.Network({[784, *hidden, 10]})
net.SGD(training_data, 30, 10, 0.1, lmbda=5.0,
    evaluation_data=validation_data, monitor_evaluation_accuracy=True)
net.save("net.json")
again = network2.load("net.json")
""")
    assert printed.count("Epoch 29 training complete") == 1
    assert names["net"].accuracy(names["test_data"]) == names["again"].accuracy(names["test_data"])


@pytest.mark.parametrize("layers, data, more", [
    ("FullyConnectedLayer(n_in=784, n_out=100), SoftmaxLayer(n_in=100, n_out=10)", "", ""),
    ("""ConvPoolLayer(image_shape=(mini_batch_size, 1, 28, 28),
                      filter_shape=(20, 1, 5, 5),
                      poolsize=(2, 2)),
        FullyConnectedLayer(n_in=20*12*12, n_out=100),
        SoftmaxLayer(n_in=100, n_out=10)""", "", ""),
    ("""ConvPoolLayer(image_shape=(mini_batch_size, 1, 28, 28),
                      filter_shape=(20, 1, 5, 5),
                      poolsize=(2, 2),
                      activation_fn=ReLU),
        ConvPoolLayer(image_shape=(mini_batch_size, 20, 12, 12),
                      filter_shape=(40, 20, 5, 5),
                      poolsize=(2, 2),
                      activation_fn=ReLU),
        FullyConnectedLayer(n_in=40*4*4, n_out=100, activation_fn=ReLU),
        SoftmaxLayer(n_in=100, n_out=10)""", "", ", lmbda=0.1"),
    ("""ConvPoolLayer(image_shape=(mini_batch_size, 1, 28, 28),
                      filter_shape=(20, 1, 5, 5),
                      poolsize=(2, 2),
                      activation_fn=ReLU),
        FullyConnectedLayer(
            n_in=20*12*12, n_out=1000, activation_fn=ReLU, p_dropout=0.5),
        FullyConnectedLayer(
            n_in=1000, n_out=1000, activation_fn=ReLU, p_dropout=0.5),
        SoftmaxLayer(n_in=1000, n_out=10, p_dropout=0.5)""", "expanded_", ""),
])
def test_chapter_6(run, layers, data, more):
    names, printed = run(LOAD_SHARED + f"""
expanded_training_data, _, _ = network3.load_data_shared("../data/mnist_expanded.pkl.gz")
net = Network([
        {layers}],
        mini_batch_size)
net.SGD({data}training_data, 1, mini_batch_size, 0.03,
            validation_data, test_data{more})
""")
    assert network3.size(names["expanded_training_data"]) == 5 * network3.size(names["training_data"])
    assert printed[0] == "Training mini-batch number 0"
    last = 499 if data else 99
    assert printed[-2].endswith(f"% obtained at iteration {last}")
    assert re.fullmatch(r"Corresponding test accuracy of \d+\.\d\d%", printed[-1])
    assert all(np.isfinite(np.asarray(param)).all() for param in names["net"].params)
