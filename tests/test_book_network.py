"""network and network2 beyond their listings: what readers do with them, and by mistake."""

import copy
import gzip
import json
import pickle
import random
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nndl.book import legacy, mnist_loader, network, network2, network3
from nndl.book.mnist_loader import Pairs
from tests.nets import digits
from tests.strategies import damaged

SIZES = [784, 6, 10]
X = np.zeros((784, 1))


def pairs(n, vectors=True):
    """n examples that are like mnist_loader's."""
    images, labels = digits(n)
    return Pairs(images, labels, vectors)


def labelled(n):
    """A list of n pairs (x, label)."""
    return list(pairs(n, vectors=False))


def columns(n, n_in=3, n_out=2):
    """A list of n small examples with desired outputs."""
    rng = np.random.default_rng(1)
    return [(rng.normal(size=(n_in, 1)), rng.random((n_out, 1))) for _ in range(n)]


@pytest.fixture
def repeatable():
    """NumPy's global generator, seeded, and afterwards as it was."""
    state = np.random.get_state()
    np.random.seed(7)
    yield
    np.random.set_state(state)


# --- network2's arithmetic, by hand ---------------------------------------------------------------

def outputs(net, x):
    for w, b in zip(net.weights, net.biases):
        x = network.sigmoid(w @ x + b)
    return x


def test_costs_and_their_deltas():
    a, y, z = np.array([[0.25], [0.5]]), np.array([[0.0], [1.0]]), np.array([[-1.0], [0.0]])
    assert network2.QuadraticCost.fn(a, y) == pytest.approx(0.5 * (0.25**2 + 0.5**2))
    assert network2.CrossEntropyCost.fn(a, y) == pytest.approx(-np.log(0.75) - np.log(0.5))
    slope = network.sigmoid_prime(z)
    assert slope[1, 0] == 0.25
    np.testing.assert_allclose(network2.QuadraticCost.delta(z, a, y), (a - y) * slope)
    np.testing.assert_allclose(network2.CrossEntropyCost().delta(z, a, y), a - y)
    assert network2.CrossEntropyCost.fn(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])) == 0


@pytest.mark.parametrize("cost", [network2.QuadraticCost, network2.CrossEntropyCost()])
def test_measures(cost):
    net, data = network2.Network([3, 4, 2], cost=cost), columns(9)
    a = [outputs(net, x) for x, _ in data]
    labelled = [(x, int(np.argmax(y))) for x, y in data]
    right = sum(np.argmax(one) == label for one, (_, label) in zip(a, labelled))
    assert net.accuracy(labelled) == net.accuracy(data, convert=True) == right
    squares = sum(np.sum(w**2) for w in net.weights)
    mean = np.mean([cost.fn(one, y) for one, (_, y) in zip(a, data)])
    assert net.total_cost(data, 1.5) == pytest.approx(mean + 1.5 / (2 * 9) * squares, rel=1e-12)
    hot = [np.eye(2)[:, [label]] for _, label in labelled]
    assert net.total_cost(labelled, 0.0, convert=True) == pytest.approx(
        np.mean([cost.fn(one, y) for one, y in zip(a, hot)]), rel=1e-12)


