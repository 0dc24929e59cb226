"""The book's network.py: sigmoid neurons, quadratic cost, stochastic gradient descent.  Book ch. 1.

    from nndl.book import mnist_loader, network
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
    net = network.Network([784, 30, 10])
    net.SGD(training_data, 30, 10, 3.0, test_data=test_data)

Same names, shapes and printed lines; the arithmetic is nndl's, in float64.
"""

import numpy as np

from .. import layers
from ..network import Diverged
from ..network import Network as CoreNetwork
from . import legacy
from .pairs import Examples


class Engine(CoreNetwork):
    """nndl's network, which takes its training examples in the order that it is told."""

    order = None

    def _order(self, n):
        return self.order


class Network:
    """A fully connected network of sigmoid neurons.

    sizes : how many neurons each layer has, the inputs first: [784, 30, 10]
    weights : a list, weights[l] is (n_out, n_in);  biases : a list, biases[l] is (n_out, 1)
    Both may be assigned to, the lists or their items, or changed in place.
    """

    def __init__(self, sizes):
        self.num_layers, self.sizes = len(sizes), sizes
        self.biases = [legacy.streams().normal(n, 1) for n in sizes[1:]]
        self.weights = [legacy.streams().normal(n, n_in) for n_in, n in zip(sizes, sizes[1:])]
        self._engine = None

    def _cost(self):
        return "quadratic"

    def engine(self):
        """The nndl.Network that computes, with the weights and biases that stand here now."""
        if self._engine is None:
            row = [layer for n in self.sizes[1:] for layer in (layers.Dense(n), layers.Sigmoid())]
            self._engine = Engine(row, self._cost(), (self.sizes[0],), dtype="float64")
        for number, dense in enumerate(self._engine.layers[::2]):
            for name, mine, its in (("weights", self.weights, dense.w),
                                    ("biases", self.biases, dense.b[:, None])):
                if np.shape(mine[number]) != its.shape:
                    raise ValueError(f"{name}[{number}] must have shape {its.shape} in a network of "
                                     f"{self.sizes}, not {np.shape(mine[number])}")
                if not np.may_share_memory(mine[number], its):
                    its[...] = mine[number]
                    mine[number] = its  # from now on what is learnt is seen here
        return self._engine

    def feedforward(self, a):
        """The network's output (n_out, 1) for an input a (n_in, 1)."""
        a = np.asarray(a, dtype=float)
        if a.shape != (self.sizes[0], 1):
            raise ValueError(f"the input must be a column ({self.sizes[0]}, 1), not {a.shape}"
                             + ("; say a.reshape(-1, 1)" if a.size == self.sizes[0] else ""))
        return self.engine().feedforward(a.T).T

    def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):
        """Train by mini-batch stochastic gradient descent.

        training_data : list of pairs (x, y), shuffled anew, in place, for each epoch
        test_data : list of pairs (x, label); after each epoch it is printed how many are right
        """
        training = Examples(training_data, "training_data", self.sizes)
        test = None if test_data is None else Examples(test_data, "test_data", self.sizes)
        for epoch in range(epochs):
            self._epoch(training, mini_batch_size, eta)
            print(f"Epoch {epoch} complete" if test is None else
                  f"Epoch {epoch}: {self._right(test)} / {len(test)}")

    def _epoch(self, training, mini_batch_size, eta, lmbda=0.0):
        net = self.engine()
        training.shuffle(legacy.streams())
        net.order = training.order
        try:
            net.SGD(tuple(training), 1, mini_batch_size, eta, lmbda, progress=False)
        except Diverged as error:
            decay = 1 - eta * lmbda / len(training)
            if abs(decay) <= 1:
                raise
            raise Diverged(f"{error}.  In any case make lmbda smaller: each step multiplies the "
                           f"weights by 1 - eta lmbda / n = {decay:g}") from None

    def _right(self, examples):
        """How many of the examples are classified rightly."""
        return round(self.engine().accuracy(tuple(examples)) * len(examples))

    def update_mini_batch(self, mini_batch, eta):
        """One step downhill for a list of pairs (x, y).  Book (20), (21)."""
        examples = Examples(mini_batch, "mini_batch", self.sizes)
        self.engine().update_mini_batch(tuple(examples), eta)

    def backprop(self, x, y):
        """(nabla_b, nabla_w) of the cost for one example: lists like biases and weights."""
        images, desired = Examples([(x, y)], "x, y", self.sizes)
        nabla_b, nabla_w = self.engine().backprop(images, desired)
        return [b.reshape(-1, 1) for b in nabla_b], nabla_w

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
