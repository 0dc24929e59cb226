"""The book's network.py: sigmoid neurons, quadratic cost, stochastic gradient descent.  Book ch. 1.

    from nndl.book import mnist_loader, network
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
    net = network.Network([784, 30, 10])
    net.SGD(training_data, 30, 10, 3.0, test_data=test_data)

Same names, shapes and printed lines; the arithmetic is nndl's, in float64.  A network that has its own
feedforward, backprop, update_mini_batch or cost_derivative, as the book's exercises ask for, or another
function in the place of sigmoid, is trained by the book's loop through these instead, one example after
the other; what evaluate, accuracy or total_cost of its own measure is what is printed.
"""

import numbers
import sys
import warnings

import numpy as np

from .. import layers
from ..network import Diverged
from ..network import Network as CoreNetwork
from ..ops.shapes import is_int
from . import legacy
from .pairs import Examples


class Engine(CoreNetwork):
    """nndl's network, which takes its training examples in the order that it is told."""

    order = None

    def _order(self, n):
        return self.order

    def _what_went_wrong(self, x):
        """In the book's words: weights[1] rather than w of the third layer here."""
        text = super()._what_went_wrong(x)
        for number, dense in enumerate(self.layers[::2]):
            at = f"layers[{2 * number}], {dense!r}"
            for here, there in ((f"w of {at}", f"weights[{number}]"),
                                (f"b of {at}", f"biases[{number}]"),
                                (f"the output of {at}", f"the weighted input of layer {number + 1}")):
                text = text.replace(here, there)
        return text