@pytest.mark.parametrize("cost", [network2.QuadraticCost, network2.CrossEntropyCost])
def test_a_step_with_weight_decay(cost):
    """Book (93), its gradient by central differences; n is that of all data, not of the mini-batch."""
    net, batch, h = network2.Network([3, 4, 2], cost=cost), columns(5), 1e-6
    before = copy.deepcopy([net.weights, net.biases])
    expected = []
    for decay, arrays in zip((1 - 0.5 * 2.0 / 40, 1), before):
        for number, array in enumerate(arrays):
            gradient = np.zeros_like(array)
            for index in np.ndindex(array.shape):
                ends = []
                for shift in h, -h:
                    net.weights, net.biases = copy.deepcopy(before)
                    (net.weights if arrays is before[0] else net.biases)[number][index] += shift
                    ends.append(net.total_cost(batch, 0.0))
                gradient[index] = (ends[0] - ends[1]) / (2 * h)
            expected.append(decay * array - 0.5 * gradient)
    net.weights, net.biases = copy.deepcopy(before)
    net.update_mini_batch(batch, 0.5, 2.0, 40)
    for one, other in zip(net.weights + net.biases, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


def test_accuracy_mended_is_a_fraction(capsys):
    data = pairs(20, vectors=False)
    nets = [network2.Network(SIZES, mended=mended) for mended in ((), ("accuracy",))]
    nets[1].weights, nets[1].biases = copy.deepcopy([nets[0].weights, nets[0].biases])
    assert nets[1].accuracy(data) == nets[0].accuracy(data) / 20
    lists = [net.SGD(pairs(30), 2, 10, 0.0, evaluation_data=data, monitor_evaluation_accuracy=True,
                     monitor_training_accuracy=True) for net in nets]
    assert lists[1] == ([], [right / 20 for right in lists[0][1]], [],
                        [right / 30 for right in lists[0][3]])
    printed = capsys.readouterr().out.splitlines()
    assert printed[:len(printed) // 2] == printed[len(printed) // 2:]  # the book's lines in any case
    with pytest.raises(ValueError, match='mended must be .* or ."accuracy",.*, not "all"|not .*all'):
        network2.Network(SIZES, mended="all")


def test_early_stopping_counts_from_the_best_epoch(monkeypatch):
    right = iter([3, 5, 4, 6, 6, 5, 2, 9])
    monkeypatch.setattr(network2.Network, "_right", lambda self, examples: next(right))
    lists = network2.Network(SIZES).SGD(
        pairs(20), 50, 10, 0.1, evaluation_data=pairs(20, vectors=False),
        monitor_evaluation_accuracy=True, early_stopping_n=3)
    assert lists[1] == [3, 5, 4, 6, 6, 5, 2]


def test_a_file_of_the_originals(tmp_path):
    weights, biases = [[[0.5, -1.0]], [[2.0], [3.0]]], [[[0.25]], [[0.0], [1.0]]]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"sizes": [2, 1, 2], "weights": weights, "biases": biases,
                                "cost": "QuadraticCost"}))
    net = network2.load(path)
    assert net.cost is network2.QuadraticCost
    hidden = 1 / (1 + np.exp(-(0.5 * 1 - 1.0 * 2 + 0.25)))
    np.testing.assert_allclose(net.feedforward(np.array([[1.0], [2.0]])),
                               1 / (1 + np.exp(-np.array([[2 * hidden], [3 * hidden + 1]]))))


# --- what exercises ask for: methods and costs of one's own ---------------------------------------

class AsInTheBook(network2.Network):
    """Nothing else, but through the book's loop."""

    def backprop(self, x, y):
        self.asked = getattr(self, "asked", 0) + 1
        return super().backprop(x, y)


