"""The book's network2.py: better costs, initial weights, regularisation, monitoring.  Book ch. 3.

    from nndl.book import mnist_loader, network2
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
    net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost)
    net.SGD(training_data, 30, 10, 0.5, lmbda=5.0, evaluation_data=validation_data,
            monitor_evaluation_accuracy=True)
"""

import json
import os

import numpy as np

from .. import costs
from ..files import write_atomically
from . import legacy, network
from .mnist_loader import vectorized_result
from .network import checked_sizes, sigmoid, sigmoid_prime, whole
from .pairs import Examples

__all__ = ["CrossEntropyCost", "Network", "QuadraticCost", "load", "sigmoid", "sigmoid_prime",
           "vectorized_result"]


class QuadraticCost:
    """C = ½ ‖y - a‖², book (6)."""

    engine = costs.QuadraticCost

    @staticmethod
    def fn(a, y):
        """The cost of one example, outputs a and desired ones y."""
        return 0.5 * np.linalg.norm(a - y) ** 2

    @staticmethod
    def delta(z, a, y):
        """The error at the output layer, book (30)."""
        return (a - y) * sigmoid_prime(z)


class CrossEntropyCost:
    """C = -Σ [y ln a + (1 - y) ln(1 - a)], book (63)."""

    engine = costs.CrossEntropyCost

    @staticmethod
    def fn(a, y):
        """The cost of one example; an output of exactly 0 or 1 that is right costs nothing."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))

    @staticmethod
    def delta(z, a, y):
        """The error at the output layer, book (66).  z is not used: sigma' has cancelled."""
        return a - y


COSTS = {cost.__name__: cost for cost in (QuadraticCost, CrossEntropyCost)}  # in files


class Network(network.Network):
    """A fully connected network of sigmoid neurons.

    sizes : how many neurons each layer has, the inputs first
    cost : QuadraticCost or CrossEntropyCost, the class or an instance; or a cost of your own with fn
           and delta like theirs, which is trained by the book's loop, one example after the other
    mended : ("accuracy",): accuracies are fractions, as in network3, and not counts; see errata.py
    """

    cost, mended = CrossEntropyCost, ()  # of a subclass whose __init__ says nothing of them
    _book = __name__

    def __init__(self, sizes, cost=CrossEntropyCost, mended=()):
        if not callable(getattr(cost, "fn", None)) or not callable(getattr(cost, "delta", None)):
            raise TypeError("cost must be QuadraticCost or CrossEntropyCost, or have fn(a, y) and "
                            f"delta(z, a, y) as they do, not {cost!r}")
        if tuple(mended) not in ((), ("accuracy",)):
            raise ValueError(f'mended must be () or ("accuracy",), not {mended!r}')
        self.mended = tuple(mended)
        self.num_layers, self.sizes, self.cost = len(checked_sizes(sizes)), sizes, cost
        self.default_weight_initializer()

    def _cost(self):
        # A class that inherits from one of ours may compute something else.
        return vars(self._cost_class()).get("engine")

    def _cost_class(self):
        return self.cost if isinstance(self.cost, type) else type(self.cost)

    def _output_error(self, z, a, y):
        return self.cost.delta(z, a, y)

    def default_weight_initializer(self):
        """Weights from N(0, 1/n_in), biases from N(0, 1)."""
        self.large_weight_initializer()
        self.weights = [w / np.sqrt(w.shape[1]) for w in self.weights]

    def large_weight_initializer(self):
        """All from N(0, 1), as in chapter 1."""
        pairs = zip(self.sizes, self.sizes[1:])
        self.biases = [legacy.streams().normal(n, 1) for n in self.sizes[1:]]
        self.weights = [legacy.streams().normal(n, n_in) for n_in, n in pairs]

    def SGD(self, training_data, epochs, mini_batch_size, eta, lmbda=0.0, evaluation_data=None,
            monitor_evaluation_cost=False, monitor_evaluation_accuracy=False,
            monitor_training_cost=False, monitor_training_accuracy=False, early_stopping_n=0):
        """Train by mini-batch stochastic gradient descent.

        training_data : list of pairs (x, y), shuffled anew, in place, for each epoch
        lmbda : λ of the L2 regularisation, book (87)
        evaluation_data : list of pairs (x, label)
        monitor_... : measure this after each epoch, and print it
        early_stopping_n : end when the evaluation accuracy has not improved for so many epochs; 0, or
                           less, never
        Returns four lists: evaluation cost, evaluation accuracy, training cost, training accuracy, an
        entry for each epoch.  Accuracies are counts, but see mended.
        """
        stopping = whole("early_stopping_n", early_stopping_n) > 0
        training = Examples(training_data, "training_data", self.sizes)
        evaluation = (None if evaluation_data is None else
                      Examples(evaluation_data, "evaluation_data", self.sizes))
        if evaluation is None and (monitor_evaluation_cost or monitor_evaluation_accuracy
                                   or stopping):
            raise ValueError("monitor_evaluation_... and early_stopping_n need evaluation_data, say "
                             "evaluation_data=validation_data")
        evaluation_cost, evaluation_accuracy, training_cost, training_accuracy = [], [], [], []
        own_cost, own_accuracy = self._own("total_cost"), self._own("accuracy")

        def cost(examples):
            value = (self.total_cost(examples.pairs, lmbda, convert=examples is evaluation)
                     if own_cost else self._total(examples, lmbda))
            if not np.all(np.isfinite(value)):
                self._warn(f"training diverges: the cost is {value}; make the network anew, and train "
                           "it with a smaller eta, a tenth of it say",
                           1 - eta * lmbda / len(training), stacklevel=4)
            return value

        def right(examples):
            if own_accuracy:
                return self.accuracy(examples.pairs, convert=examples is training)
            return self._right(examples)

        monitors = (
            (monitor_training_cost, training_cost, cost, "Cost on training data: {}", training),
            (monitor_training_accuracy, training_accuracy, right,
             "Accuracy on training data: {} / {}", training),
            (monitor_evaluation_cost, evaluation_cost, cost, "Cost on evaluation data: {}", evaluation),
            (monitor_evaluation_accuracy, evaluation_accuracy, right,
             "Accuracy on evaluation data: {} / {}", evaluation))
        best, best_epoch, self._warned = 0, 0, False
        for epoch in range(whole("epochs", epochs, 0)):
            self._epoch(training, mini_batch_size, eta, lmbda)
            print(f"Epoch {epoch} training complete")
            for wanted, entries, measure, line, examples in monitors:
                if wanted:
                    entries.append(measure(examples))
                    print(line.format(entries[-1], len(examples)))
            print()
            if stopping:
                now = evaluation_accuracy[-1] if monitor_evaluation_accuracy else right(evaluation)
                if now > best:
                    best, best_epoch = now, epoch
                if epoch - best_epoch >= early_stopping_n:
                    break
        if own_accuracy:  # it says itself what it is
            return evaluation_cost, evaluation_accuracy, training_cost, training_accuracy
        return (evaluation_cost, [self._accuracy(count, evaluation) for count in evaluation_accuracy],
                training_cost, [self._accuracy(count, training) for count in training_accuracy])

    def _accuracy(self, right, examples):
        """So many right: the book's accuracy, unless that is mended."""
        return right / len(examples) if self.mended else right

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        """One step downhill for a list of pairs (x, y); n training examples in all.  Book (93)."""
        self._step(mini_batch, eta, lmbda, n)

    def _update(self, mini_batch, eta, lmbda, n):
        self.update_mini_batch(mini_batch, eta, lmbda, n)

    def accuracy(self, data, convert=False):
        """How many of the pairs in data are classified rightly; which fraction, where that is mended.

        convert : True where each y is a vector (training data), False where it is a label.  Either is
                  recognised here, so that it need not be right
        """
        examples = Examples(data, "data", self.sizes)
        return self._accuracy(self._right(examples), examples)

    def total_cost(self, data, lmbda, convert=False):
        """The mean cost over data with its regularisation term.  Book (87).

        convert : as for accuracy, though there it is True for labels
        """
        return self._total(Examples(data, "data", self.sizes), lmbda)

    @np.errstate(over="ignore")  # weights may be huge before they are NaN
    def _total(self, examples, lmbda):
        if not (self._cost() is None or self._own("feedforward") or self._other_neuron()):
            return self.engine().total_cost(tuple(examples), lmbda)
        cost = sum(self.cost.fn(self.feedforward(x), y if np.ndim(y) else vectorized_result(y))
                   for x, y in examples.pairs) / len(examples)
        return cost + 0.5 * lmbda / len(examples) * sum(np.linalg.norm(w)**2 for w in self.weights)

    def save(self, filename):
        """Write the network to a file, the book's JSON."""
        data = {"sizes": list(self.sizes), "weights": [np.asarray(w).tolist() for w in self.weights],
                "biases": [np.asarray(b).tolist() for b in self.biases],
                "cost": self._cost_class().__name__}
        if os.path.isdir(filename):
            raise ValueError(f"filename must be a file to write, but {filename} is a folder")
        write_atomically(filename, json.dumps(data).encode())