class Network:
    """A fully connected network of sigmoid neurons.

    sizes : how many neurons each layer has, the inputs first: [784, 30, 10]
    weights : a list, weights[l] is (n_out, n_in);  biases : a list, biases[l] is (n_out, 1)
    Both may be assigned to, the lists or their items, or changed in place.
    """

    _engine = None   # (cost, the nndl.Network that computes), made when it is needed
    _warned = False  # whether it has been said that the weights are no numbers

    def __init__(self, sizes):
        self.num_layers, self.sizes = len(checked_sizes(sizes)), sizes
        self.biases = [legacy.streams().normal(n, 1) for n in sizes[1:]]
        self.weights = [legacy.streams().normal(n, n_in) for n_in, n in zip(sizes, sizes[1:])]

    def __repr__(self):
        return f"{type(self).__name__}({list(self.sizes)})"

    def __getstate__(self):
        return vars(self) | {"_engine": None}  # made again when it is needed; its threads are no data

    # --- the engine -------------------------------------------------------------------------------

    def _cost(self):
        """What nndl calls the cost; None: it has none such."""
        return "quadratic"

    def _own(self, *names):
        """Whether a subclass, or somebody for this network alone, has defined a method anew."""
        return any(name in vars(self) or (getattr(type(self), name).__module__ or "").split(".")[:2]
                   != ["nndl", "book"] for name in names)

    def _neuron(self):
        """The book's functions sigmoid and sigmoid_prime, or what has been put in their place."""
        module = sys.modules[self._book]
        return module.sigmoid, module.sigmoid_prime

    _book = __name__  # whose functions these are

    def _other_neuron(self):
        return self._neuron() != SIGMOID

    def _by_hand(self):
        """Whether to compute as the book does, since the engine would not do what was asked for."""
        return (self._cost() is None or self._other_neuron()
                or self._own("feedforward", "backprop", "update_mini_batch", "cost_derivative"))

    def engine(self):
        """The nndl.Network that computes, with the weights and biases that stand here now."""
        cost = self._cost() or "quadratic"
        if self._engine is None or self._engine[0] is not cost:
            row = [layer for n in self.sizes[1:] for layer in (layers.Dense(n), layers.Sigmoid())]
            self._engine = cost, Engine(row, cost, (self.sizes[0],), dtype="float64")
        engine = self._engine[1]
        for name, its in (("weights", [dense.w for dense in engine.layers[::2]]),
                          ("biases", [dense.b[:, None] for dense in engine.layers[::2]])):
            mine = getattr(self, name)
            if len(mine) != len(its):
                raise ValueError(f"{name} must be a list of {len(its)} arrays in a network of "
                                 f"{self.sizes}, not of {len(mine)}")
            for number, (value, array) in enumerate(zip(mine, its)):
                if np.shape(value) != array.shape:
                    raise ValueError(f"{name}[{number}] must have shape {array.shape} in a network of "
                                     f"{self.sizes}, not {np.shape(value)}")
                array[...] = value
        return engine

    def _take_over(self):
        """Bring what the engine has learnt here: new arrays, so that lists kept elsewhere stay."""
        dense = self._engine[1].layers[::2]
        self.weights = [layer.w.copy() for layer in dense]
        self.biases = [layer.b[:, None].copy() for layer in dense]

    # --- as in the book ---------------------------------------------------------------------------

    def feedforward(self, a):
        """The network's output (n_out, 1) for an input a (n_in, 1), or of several side by side."""
        column = f"the input must be a column ({self.sizes[0]}, 1)"
        if isinstance(a, tuple) and len(a) == 2:
            raise TypeError(f"{column}, not a pair (x, y): take its [0]")
        try:
            a = np.asarray(a, dtype=float)
        except (TypeError, ValueError):
            raise TypeError(f"{column} of numbers, not {type(a).__name__}") from None
        if a.ndim != 2 or len(a) != self.sizes[0]:
            raise ValueError(f"{column}, not {a.shape}" + (
                "; say np.reshape(a, (-1, 1))" if a.size == self.sizes[0] else ""))
        if not self._other_neuron():
            return self.engine().feedforward(a.T).T
        for b, w in zip(self.biases, self.weights):
            a = self._neuron()[0](w @ a + b)                                    # (22)
        return a

    def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):
        """Train by mini-batch stochastic gradient descent.

        training_data : list of pairs (x, y), shuffled anew, in place, for each epoch
        test_data : list of pairs (x, label); after each epoch it is printed how many are right
        """
        training = Examples(training_data, "training_data", self.sizes)
        if test_data is None or (hasattr(test_data, "__len__") and len(test_data) == 0):
            test = None
        else:
            test = Examples(test_data, "test_data", self.sizes)
        self._warned = False
        for epoch in range(whole("epochs", epochs, 0)):
            self._epoch(training, mini_batch_size, eta)
            if test is None:
                print(f"Epoch {epoch} complete")
                continue
            right = (_returned(self.evaluate, "how many are right", test.pairs)
                     if self._own("evaluate") else self._right(test))
            print(f"Epoch {epoch}: {right} / {len(test)}")

    def _epoch(self, training, mini_batch_size, eta, lmbda=0.0):
        """Go once through the data, in a new order."""
        training.shuffle(legacy.streams())
        if self._by_hand():
            for start in range(0, len(training), mini_batch_size):
                self._update(training.pairs[start:start + mini_batch_size], eta, lmbda, len(training))
            return
        net = self.engine()
        net.order = training.order
        try:
            net.SGD(tuple(training), 1, mini_batch_size, eta, lmbda, progress=False)
        except Diverged as error:
            # As the original goes on when numbers have become too large.
            for layer in net.layers[::2]:
                layer.w[...], layer.b[...] = np.nan, np.nan
            self._warn(f"{error}.  What follows is of a network whose weights are no numbers",
                       1 - eta * lmbda / len(training), stacklevel=4)
        finally:
            self._take_over()

    def _warn(self, text, decay, stacklevel):
        """Say once in a training that it goes wrong.  decay : of the weights, in each step"""
        if not self._warned:
            self._warned = True
            if abs(decay) > 1:
                text += (".  In any case make lmbda smaller: each step multiplies the weights by "
                         f"1 - eta lmbda / n = {decay:g}")
            warnings.warn(text, stacklevel=stacklevel)

    def _right(self, examples):
        """How many of the examples are classified rightly."""
        if self._own("feedforward") or self._other_neuron():
            return sum(int(np.argmax(_returned(self.feedforward, "the output", x))
                           == (np.argmax(y) if np.ndim(y) else y)) for x, y in examples.pairs)
        return round(self.engine().accuracy(tuple(examples)) * len(examples))

    def update_mini_batch(self, mini_batch, eta):
        """One step downhill for a list of pairs (x, y).  Book (20), (21)."""
        self._step(mini_batch, eta)

    def _update(self, mini_batch, eta, lmbda, n):
        """update_mini_batch, which in network2 is told more."""
        self.update_mini_batch(mini_batch, eta)

    def _step(self, mini_batch, eta, lmbda=0.0, n=None):
        """One step downhill, book (93): by the engine, or as the book does it."""
        if not self._by_hand():
            examples = Examples(mini_batch, "mini_batch", self.sizes)
            self.engine().update_mini_batch(tuple(examples), eta, lmbda, n)
            self._take_over()
            return
        sum_b, sum_w = ([np.zeros_like(one) for one in ones] for ones in (self.biases, self.weights))
        for x, y in mini_batch:
            nabla_b, nabla_w = _returned(self.backprop, "(nabla_b, nabla_w)", x, y)
            sum_b = [total + nabla for total, nabla in zip(sum_b, nabla_b)]
            sum_w = [total + nabla for total, nabla in zip(sum_w, nabla_w)]
        rate, decay = eta / len(mini_batch), 1 - eta * lmbda / (n or len(mini_batch))
        self.weights = [decay * w - rate * total for w, total in zip(self.weights, sum_w)]
        self.biases = [b - rate * total for b, total in zip(self.biases, sum_b)]

    def backprop(self, x, y):
        """(nabla_b, nabla_w) of the cost for one example: lists like biases and weights."""
        if not self._by_hand():
            images, desired = Examples([(x, y)], "x, y", self.sizes)
            nabla_b, nabla_w = self.engine().backprop(images, desired)
            return [b.reshape(-1, 1) for b in nabla_b], nabla_w
        sigma, sigma_prime = self._neuron()
        zs, activations = [], [x]
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ activations[-1] + b)                                  # (25)
            activations.append(sigma(zs[-1]))
        delta = self._output_error(zs[-1], activations[-1], y)                  # BP1
        nabla_b, nabla_w = [], []
        for number in range(len(self.weights) - 1, -1, -1):
            nabla_b.insert(0, delta)                                            # BP3
            nabla_w.insert(0, delta @ activations[number].T)                    # BP4
            if number:
                delta = self.weights[number].T @ delta * sigma_prime(zs[number - 1])  # BP2
        return nabla_b, nabla_w

    def _output_error(self, z, a, y):
        """BP1 for outputs a = σ(z)."""
        return _returned(self.cost_derivative, "dC/da", a, y) * self._neuron()[1](z)

    def evaluate(self, test_data):
        """How many pairs (x, label) of test_data are classified rightly."""
        return self._right(Examples(test_data, "test_data", self.sizes))

    def cost_derivative(self, output_activations, y):
        """dC/da of the quadratic cost, a - y."""
        return output_activations - y


def sigmoid(z):
    """1 / (1 + e^-z), book (3)."""
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    """The sigmoid's derivative, sigma(z) (1 - sigma(z))."""
    return sigmoid(z) * (1 - sigmoid(z))


SIGMOID = sigmoid, sigmoid_prime  # which the engine computes


def _returned(method, what, *given):
    """What a method returns, which may be the reader's own: without `return` it is None."""
    value = method(*given)
    if value is None:
        raise TypeError(f"{getattr(method, '__name__', 'a method')} returns None; it must return "
                        f"{what}")
    return value


# --- what comes in --------------------------------------------------------------------------------

def checked_sizes(sizes):
    """sizes, if they are how many neurons each of at least two layers has."""
    good = isinstance(sizes, (list, tuple, np.ndarray)) and all(is_int(n) and n > 0 for n in sizes)
    if not good or len(sizes) < 2:
        raise ValueError("sizes must be a list of whole numbers, how many neurons each layer has, the "
                         f"inputs first, such as [784, 30, 10], not {sizes!r}")
    return sizes


def whole(name, value, least=None):
    """value, if it is a whole number, and at least so much."""
    if not is_int(value):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return value


def real(name, value):
    """value, if it is a number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return value
