"""The book's network3.py without Theano: convolutions, pooling, dropout, softmax.  Book ch. 6.

    from nndl.book import network3
    from nndl.book.network3 import Network, ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer
    training_data, validation_data, test_data = network3.load_data_shared()
    net = Network([
        ConvPoolLayer(image_shape=(10, 1, 28, 28), filter_shape=(20, 1, 5, 5), poolsize=(2, 2)),
        FullyConnectedLayer(n_in=20*12*12, n_out=100),
        SoftmaxLayer(n_in=100, n_out=10)], 10)
    net.SGD(training_data, 60, 10, 0.1, validation_data, test_data)

Same names, shapes and printed lines, in float32.  What was symbolic there is plain numbers here.
"""

from pathlib import Path

import numpy as np

from .. import layers
from ..data import load_mnist
from ..data.expand import expand
from ..network import Network as CoreNetwork
from . import legacy
from .layers import SameMaskDropout
from .mnist_loader import as_floats, read_pickle
from .network import sigmoid

PRINTED = 1000  # mini-batches between two lines that say how far training is
MENDED = ("initialisation", "lambda", "order", "dropout")  # flaws that one can do without


# --- activation functions -------------------------------------------------------------------------

def linear(z):
    """z itself."""
    return z


def ReLU(z):
    """max(0, z), book (112)."""
    return np.maximum(0.0, z)


def tanh(z):
    """tanh z, book (110)."""
    return np.tanh(z)


ACTIVATIONS = {linear: "linear", ReLU: "relu", sigmoid: "sigmoid", tanh: "tanh"}
KINDS = {linear: None, ReLU: layers.ReLU, sigmoid: layers.Sigmoid, tanh: layers.Tanh}


def _known(activation_fn):
    if activation_fn not in ACTIVATIONS:
        raise ValueError("activation_fn must be linear, ReLU, sigmoid or tanh of nndl.book.network3, "
                         f"whose derivatives are written by hand, not {activation_fn!r}")
    return activation_fn


# --- data -----------------------------------------------------------------------------------------

class Shared:
    """An array with the face of a Theano shared variable: get_value, set_value, eval."""

    def __init__(self, array):
        self.array = array

    def get_value(self, borrow=False):
        """The numbers: images as floats (n, 784), byte/256."""
        images = self.array.dtype == np.uint8 and self.array.ndim > 1
        value = as_floats(self.array[:]) if images else self.array
        return value if borrow else np.array(value)

    def eval(self):
        """get_value()."""
        return self.get_value()

    def set_value(self, value, borrow=False):
        """Put other numbers in its place."""
        self.array = np.asarray(value)

    @property
    def shape(self):
        """(n, 784), or (n,)."""
        return (len(self.array), *[int(np.prod(self.array.shape[1:]))] * (self.array.ndim > 1))

    def __len__(self):
        return len(self.array)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.get_value(borrow=True), dtype=dtype)

    def __getitem__(self, key):
        return self.get_value(borrow=True)[key]


def load_data_shared(filename="../data/mnist.pkl.gz"):
    """(training_data, validation_data, test_data), each a pair of Shared: images and labels.

    filename : an old file of the book's is read if it is there.  If not, the data come with nndl, and
               for a name with "expanded" in it the 250,000 shifted images are made in memory
    """
    if Path(filename).exists():
        return [(Shared(x), Shared(y)) for x, y in read_pickle(filename)]
    training, validation, test = load_mnist()
    if "expanded" in Path(filename).name:
        training = expand(training)
    return [(Shared(images), Shared(labels)) for images, labels in (training, validation, test)]


def size(data):
    """How many examples there are in data, a pair of images and labels."""
    return len(data[0])


def _pair(data, name):
    try:
        x, y = data
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair of images and labels, one of the three that "
                        "network3.load_data_shared() returns; mnist_loader's lists of pairs are for "
                        "network and network2") from None
    return tuple(part.array if isinstance(part, Shared) else np.asarray(part) for part in (x, y))


# --- the network ----------------------------------------------------------------------------------