def load(filename, cost=None):
    """The network that save, or the book's own network2.py, has written to a file.

    cost : of the network, where it is of your own and a file has only its name
    """
    try:
        with open(filename, encoding="utf-8") as file:
            data = json.load(file)
        for name in ("sizes", "weights", "biases", "cost"):
            if name not in data:
                raise ValueError(f"it has no {name}")
        if cost is None and data["cost"] not in COSTS:
            raise ValueError(f"its cost is {data['cost']}, which network2 does not have; one of your "
                             f"own is handed in, load({str(filename)!r}, cost={data['cost']})")
        sizes, weights, biases = checked_sizes(data["sizes"]), *_numbers(data)
        shapes = [(n, n_in) for n_in, n in zip(sizes, sizes[1:])], [(n, 1) for n in sizes[1:]]
        # Before a network is made: sizes alone could claim any amount of memory.
        if ([w.shape for w in weights], [b.shape for b in biases]) != shapes:
            raise ValueError(f"its weights and biases are not those of a network of {sizes}")
        net = Network(sizes, cost=cost or COSTS[data["cost"]])
        net.weights, net.biases = weights, biases
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {filename}") from None
    except IsADirectoryError:
        raise ValueError(f"{filename} is a folder, not a network that network2 has saved") from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"{filename} is not a network that network2 has saved: {error}") from None
    return net


def _numbers(data):
    """(weights, biases) in a file's data, lists of float arrays."""
    for name in "weights", "biases":
        arrays = [np.array(one) for one in data[name]]
        if any(array.dtype.kind not in "fi" for array in arrays):  # null would become NaN
            raise ValueError(f"its {name} are not all numbers")
        yield [array.astype(float) for array in arrays]
