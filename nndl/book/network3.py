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

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .. import layers as core_layers
from ..data import load_mnist
from ..data.expand import expand
from ..network import Network as CoreNetwork
from . import legacy
from .layers import SameMaskDropout
from .mnist_loader import read_pickle
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
KINDS = {linear: None, ReLU: core_layers.ReLU, sigmoid: core_layers.Sigmoid,
         tanh: core_layers.Tanh}


def _known(activation_fn):
    if activation_fn not in ACTIVATIONS:
        raise ValueError("activation_fn must be linear, ReLU, sigmoid or tanh of nndl.book.network3, "
                         f"whose derivatives are written by hand, not {activation_fn!r}")
    return activation_fn


# --- shared variables -----------------------------------------------------------------------------

class AsArray(NDArrayOperatorsMixin):
    """What can be used as the array that _array() returns: x + 1, np.sum(x), x.mean(), x.T."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **more):
        arrays = [x._array() if isinstance(x, AsArray) else x for x in inputs]
        if out:  # as in w += 1
            more["out"] = tuple(x._array() if isinstance(x, AsArray) else x for x in out)
        result = getattr(ufunc, method)(*arrays, **more)
        return out[0] if len(out) == 1 else result

    def __getattr__(self, name):
        # Only what arrays have: whatever else is asked for, by copy or pickle say, is not there.
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._array(), name)

    def __len__(self):
        return self.shape[0]

    def eval(self):
        """get_value()."""
        return self.get_value()


class Shared(AsArray):
    """Images or labels with the face of a Theano shared variable: get_value, set_value, eval.

    array : images (n, h, w) bytes, seen as (n, h w) floats, byte/256; or (n, ...) floats as they are;
            or labels (n,), seen as int32
    Also an array that can only be read.  Bytes become floats where one looks.
    """

    def __init__(self, array):
        self.array = array

    def _images(self):
        """Whether these are bytes that stand for floats."""
        return self.array.dtype == np.uint8 and self.array.ndim > 1

    def _array(self):
        value = self.get_value(borrow=True).view()
        value.flags.writeable = False
        return value

    def get_value(self, borrow=False):
        """The numbers; where they are floats in memory already, a copy of them unless borrow."""
        value = self[:]
        kept = isinstance(self.array, np.ndarray) and np.may_share_memory(value, self.array)
        return value.copy() if kept and not borrow else value

    def set_value(self, value, borrow=False):
        """Put other numbers in its place."""
        self.array = np.asarray(value)

    @property
    def shape(self):
        """(n, 784), or (n,)."""
        shape = self.array.shape
        return (shape[0], math.prod(shape[1:])) if self._images() else tuple(shape)

    @property
    def ndim(self):
        """2 or 1."""
        return len(self.shape)

    @property
    def size(self):
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def dtype(self):
        """float32 for images, int32 for labels."""
        return self[:0].dtype

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.get_value(), dtype=dtype)

    def __getitem__(self, key):
        if not self._images():
            some = self.array[key]
            return some.astype(np.int32, copy=False) if some.dtype.kind in "iu" else some
        # The images first, and then what is wanted of them, so that no others become floats.
        first, *rest = key if isinstance(key, tuple) else (key,)
        numbers = np.arange(len(self))[first]
        some = self.array[numbers.ravel()].reshape(numbers.size, self.shape[1]) * np.float32(1 / 256)
        if not isinstance(first, slice):
            first = np.arange(len(some)).reshape(numbers.shape)
            return some[first, *rest]
        return some[:, *rest]


class Parameter(AsArray):
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

    def set_value(self, value, borrow=False):
        """Put other numbers in their place, of the same shape."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"the value of {self.name} must have shape {self.shape}, "
                             f"not {value.shape}")
        self._array()[...] = value

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array(), dtype=dtype)

    def __getitem__(self, key):
        return self._array()[key]

    def __setitem__(self, key, value):
        self._array()[key] = value


# --- data -----------------------------------------------------------------------------------------

def load_data_shared(filename="../data/mnist.pkl.gz"):
    """(training_data, validation_data, test_data), each a pair of Shared: images and labels.

    filename : an old file of the book's is read if it is there.  If not, what the book calls
               mnist.pkl.gz comes with nndl, and for mnist_expanded.pkl.gz the 250,000 shifted images
               are made in memory
    """
    path = Path(filename)
    if path.exists():
        return [(Shared(x), Shared(y)) for x, y in read_pickle(path)]
    if path.name not in ("mnist.pkl.gz", "mnist_expanded.pkl.gz"):
        raise FileNotFoundError(f"there is no file {filename}; the data that come with nndl are called "
                                "mnist.pkl.gz and mnist_expanded.pkl.gz")
    training, validation, test = load_mnist()
    if path.name == "mnist_expanded.pkl.gz":
        training = expand(training)
    return [(Shared(images), Shared(labels)) for images, labels in (training, validation, test)]