class Network:
    """Layers in a row, trained by stochastic gradient descent.

    layers : ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer, the last one a SoftmaxLayer
    mini_batch_size : examples in a mini-batch, in training and when measuring
    mended : which of the original's flaws it shall not have, names of MENDED; see errata.py
    """

    def __init__(self, layers, mini_batch_size, mended=()):
        self.layers, self.mini_batch_size, self.mended = layers, mini_batch_size, set(mended)
        if unknown := self.mended - set(MENDED):
            raise ValueError(f"mended must be some of {', '.join(MENDED)}, not {unknown.pop()!r}")
        for layer in layers:
            if "initialisation" in self.mended and isinstance(layer, FullyConnectedLayer):
                layer.w.value *= np.sqrt(layer.n_out / layer.n_in)
        row = [one for layer in layers for one in layer.made_of(self.mended)]
        images = isinstance(layers[0], ConvPoolLayer)
        shape = layers[0].image_shape[1:] if images else (layers[0].n_in,)
        self.engine = CoreNetwork(row, input_shape=shape)
        shape = self.engine.input_shape
        for layer in layers:
            layer.stands_behind(shape, mini_batch_size)
            shape = layer.shape
        self.params = [param for layer in layers for param in layer.params]

    def SGD(self, training_data, epochs, mini_batch_size, eta, validation_data, test_data, lmbda=0.0):
        """Train by mini-batch stochastic gradient descent, always in the same order.

        training_data, validation_data, test_data : of load_data_shared
        lmbda : λ of C0 + λ/2 Σ w² / (number of mini-batches), which is m times as much as in network2
        """
        x, y = _pair(training_data, "training_data")
        m = mini_batch_size
        batches = len(x) // m
        if m != self.mini_batch_size:
            raise ValueError(f"mini_batch_size must be the network's, {self.mini_batch_size}, not {m}")
        best, best_iteration, test_accuracy = 0.0, 0, None
        lmbda = lmbda if "lambda" in self.mended else lmbda * m  # as network2 has it
        for epoch in range(epochs):
            if "order" in self.mended:
                order = legacy.streams().order(len(x))
                x, y = x[order], y[order]
            for start in range(0, batches, PRINTED):
                if (epoch * batches + start) % PRINTED == 0:
                    print(f"Training mini-batch number {epoch * batches + start}")
                some = slice(start * m, min(start + PRINTED, batches) * m)
                n = some.stop - some.start
                self.engine.SGD((x[some], y[some]), 1, m, eta, lmbda * n / (batches * m),
                                shuffle=False, progress=False)
            validation_accuracy = self.accuracy(validation_data)
            print(f"Epoch {epoch}: validation accuracy {validation_accuracy:.2%}")
            if validation_accuracy >= best:
                print("This is the best validation accuracy to date.")
                best, best_iteration = validation_accuracy, (epoch + 1) * batches - 1
                if test_data:
                    test_accuracy = self.accuracy(test_data)
                    print(f"The corresponding test accuracy is {test_accuracy:.2%}")
        print("Finished training network.")
        print(f"Best validation accuracy of {best:.2%} obtained at iteration {best_iteration}")
        if test_accuracy is not None:
            print(f"Corresponding test accuracy of {test_accuracy:.2%}")

    def accuracy(self, data):
        """The fraction of data that is classified rightly; a last short mini-batch is left out."""
        x, y = _pair(data, "data")
        n = len(x) // self.mini_batch_size * self.mini_batch_size
        return self.engine.accuracy((x[:n], y[:n]))

    def predict(self, data):
        """The digit that the network sees in each image of data."""
        return self.engine.predict(_pair(data, "data")[0])


class Parameter:
    """A layer's w or b: an array with the face of a Theano shared variable.

    owner : the layer of nndl that has it;  name : "w" or "b"
    turned : whether the book's array is the transpose of ours, as for dense layers
    """

    def __init__(self, owner, name, value, turned=False):
        self.owner, self.name, self.turned = owner, name, turned
        self.value = np.asarray(value, np.float32)

    def _array(self):
        array = getattr(self.owner, self.name, None)
        if array is None:  # not yet in a network
            return self.value
        return array.T if self.turned else array

    def get_value(self, borrow=False):
        """A copy of the numbers; the numbers themselves if borrow."""
        return self._array() if borrow else np.array(self._array())

    def eval(self):
        """get_value()."""
        return self.get_value()

    def set_value(self, value, borrow=False):
        """Put other numbers in their place, of the same shape."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"the value of {self.name} must have shape {self.shape}, "
                             f"not {value.shape}")
        self._array()[...] = value

    @property
    def shape(self):
        """The book's."""
        return self._array().shape

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array(), dtype=dtype)

    def __getitem__(self, key):
        return self._array()[key]


