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
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from .. import layers as core_layers
from ..data import load_mnist
from ..data.expand import expand
from ..network import Network as CoreNetwork
from ..ops.shapes import is_int
from . import legacy
from .layers import SameMaskDropout
from .mnist_loader import read_pickle
from .network import real, sigmoid, whole
from .shared import Parameter, Shared

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


# --- data -----------------------------------------------------------------------------------------

def load_data_shared(filename="../data/mnist.pkl.gz"):
    """(training_data, validation_data, test_data), each a Pair of Shared: images and labels.

    filename : an old file of the book's is read if it is there.  If not, what the book calls
               mnist.pkl.gz comes with nndl, and for mnist_expanded.pkl.gz the 250,000 shifted images
               are made in memory
    """
    if not isinstance(filename, (str, Path)):
        raise TypeError(f"filename must be the name of a file, not {filename!r}")
    path = Path(filename)
    if path.exists():
        return [Pair((Shared(x), Shared(y))) for x, y in read_pickle(path)]
    if path.name not in ("mnist.pkl.gz", "mnist_expanded.pkl.gz"):
        raise FileNotFoundError(f"there is no file {filename}; the data that come with nndl are called "
                                "mnist.pkl.gz and mnist_expanded.pkl.gz")
    training, validation, test = load_mnist()
    if path.name == "mnist_expanded.pkl.gz":
        training = expand(training)
    return [Pair(map(Shared, part)) for part in (training, validation, test)]


class Pair(tuple):
    """Images and labels.  A slice takes examples: training_data[:1000] are the first 1,000."""

    def __getitem__(self, key):
        if isinstance(key, slice):
            return Pair(Shared(part.array[key]) for part in self)
        return super().__getitem__(key)


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

class Engine(CoreNetwork):
    """nndl's network, which speaks of the book's layers, each a list of its own."""

    def __init__(self, parts, **more):
        self.names = [f"layers[{number}]" for number, part in enumerate(parts) for _ in part]
        super().__init__(list(chain(*parts)), **more)

    def _what_went_wrong(self, x):
        text = super()._what_went_wrong(x)
        for number, (name, layer) in enumerate(zip(self.names, self.layers)):
            text = text.replace(f"layers[{number}], {layer!r} ", f"{name} ")
        return text