def size(data):
    """How many examples there are in data, a pair of images and labels."""
    return len(data[0])


def _pair(data, name, least):
    """(images, labels) as the engine takes them, if they fill a mini-batch."""
    try:
        x, y = data
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair of images and labels, one of the three that "
                        "network3.load_data_shared() returns; mnist_loader's lists of pairs are for "
                        "network and network2") from None
    x, y = (part.array if isinstance(part, Shared) else np.asarray(part) for part in (x, y))
    if len(x) != len(y):
        raise ValueError(f"{name} must have a label for each of its {len(x)} images, not {len(y)}")
    if len(x) < least:
        raise ValueError(f"{name} must have the {least} examples of a mini-batch at least, "
                         f"not {len(x)}")
    return x, y


# --- the network ----------------------------------------------------------------------------------

class Network:
    """Layers in a row, trained by stochastic gradient descent.

    layers : ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer, the last one a SoftmaxLayer
    mini_batch_size : examples in a mini-batch, in training and when measuring
    mended : which of the original's flaws it shall not have, names of MENDED; see errata.py
    """

    def __init__(self, layers, mini_batch_size, mended=()):
        if isinstance(mended, str):
            raise TypeError(f'mended must be a tuple of names, ("{mended}",), not {mended!r} alone')
        self.layers, self.mini_batch_size, self.mended = layers, mini_batch_size, set(mended)
        if unknown := self.mended - set(MENDED):
            raise ValueError(f"mended must be some of {', '.join(MENDED)}, not {unknown.pop()!r}")
        if not layers or not isinstance(layers[-1], SoftmaxLayer):
            last = f"a {type(layers[-1]).__name__}" if layers else "nothing: layers is empty"
            raise ValueError("the last layer must be a SoftmaxLayer, which the log-likelihood cost "
                             f"belongs to, not {last}")
        first = layers[0]
        images = isinstance(first, ConvPoolLayer)
        shape = input_shape = tuple(first.image_shape[1:]) if images else (first.n_in,)
        for layer in layers:
            shape = layer.stands_behind(shape, mini_batch_size)
        self.params = [param for layer in layers for param in layer.params]
        # The original draws nothing here: masks come from one seed, 0, whatever the network.
        seed = int(2**52 * abs(legacy.streams().normal(1)[0])) if "dropout" in self.mended else 0
        self.engine = CoreNetwork([one for layer in layers for one in layer.made_of(self.mended)],
                                  input_shape=input_shape, seed=seed)
        for param in self.params:
            param.set_value(param.value)
        if "initialisation" in self.mended:
            for layer in layers:
                if isinstance(layer, FullyConnectedLayer):
                    layer.w *= np.sqrt(layer.n_out / layer.n_in)

    def SGD(self, training_data, epochs, mini_batch_size, eta, validation_data, test_data, lmbda=0.0):
        """Train by mini-batch stochastic gradient descent, always in the same order.

        training_data, validation_data, test_data : of load_data_shared
        lmbda : λ of C0 + λ/2 Σ w² / (number of mini-batches), which is m times as much as in network2
        """
        m = mini_batch_size
        if m != self.mini_batch_size:
            raise ValueError(f"mini_batch_size must be the network's, {self.mini_batch_size}, not {m}")
        x, y = _pair(training_data, "training_data", m)
        _pair(validation_data, "validation_data", m)
        if test_data:
            _pair(test_data, "test_data", m)
        batches, order = len(x) // m, np.arange(len(x))
        best, best_iteration, test_accuracy = 0.0, 0, None
        lmbda = lmbda if "lambda" in self.mended else lmbda * m  # as network2 has it
        for epoch in range(epochs):
            before = epoch * batches
            if "order" in self.mended:
                order = order[legacy.streams().order(len(x))]
            # In pieces, of which each begins where a line is due, or the epoch.
            due = range(-before % PRINTED, batches, PRINTED)
            for start, stop in pairwise(sorted({0, *due, batches})):
                if start in due:
                    print(f"Training mini-batch number {before + start}")
                some = order[start * m:stop * m]
                # λ is of the whole epoch: this piece has its share of it.
                self.engine.SGD((x[some], y[some]), 1, m, eta, lmbda * (stop - start) / batches,
                                shuffle=False, progress=False)
            validation_accuracy = self.accuracy(validation_data)
            print(f"Epoch {epoch}: validation accuracy {validation_accuracy:.2%}")
            if validation_accuracy >= best:
                print("This is the best validation accuracy to date.")
                best, best_iteration = validation_accuracy, before + batches - 1
                if test_data:
                    test_accuracy = self.accuracy(test_data)
                    print(f"The corresponding test accuracy is {test_accuracy:.2%}")
        print("Finished training network.")
        print(f"Best validation accuracy of {best:.2%} obtained at iteration {best_iteration}")
        if test_accuracy is not None:
            print(f"Corresponding test accuracy of {test_accuracy:.2%}")

    def accuracy(self, data):
        """The fraction of data that is classified rightly; a last short mini-batch is left out."""
        x, y = _pair(data, "data", self.mini_batch_size)
        n = len(x) // self.mini_batch_size * self.mini_batch_size
        return self.engine.accuracy((x[:n], y[:n]))

    def predict(self, data):
        """The digit that the network sees in each image of data."""
        return self.engine.predict(_pair(data, "data", 1)[0])