def _normal(shape, deviation):
    return legacy.streams().normal(*shape) * deviation


class ConvPoolLayer:
    """A convolution, max-pooling and an activation function.

    filter_shape : (how many maps, how many come in, rows, columns of a filter)
    image_shape : (mini-batch size, how many maps come in, rows, columns of each)
    poolsize : rows and columns of a pooling window;  activation_fn : one of the four above
    w : (maps, maps in, rows, columns);  b : (maps,)
    """

    def __init__(self, filter_shape, image_shape, poolsize=(2, 2), activation_fn=sigmoid):
        self.filter_shape, self.image_shape, self.poolsize = filter_shape, image_shape, poolsize
        self.activation_fn = _known(activation_fn)
        maps, _, rows, columns = filter_shape
        self.core = layers.ConvPool(maps, (rows, columns), ACTIVATIONS[activation_fn],
                                    tuple(poolsize), init="zeros")
        n_out = maps * rows * columns / np.prod(poolsize)
        self.w = Parameter(self.core, "w", _normal(filter_shape, np.sqrt(1.0 / n_out)))
        self.b = Parameter(self.core, "b", _normal((maps,), 1.0))
        self.params = [self.w, self.b]

    def made_of(self, mended=()):
        """nndl's layers that do its work."""
        return [self.core]

    def stands_behind(self, shape, mini_batch_size):
        """Check what the book's programs say twice, and begin with the weights drawn."""
        expected = (mini_batch_size, *shape)
        if tuple(self.image_shape) != expected:
            raise ValueError(f"image_shape must be {expected} for the layer before and mini-batches "
                             f"of {mini_batch_size}, not {tuple(self.image_shape)}")
        if self.filter_shape[1] != shape[0]:
            maps, _, rows, columns = self.filter_shape
            raise ValueError(f"filter_shape must be {(maps, shape[0], rows, columns)} for "
                             f"{shape[0]} maps that come in, not {tuple(self.filter_shape)}")
        self.shape = self.core.output_shape(shape)
        for parameter in self.params:
            parameter.set_value(parameter.value)


class FullyConnectedLayer:
    """A dense layer, with dropout of its input if asked.

    n_in, n_out : how many inputs and neurons;  activation_fn : one of the four above
    p_dropout : the probability that an input is dropped
    w : (n_in, n_out), the transpose of ours;  b : (n_out,)
    """

    def __init__(self, n_in, n_out, activation_fn=sigmoid, p_dropout=0.0):
        self.n_in, self.n_out, self.p_dropout = n_in, n_out, p_dropout
        self.activation_fn = _known(activation_fn)
        self.core = layers.Dense(n_out, init="zeros")
        self.w = Parameter(self.core, "w", _normal((n_in, n_out), np.sqrt(1.0 / n_out)), turned=True)
        self.b = Parameter(self.core, "b", _normal((n_out,), 1.0))
        self.params = [self.w, self.b]

    def _activation(self):
        kind = KINDS[self.activation_fn]
        return [kind()] if kind else []

    def made_of(self, mended=()):
        """nndl's layers that do its work."""
        drop = [layers.Dropout(self.p_dropout, inverted=False) if "dropout" in mended else
                SameMaskDropout(self.p_dropout)] if self.p_dropout else []
        return [*drop, self.core, *self._activation()]

    def stands_behind(self, shape, mini_batch_size):
        """Check what the book's programs say twice, and begin with the weights drawn."""
        n_in = int(np.prod(shape))
        if self.n_in != n_in:
            raise ValueError(f"n_in must be {n_in}, what the layer before has, not {self.n_in}")
        self.shape = (self.n_out,)
        for parameter in self.params:
            parameter.set_value(parameter.value)


class SoftmaxLayer(FullyConnectedLayer):
    """A dense layer with softmax, whose weights begin at 0."""

    def __init__(self, n_in, n_out, p_dropout=0.0):
        super().__init__(n_in, n_out, linear, p_dropout)
        self.w.value[...] = 0
        self.b.value[...] = 0

    def _activation(self):
        return [layers.Softmax()]