@pytest.mark.parametrize("cost", [network2.QuadraticCost, network2.CrossEntropyCost])
def test_the_books_loop_and_the_engine_agree(cost, repeatable):
    data = columns(23)
    nets = []
    for kind in network2.Network, AsInTheBook:
        legacy.seed(4)
        nets.append(kind([3, 4, 4, 2], cost=cost))
        nets[-1].SGD(list(data), 3, 5, 0.5, lmbda=0.3)
    legacy.seed(None)
    assert nets[1].asked == 3 * 23
    for one, other in zip(*([*net.weights, *net.biases] for net in nets), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_methods_of_ones_own_are_called():
    class L1(network2.Network):
        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            seen.append((len(mini_batch), eta, lmbda, n))
            self.weights = [w - eta * lmbda / n * np.sign(w) for w in self.weights]

    class Cubic(network.Network):
        def cost_derivative(self, output_activations, y):
            seen.append(output_activations.shape)
            return (output_activations - y) ** 3

    class Double(network.Network):
        def feedforward(self, a):
            seen.append(a.shape)
            return 1 - super().feedforward(a)

    seen = []
    net = L1(SIZES)
    before = copy.deepcopy(net.weights)
    net.SGD(pairs(25), 1, 10, 0.5, lmbda=2.0)
    assert seen == [(10, 0.5, 2.0, 25), (10, 0.5, 2.0, 25), (5, 0.5, 2.0, 25)]
    assert all(np.all(np.abs(w - old) <= 3 * 0.5 * 2 / 25 + 1e-12)
               for w, old in zip(net.weights, before))
    seen.clear()
    Cubic(SIZES).SGD(pairs(20), 1, 10, 0.5)
    assert seen == [(10, 1)] * 20
    seen.clear()
    net = Double(SIZES)
    labels = [int(np.argmax(1 - network.Network.feedforward(net, x))) for x, _ in pairs(9)]
    assert net.evaluate([(x, label) for (x, _), label in zip(pairs(9), labels)]) == 9
    assert seen == [(784, 1)] * 9


class OwnCost:
    """As a reader writes one down: only what the book's classes have."""

    @staticmethod
    def fn(a, y):
        return np.sum(np.abs(a - y))

    @staticmethod
    def delta(z, a, y):
        return np.sign(a - y) * network.sigmoid_prime(z)


class Halved(network2.CrossEntropyCost):
    """Inherits what the engine knows, but is something else."""

    @staticmethod
    def delta(z, a, y):
        return (a - y) / 2


@pytest.mark.parametrize("cost", [OwnCost, OwnCost(), Halved])
def test_costs_of_ones_own(cost, tmp_path):
    net, data, h = network2.Network([3, 4, 2], cost=cost), columns(4), 1e-6
    nabla_b, _ = net.backprop(*data[0])
    net.biases[1][0] += h
    up = net.total_cost(data[:1], 0.0)
    net.biases[1][0] -= 2 * h
    slope = (up - net.total_cost(data[:1], 0.0)) / (2 * h)
    assert nabla_b[1][0, 0] * (2 if cost is Halved else 1) == pytest.approx(slope, rel=1e-6)
    assert net.total_cost(data, 1.5) - net.total_cost(data, 0.0) == pytest.approx(
        1.5 / (2 * 4) * sum(np.sum(w**2) for w in net.weights))
    lists = net.SGD(data, 2, 2, 0.1, monitor_training_cost=True)
    assert len(lists[2]) == 2
    net.save(tmp_path / "net.json")
    name = "Halved" if cost is Halved else "OwnCost"
    assert json.loads((tmp_path / "net.json").read_text())["cost"] == name


def test_another_cost_is_taken_from_then_on():
    net, data = network2.Network([3, 4, 2]), columns(4)
    first = net.total_cost(data, 0.0)
    net.cost = network2.QuadraticCost
    assert net.total_cost(data, 0.0) == pytest.approx(
        np.mean([0.5 * np.sum((outputs(net, x) - y)**2) for x, y in data])) != first


# --- weights that readers keep, copy and assign ---------------------------------------------------

def test_weights_kept_elsewhere_stay_as_they_were():
    net = network.Network(SIZES)
    net.SGD(pairs(20), 1, 10, 3.0)
    kept = net.weights
    before = copy.deepcopy(kept)
    net.SGD(pairs(20), 1, 10, 3.0)
    assert all(np.array_equal(w, old) for w, old in zip(kept, before))
    assert not np.array_equal(net.weights[0], kept[0])
    for other in copy.deepcopy(net), pickle.loads(pickle.dumps(net)):
        assert np.array_equal(other.feedforward(pairs(1)[0][0]), net.feedforward(pairs(1)[0][0]))


def test_weights_assigned_in_any_way_count():
    net, x = network.Network([4, 4, 2]), np.ones((4, 1))
    net.feedforward(x)
    net.weights[0] = net.weights[0].T
    np.testing.assert_allclose(net.feedforward(x), outputs(net, x))
    net.weights[0][0] += 1.0
    net.biases = [0 * b for b in net.biases]
    np.testing.assert_allclose(net.feedforward(x), outputs(net, x))
    np.testing.assert_allclose(net.feedforward(np.eye(4)), outputs(net, np.eye(4)))  # side by side
    net.weights = net.weights[:1]
    with pytest.raises(ValueError, match=r"weights must be a list of 2 arrays .*\[4, 4, 2\], not of 1"):
        net.feedforward(x)
    net = network.Network([4, 2])
    net.biases[0] = np.zeros(2)
    with pytest.raises(ValueError, match=r"biases\[0\] must have shape \(2, 1\) .*, not \(2,\)"):
        net.feedforward(x)


def test_numpys_seed_makes_a_program_repeatable(repeatable):
    def program():
        np.random.seed(3)
        net = network.Network([3, 2, 2])
        net.SGD(columns(10), 2, 3, 1.0)
        return net

    expected = np.random.RandomState(3)
    net, again = program(), program()
    assert np.array_equal(net.weights[0], again.weights[0])
    np.random.seed(3)
    assert np.array_equal(network.Network([3, 2, 2]).biases[0], expected.randn(2, 1))


# --- data of all kinds ----------------------------------------------------------------------------

def test_networks_of_ones_own_data():
    """Exclusive or: whole numbers as inputs, a single output, targets that are numbers."""
    data = [(np.array([[a], [b]]), a ^ b) for a in (0, 1) for b in (0, 1)]
    net = network.Network([2, 4, 1])
    net.weights = [np.array([[8.0, 8], [-8, -8], [0, 0], [0, 0]]), np.array([[8.0, 8, 0, 0]])]
    net.biases = [np.array([[-4.0], [12], [0], [0]]), np.array([[-12.0]])]
    assert [round(float(net.feedforward(x)[0, 0])) for x, _ in data] == [0, 1, 1, 0]
    assert net.evaluate(data) == 4
    nabla = net.backprop(*data[1])
    other = net.backprop(data[1][0].astype(float), np.array([[1.0]]))
    np.testing.assert_allclose(nabla[0][1], other[0][1])
    net.SGD(data, 2, 2, 0.1)
    assert net.evaluate(data) == 4
    bytes_as_numbers = [(np.array([[200], [0]], np.uint8), 1)]
    assert np.array_equal(network.Examples(bytes_as_numbers, "x", [2, 1]).images, [[200.0, 0.0]])


def test_data_are_like_lists():
    few, more = pairs(4), list(pairs(2))
    assert len(few + more) == len(more + few) == 6 and (few + more)[4] is more[0]
    with pytest.raises(TypeError, match="list.training_data. is a list of them that can"):
        random.shuffle(few)
    shuffled = list(few)
    random.shuffle(shuffled)
    assert {x.tobytes() for x, _ in shuffled} == {x.tobytes() for x, _ in few}


def test_no_test_data_are_none(capsys):
    network.Network(SIZES).SGD(pairs(10), 1, 5, 1.0, test_data=[])
    assert capsys.readouterr().out == "Epoch 0 complete\n"


@pytest.mark.parametrize("data, error, says", [
    (lambda: pairs(5)[:0], ValueError, "training_data is empty"),
    (mnist_loader.load_data, TypeError, "not all that load_data returns: .*load_data_wrapper"),
    (lambda: (network3.Shared(digits(3)[0]), network3.Shared(digits(3)[1])), TypeError,
     "not network3's images and labels; .*load_data_wrapper"),
    (lambda: [(x, 3.7) for x, _ in pairs(3)], ValueError,
     r"a whole number from 0 to 9, or a column \(10, 1\), not 3.7 as in training_data\[0\]"),
    (lambda: [*labelled(3), (X, -1)], ValueError, r"not -1 as in training_data\[3\]"),
    (lambda: [*labelled(3), (X, 10)], ValueError, r"not 10 as in training_data\[3\]"),
    (lambda: [*labelled(3), (X, "3")], ValueError, r"not '3' as in training_data\[3\]"),
    (lambda: [*labelled(3), (X[1:], 3)], ValueError,
     r"each x must be a column \(784, 1\), not \(783, 1\) as in training_data\[3\]$"),
    (lambda: [*labelled(3), (X.T, 3)], ValueError,
     r"not \(1, 784\) as in training_data\[3\]; say x.reshape\(-1, 1\)$"),
    (lambda: [(x, "five") for x, _ in pairs(3)], ValueError, "a whole number from 0 to 9.*'five'"),
    (lambda: [(x, None) for x, _ in pairs(3)], ValueError, "a whole number from 0 to 9.*None"),
    (lambda: [(x.astype(str), 3) for x, _ in pairs(3)], TypeError, "a column of numbers, not of <U"),
    (lambda: 3, TypeError, "must be a list of pairs .x, y., not int"),
    (lambda: [1, 2], TypeError, "must be a list of pairs .x, y., not of int"),
])
def test_data_of_the_wrong_kind(data, error, says):
    """The odd one among good ones is the one that is shown."""
    with pytest.raises(error, match=says):
        network.Network(SIZES).SGD(data(), 1, 10, 1.0)


def test_too_large_steps_are_said_once_and_the_lines_go_on(capsys):
    net = network2.Network(SIZES)
    with pytest.warns(UserWarning) as warned:
        lists = net.SGD(pairs(30), 4, 10, 1e200, lmbda=5.0, evaluation_data=pairs(20, vectors=False),
                        monitor_evaluation_accuracy=True)
    assert len(warned) == 1 and "with a smaller eta" in str(warned[0].message)
    zeros = sum(label == 0 for _, label in pairs(20, vectors=False))
    assert lists[1] == [zeros] * 4 and np.isnan(net.weights[0]).all()  # argmax of no numbers is 0
    assert capsys.readouterr().out.count("training complete") == 4
    assert "w of" not in (said := str(warned[0].message)) and "layers[" not in said
    assert "weights[" in said or "biases[" in said or "the weighted input of layer" in said


def test_an_infinite_cost_is_said_at_once_and_in_these_words_alone(capsys):
    """Chapter 3's first try: weights grow ninefold in each step, long before they are no numbers."""
    net = network2.Network([784, 10])
    with pytest.warns(UserWarning) as warned:
        costs, *_ = net.SGD(pairs(1000), 4, 10, 10.0, lmbda=1000.0, evaluation_data=pairs(20),
                            monitor_evaluation_cost=True)
    assert costs[0] > 1e100 and costs[1:3] == [np.inf, np.inf] and np.isnan(costs[3])
    assert len(warned) == 1 and warned[0].filename == __file__
    for words in "the cost is inf", "smaller eta", "make lmbda smaller", "1 - eta lmbda / n = -9":
        assert words in str(warned[0].message)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_files_that_the_books_scripts_have_written(protocol, tmp_path):
    """expand_mnist's: lists of images and of labels, each an array or number of NumPy's own."""
    rng = np.random.default_rng(0)
    images, labels = rng.random((3, 4, 784), np.float32), np.arange(12).reshape(3, 4)
    sets = [[list(x), list(y)] for x, y in zip(images, labels)]
    path = tmp_path / "mnist_expanded.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(sets, protocol=protocol)))
    for (x, y), found in zip(zip(images, labels), mnist_loader.load_data(path), strict=True):
        assert np.array_equal(found[0], x) and np.array_equal(found[1], y)


# --- what a network says of its own ---------------------------------------------------------------

def test_measures_of_ones_own_are_what_is_printed(capsys):
    class Mine(network.Network):
        def evaluate(self, test_data):
            return f"all but {len(test_data)}"

    class MineToo(network2.Network):
        def accuracy(self, data, convert=False):
            return -len(data) if convert else len(data)

        def total_cost(self, data, lmbda, convert=False):
            return 42.0 + convert + lmbda

    Mine(SIZES).SGD(pairs(20), 1, 10, 3.0, test_data=pairs(30, vectors=False))
    lists = MineToo(SIZES).SGD(
        pairs(20), 1, 10, 0.5, lmbda=0.5, evaluation_data=pairs(30, vectors=False),
        monitor_evaluation_cost=True, monitor_evaluation_accuracy=True, monitor_training_cost=True,
        monitor_training_accuracy=True)
    assert lists == ([43.5], [30], [42.5], [-20])
    out = capsys.readouterr().out
    assert "Epoch 0: all but 30 / 30" in out
    assert "Cost on training data: 42.5\nAccuracy on training data: -20 / 20\n" in out
    assert "Cost on evaluation data: 43.5\nAccuracy on evaluation data: 30 / 30\n" in out


def test_methods_given_to_one_network_are_called(capsys):
    net, steps = network.Network(SIZES), []
    net.update_mini_batch = types.MethodType(lambda self, batch, eta: steps.append(len(batch)), net)
    net.evaluate = lambda test_data: "mine"
    net.SGD(pairs(25), 1, 10, 3.0, test_data=pairs(3, vectors=False))
    assert steps == [10, 10, 5] and capsys.readouterr().out == "Epoch 0: mine / 3\n"
    other = network2.Network(SIZES)
    other.feedforward = lambda a: np.eye(10)[:, [3]]
    data = pairs(40, vectors=False)
    assert other.accuracy(data) == sum(label == 3 for _, label in data)


@pytest.mark.parametrize("module", [network, network2])
def test_another_function_in_the_place_of_sigmoid_is_the_neuron(module, monkeypatch, repeatable):
    monkeypatch.setattr(module, "sigmoid", np.tanh)
    monkeypatch.setattr(module, "sigmoid_prime", lambda z: 1 - np.tanh(z)**2)
    net = module.Network([3, 4, 2])
    data, h = columns(1), 1e-6
    x, y = data[0]

    def output():
        a = x
        for w, b in zip(net.weights, net.biases):
            a = np.tanh(w @ a + b)
        return a

    np.testing.assert_allclose(net.feedforward(x), output(), rtol=1e-12)
    # The quadratic cost's gradient, by central differences; network2's cross-entropy has δ = a - y.
    if module is network:
        _, nabla_w = net.backprop(x, y)
        for w, nabla in zip(net.weights, nabla_w):
            for index in np.ndindex(w.shape):
                costs = []
                for step in (h, -h):
                    w[index] += step
                    costs.append(0.5 * np.sum((output() - y)**2))
                    w[index] -= step
                assert nabla[index] == pytest.approx((costs[0] - costs[1]) / (2 * h), abs=1e-8)
    else:
        np.testing.assert_allclose(net.backprop(x, y)[0][-1], output() - y, rtol=1e-12)
    before = copy.deepcopy(net)
    batch = columns(2)
    net.SGD(list(batch), 1, 2, 0.1)
    gradients = [before.backprop(x, y)[1][0] for x, y in batch]
    np.testing.assert_allclose(net.weights[0], before.weights[0] - 0.05 * sum(gradients), rtol=1e-9)


def test_a_subclass_whose_init_does_all_itself(capsys):
    class Own(network.Network):
        def __init__(self, sizes):
            self.num_layers, self.sizes = len(sizes), sizes
            self.biases = [np.zeros((n, 1)) for n in sizes[1:]]
            self.weights = [np.full((n, n_in), 0.01) for n_in, n in zip(sizes, sizes[1:])]

    class Own2(network2.Network):
        __init__ = Own.__init__

    Own(SIZES).SGD(pairs(20), 1, 10, 3.0)
    Own2(SIZES).SGD(pairs(20), 1, 10, 0.5)
    assert "Epoch 0 complete" in capsys.readouterr().out


def test_a_method_of_a_class_without_a_module_is_ones_own(capsys):
    names = {"Network": network.Network}
    exec("class Own(Network):\n    def evaluate(self, data):\n        return 'mine'", names)
    own = names["Own"]
    own.evaluate.__module__ = None
    own(SIZES).SGD(pairs(10), 1, 10, 3.0, test_data=pairs(3, vectors=False))
    assert "mine" in capsys.readouterr().out


@pytest.mark.parametrize("name, says", [
    ("backprop", r"backprop returns None; it must return \(nabla_b, nabla_w\)"),
    ("cost_derivative", "cost_derivative returns None; it must return dC/da"),
    ("feedforward", "feedforward returns None; it must return the output"),
    ("evaluate", "evaluate returns None; it must return how many are right"),
])
def test_a_return_that_was_forgotten_is_named(name, says):
    def forgetful(self, *given):
        pass
    forgetful.__name__ = name
    own = type("Own", (network.Network,), {name: forgetful})
    with pytest.raises(TypeError, match=says):
        own(SIZES).SGD(pairs(10), 1, 10, 3.0, test_data=pairs(3, vectors=False))


@pytest.mark.parametrize("never", [0, -1])
def test_no_early_stopping(never):
    lists = network2.Network(SIZES).SGD(pairs(20), 4, 10, 0.0, evaluation_data=pairs(10, vectors=False),
                                        monitor_evaluation_accuracy=True, early_stopping_n=never)
    assert len(lists[1]) == 4


def test_a_file_of_a_cost_of_ones_own(tmp_path):
    class Own(network2.QuadraticCost):
        """Another name."""

    net = network2.Network([3, 4, 2], cost=Own)
    net.save(tmp_path / "own.json")
    with pytest.raises(ValueError, match=r"its cost is Own, which network2 does not have; one of your "
                                         r"own is handed in, load\('.*own.json', cost=Own\)"):
        network2.load(tmp_path / "own.json")
    again = network2.load(tmp_path / "own.json", cost=Own)
    assert again.cost is Own and np.array_equal(again.weights[1], net.weights[1])


def test_data_and_networks_say_what_they_are():
    assert repr(pairs(20)) == "20 pairs (x, y), like (784, 1), (10, 1)"
    assert repr(pairs(20, vectors=False)) == "20 pairs (x, y), like (784, 1), int"
    assert repr(pairs(20)[:0]).startswith("0 pairs")
    assert repr(network2.Network(SIZES)) == "Network([784, 6, 10])"


def test_what_is_written_into_an_example_is_not_lost_in_silence():
    data = pairs(3)
    for array in data[0]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


@pytest.mark.parametrize("run, says", [
    (lambda: network.Network([784, "30", 10]), "sizes must be a list of whole numbers"),
    (lambda: network.Network([784, 30.0, 10]), "sizes must be"),
    (lambda: network.Network("784,30,10"), "sizes must be"),
    (lambda: network2.Network([784, 0, 10]), "sizes must be"),
    (lambda: network.Network([]), "sizes must be"), (lambda: network2.Network([784]), "sizes must be"),
    (lambda: network.Network(SIZES).SGD(pairs(3), "3", 10, 3.0), "epochs must be a whole number"),
    (lambda: network2.Network(SIZES).SGD(pairs(3), 1.0, 10, 3.0), "epochs must be a whole number"),
    (lambda: network.Network(SIZES).SGD(pairs(3), -1, 10, 3.0), "epochs must be at least 0, not -1"),
    (lambda: network2.Network(SIZES).SGD(pairs(3), -1, 10, 3.0), "epochs must be at least 0, not -1"),
    (lambda: pairs(5)[[1, 2]], r"by a number or a slice, as from a list, not by \[1, 2\]"),
    (lambda: network.Network(SIZES).evaluate([(X, -1)]), r"test_data: each y must be a label.*not -1"),
    (lambda: network2.Network(SIZES).SGD(pairs(3), 1, 10, 3.0, early_stopping_n="2"),
     "early_stopping_n must be a whole number"),
    (lambda: network.Network(SIZES).feedforward(pairs(1)[0]), r"not a pair \(x, y\): take its \[0\]"),
    (lambda: network.Network(SIZES).feedforward([0.0] * 784), r"say np.reshape\(a, \(-1, 1\)\)"),
    (lambda: network.Network(SIZES).feedforward("x"), "of numbers, not str"),
])
def test_arguments_of_the_wrong_kind_are_named(run, says):
    with pytest.raises((TypeError, ValueError), match=says):
        run()


def test_folders_and_files_that_lack_something(tmp_path):
    with pytest.raises(ValueError, match="is a folder, not a network"):
        network2.load(tmp_path)
    with pytest.raises(ValueError, match="filename must be a file to write, but .* is a folder"):
        network2.Network(SIZES).save(tmp_path)
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(ValueError, match="has saved: it has no sizes"):
        network2.load(tmp_path / "none.json")


def content(**other):
    """What a file of a network [2, 1, 1] holds, but for what is named."""
    return json.dumps({"sizes": [2, 1, 1], "weights": [[[0.5, -1.0]], [[2.0]]],
                       "biases": [[[0.25]], [[1.0]]], "cost": "QuadraticCost"} | other)


@pytest.mark.parametrize("text, says", [
    (content(sizes=[784, 10**9, 10]), "not those of a network of"),
    (content(sizes=[2, 1]), "not those of a network of"), (content(sizes=[2]), "sizes must be"),
    (content(biases=[[[0.25]], [[None]]]), "its biases are not all numbers"),
    (content(biases=[[[0.25]], [[10**400]]]), "its biases are not all numbers"),
    (content(weights=[[[0.5, "1"]], [[2.0]]]), "its weights are not all numbers"),
    (content(weights=[[[0.5], [1.0, 2.0]], [[2.0]]]), "inhomogeneous"),
    (content(weights=None), "not iterable"), ("[" * 100_000, "recursion"), ("[]", "it has no sizes"),
    ("3", "not iterable"), (content()[:-9], "Unterminated|delimiter|Expecting"),
])
def test_files_that_hold_no_network(text, says, tmp_path):
    (tmp_path / "net.json").write_text(text)
    with pytest.raises(ValueError, match=f"net.json is not a network that network2 has saved.*{says}"):
        network2.load(tmp_path / "net.json")


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_to_a_file_is_one_clear_error_or_another_network(data, tmp_path):
    """The book's files have no checksum: a digit may be another, and the network is still whole."""
    path = tmp_path / "net.json"
    path.write_bytes(data.draw(damaged(content().encode())))
    try:
        net = network2.load(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert [w.shape for w in net.weights] == [(n, m) for m, n in zip(net.sizes, net.sizes[1:])]
        assert net.feedforward(np.zeros((net.sizes[0], 1))).shape == (net.sizes[-1], 1)