# --- layers ---------------------------------------------------------------------------------------

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
        self.core = core_layers.ConvPool(maps, (rows, columns), ACTIVATIONS[activation_fn],
                                         tuple(poolsize), init="zeros")
        n_out = max(1, maps * rows * columns // math.prod(poolsize))
        self.w = Parameter(self.core, "w", _normal(filter_shape, np.sqrt(1.0 / n_out)))
        self.b = Parameter(self.core, "b", _normal((maps,), 1.0))
        self.params = [self.w, self.b]

    def made_of(self, mended=()):
        """nndl's layers that do its work."""
        return [self.core]

    def stands_behind(self, shape, mini_batch_size):
        """The shape of what it hands on; what the book's programs say twice is checked."""
        expected = (mini_batch_size, *shape)
        if tuple(self.image_shape) != expected:
            raise ValueError(f"image_shape must be {expected} for the layer before and mini-batches "
                             f"of {mini_batch_size}, not {tuple(self.image_shape)}")
        if self.filter_shape[1] != shape[0]:
            maps, _, rows, columns = self.filter_shape
            raise ValueError(f"filter_shape must be {(maps, shape[0], rows, columns)} for "
                             f"{shape[0]} maps that come in, not {tuple(self.filter_shape)}")
        return self.core.output_shape(shape)


class FullyConnectedLayer:
    """A dense layer, with dropout of its input if asked.

    n_in, n_out : how many inputs and neurons;  activation_fn : one of the four above
    p_dropout : the probability that an input is dropped
    w : (n_in, n_out), the transpose of ours;  b : (n_out,)
    """

    def __init__(self, n_in, n_out, activation_fn=sigmoid, p_dropout=0.0):
        self.n_in, self.n_out, self.p_dropout = n_in, n_out, p_dropout
        self.activation_fn = _known(activation_fn)
        self.core = core_layers.Dense(n_out, init="zeros")
        w, b = self._initial_values()
        self.w = Parameter(self.core, "w", w, turned=True)
        self.b = Parameter(self.core, "b", b)
        self.params = [self.w, self.b]

    def _initial_values(self):
        """w and b to begin with."""
        return (_normal((self.n_in, self.n_out), np.sqrt(1.0 / self.n_out)),
                _normal((self.n_out,), 1.0))

    def _activation(self):
        kind = KINDS[self.activation_fn]
        return [kind()] if kind else []

    def made_of(self, mended=()):
        """nndl's layers that do its work."""
        drop = [core_layers.Dropout(self.p_dropout, inverted=False) if "dropout" in mended else
                SameMaskDropout(self.p_dropout)] if self.p_dropout else []
        return [*drop, self.core, *self._activation()]

    def stands_behind(self, shape, mini_batch_size):
        """The shape of what it hands on; what the book's programs say twice is checked."""
        n_in = int(np.prod(shape))
        if self.n_in != n_in:
            raise ValueError(f"n_in must be {n_in}, what the layer before has, not {self.n_in}")
        return (self.n_out,)


class SoftmaxLayer(FullyConnectedLayer):
    """A dense layer with softmax, whose weights begin at 0: nothing is drawn for it."""

    def __init__(self, n_in, n_out, p_dropout=0.0):
        super().__init__(n_in, n_out, linear, p_dropout)

    def _initial_values(self):
        """All 0."""
        return np.zeros((self.n_in, self.n_out)), np.zeros(self.n_out)

    def _activation(self):
        return [core_layers.Softmax()]