class Network:
    """Layers in a row, trained by stochastic gradient descent.

    layers : ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer, the last one a SoftmaxLayer
    mini_batch_size : examples in a mini-batch, in training and when measuring
    mended : which of the original's flaws it shall not have, names of MENDED; see errata.py
    """

    def __init__(self, layers, mini_batch_size, mended=()):
        if not isinstance(layers, (list, tuple)):
            raise TypeError(f"layers must be a list of layers, not {layers!r}")
        whole("mini_batch_size", mini_batch_size, 1)
        if isinstance(mended, str):
            raise TypeError(f'mended must be a tuple of names, ("{mended}",), not {mended!r} alone')
        self.layers, self.mini_batch_size, self.mended = layers, mini_batch_size, set(mended)
        if unknown := self.mended - set(MENDED):
            raise ValueError(f"mended must be some of {', '.join(MENDED)}, not {unknown.pop()!r}")
        if not layers or not isinstance(layers[-1], SoftmaxLayer):
            last = f"a {type(layers[-1]).__name__}" if layers else "nothing: layers is empty"
            raise ValueError("the last layer must be a SoftmaxLayer, which the log-likelihood cost "
                             f"belongs to, not {last}")
        for layer in layers:
            layer.check()
        # The original draws nothing here: masks come from one seed, 0, whatever the network.
        seed = int(2**52 * abs(legacy.streams().normal(1)[0])) if "dropout" in self.mended else 0
        self._build(seed)
        if "initialisation" in self.mended:
            for layer in layers:
                if isinstance(layer, FullyConnectedLayer):
                    layer.w *= np.sqrt(layer.n_out / layer.n_in)

    def _build(self, seed):
        """Make nndl's network of what its layers are made of, with the parameters that they have."""
        first = self.layers[0]
        images = isinstance(first, ConvPoolLayer)
        shape = input_shape = tuple(first.image_shape[1:]) if images else (first.n_in,)
        for layer in self.layers:
            shape = layer.stands_behind(shape, self.mini_batch_size)
        self.params = [param for layer in self.layers for param in layer.params]
        self.engine = Engine([layer.made_of(self.mended) for layer in self.layers],
                             input_shape=input_shape, seed=seed)
        for param in self.params:
            param.set_value(param.value)

    def __str__(self):
        return str(self.engine)

    # The engine has threads and compiled functions, which copy and pickle cannot take along: it is made
    # anew, with the same parameters and random numbers.

    def __getstate__(self):
        left_out = "engine", "params", "_test_images"
        return ({name: value for name, value in vars(self).items() if name not in left_out}
                | {"random_state": self.engine.random_state})

    def __setstate__(self, state):
        random_state = state.pop("random_state")
        vars(self).update(state)
        self._build(seed=0)
        self.engine.random_state = random_state

    # --- as in the book -------------------------------------------------------------------------

    def SGD(self, training_data, epochs, mini_batch_size, eta, validation_data, test_data, lmbda=0.0):
        """Train by mini-batch stochastic gradient descent, always in the same order.

        training_data, validation_data, test_data : of load_data_shared
        lmbda : λ of C0 + λ/2 Σ w² / (number of mini-batches), which is m times as much as in network2
        """
        m = mini_batch_size
        if m != self.mini_batch_size:
            raise ValueError(f"mini_batch_size must be the network's, {self.mini_batch_size}, not {m}")
        # Whatever there is to say against what comes in is said before anything is printed.
        x, y = self._checked("training_data", training_data)
        self._checked("validation_data", validation_data)
        if test_data:
            self._test_images = self._checked("test_data", test_data)[0]
        whole("epochs", epochs, 0)
        if real("eta", eta) < 0:
            raise ValueError(f"eta must be at least 0, not {eta}")
        self.engine.SGD((x[:m], y[:m]), 0, m, eta, real("lmbda", lmbda), progress=False)
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
        self._check_images("data", x)
        n = len(x) // self.mini_batch_size * self.mini_batch_size
        return self.engine.accuracy((x[:n], y[:n]))

    def predict(self, data):
        """The digit that the network sees in each image of data, (n,).

        data : a pair of images and labels, or images alone, (n, 784), (n, 28, 28) or one of them
        """
        images = data[0] if isinstance(data, (tuple, list)) else data
        images = images.array if isinstance(images, Shared) else np.asarray(images)
        if images.ndim < 3 and images.size == math.prod(self.engine.input_shape):
            images = images.reshape(1, -1)
        self._check_images("data", images)
        return self.engine.predict(images)

    def test_mb_predictions(self, i):
        """What it says of mini-batch i of the test data that it was trained with, as in conv.py."""
        some = slice(i * self.mini_batch_size, (i + 1) * self.mini_batch_size)
        if not hasattr(self, "_test_images"):
            raise ValueError("SGD has had no test_data yet: say net.predict(test_data)")
        return self.engine.predict(self._test_images[some])

    def _checked(self, name, data):
        """(images, labels) of data, checked."""
        x, y = _pair(data, name, self.mini_batch_size)
        self._check_images(name, x)
        return self.engine._data(name, (x, y))

    def _check_images(self, name, x):
        """They must be as large as the first layer has it."""
        first, n_in, there = self.layers[0], math.prod(self.engine.input_shape), math.prod(x.shape[1:])
        if x.ndim > 1 and there == n_in:
            return
        wrong = f"{name}: the images must be rows of {n_in} numbers for the first layer, (n, {n_in}), "
        if x.ndim < 2:
            raise ValueError(f"{wrong}not {x.shape}")
        if isinstance(first, FullyConnectedLayer):
            mend = f"n_in is {there}"
        else:
            m, maps, *_ = first.image_shape
            side = math.isqrt(there // maps)
            mend = f"image_shape is {(m, maps, side, there // maps // side)}"
        raise ValueError(f"{wrong}not ({len(x)}, {there}); for such images its {mend}")


# --- layers ---------------------------------------------------------------------------------------

def _shape(name, value, example):
    """value, if it is as many whole numbers above 0 as the example."""
    if (not isinstance(value, (tuple, list)) or len(value) != len(example)
            or not all(is_int(n) and n > 0 for n in value)):
        raise ValueError(f"{name} must be {len(example)} whole numbers, such as {example}, "
                         f"not {value!r}")
    return value


def _normal(shape, deviation):
    return legacy.streams().normal(*shape) * deviation


class _Layer:
    """What the layers share: w and b, and how they are copied.

    A layer keeps the book's attributes; `core` is the layer of nndl that computes.
    """

    def _begin(self, core, w, b, turned):
        """Take over parameters; core has none yet, it gets them in a network."""
        self.core = core
        self.w, self.b = Parameter(core, "w", w, turned), Parameter(core, "b", b)
        self.params = [self.w, self.b]

    def __setattr__(self, name, value):
        # layer.w = array changes the numbers that the network has, and not what w is.
        if name in ("w", "b") and isinstance(vars(self).get(name), Parameter):
            if value is not vars(self)[name]:
                vars(self)[name].set_value(value)
        else:
            super().__setattr__(name, value)

    def __getstate__(self):
        return ({name: value for name, value in vars(self).items() if name not in ("core", "params")}
                | {"w": self.w.get_value(), "b": self.b.get_value()})

    def __setstate__(self, state):
        w, b = state.pop("w"), state.pop("b")
        vars(self).update(state)
        self._begin(self._core(), w, b, self.turned)

    def check(self):
        """Raise TypeError for a subclass that would compute something else: nobody would ask it."""
        for name in ("set_inpt", "cost", "accuracy"):
            if hasattr(self, name):
                raise TypeError(f"{type(self).__name__} has a {name} of its own, which is not asked "
                                "here: network3 computes with nndl's layers.  A layer of your own "
                                "inherits nndl.Layer, and stands in an nndl.Network")


class ConvPoolLayer(_Layer):
    """A convolution, max-pooling and an activation function.

    filter_shape : (how many maps, how many come in, rows, columns of a filter)
    image_shape : (mini-batch size, how many maps come in, rows, columns of each)
    poolsize : rows and columns of a pooling window;  activation_fn : one of the four above
    w : (maps, maps in, rows, columns);  b : (maps,)
    """

    def __init__(self, filter_shape, image_shape, poolsize=(2, 2), activation_fn=sigmoid):
        self.filter_shape = _shape("filter_shape", filter_shape, (20, 1, 5, 5))
        self.image_shape = _shape("image_shape", image_shape, (10, 1, 28, 28))
        self.poolsize = _shape("poolsize", poolsize, (2, 2))
        self.activation_fn = _known(activation_fn)
        maps, _, rows, columns = filter_shape
        if rows > image_shape[2] or columns > image_shape[3]:
            raise ValueError(f"filter_shape {tuple(filter_shape)} has larger filters than image_shape "
                             f"{tuple(image_shape)} has images; filter_shape comes first, then "
                             "image_shape")
        n_out = max(1, maps * rows * columns // math.prod(poolsize))
        w = _normal(filter_shape, np.sqrt(1.0 / n_out))
        self._begin(self._core(), w, _normal((maps,), 1.0), self.turned)

    turned = False  # w is as ours

    def _core(self):
        maps, _, rows, columns = self.filter_shape
        return core_layers.ConvPool(maps, (rows, columns), ACTIVATIONS[self.activation_fn],
                                    tuple(self.poolsize), init="zeros")

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


class FullyConnectedLayer(_Layer):
    """A dense layer, with dropout of its input if asked.

    n_in, n_out : how many inputs and neurons;  activation_fn : one of the four above
    p_dropout : the probability that an input is dropped
    w : (n_in, n_out), the transpose of ours;  b : (n_out,)
    """

    def __init__(self, n_in, n_out, activation_fn=sigmoid, p_dropout=0.0):
        self.n_in, self.n_out = whole("n_in", n_in, 1), whole("n_out", n_out, 1)
        if not 0 <= real("p_dropout", p_dropout) < 1:
            raise ValueError(f"p_dropout must be a probability from 0 to below 1, not {p_dropout!r}")
        self.p_dropout, self.activation_fn = p_dropout, _known(activation_fn)
        self._begin(self._core(), *self._initial_values(), self.turned)

    turned = True  # w is the transpose of ours

    def _core(self):
        return core_layers.Dense(self.n_out, init="zeros")

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
