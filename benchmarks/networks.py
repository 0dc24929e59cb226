"""The networks of the benchmarks' tables, and how many multiplications one example costs each."""

import math

from nndl import GELU, Conv, ConvPool, Dense, Dropout, Network, ReLU, Sigmoid, Softmax, Tanh

from .timing import ETA, LMBDA, unseen


def two_convolutions(kernel_size=5, activation="relu", neuron=ReLU, init="he", **unit):
    """Net A's layers: the book's two convolutions with pooling, then 100 neurons.  Book ch. 6."""
    return [ConvPool(20, kernel_size, activation, init=init, **unit),
            ConvPool(40, kernel_size, activation, init=init, **unit),
            Dense(100, init=init), neuron(), Dense(10, init=init), Softmax()]


def with_dropout():
    """Net B's layers: the same convolutions, then 2 x 1,000 neurons, half of them dropped."""
    dense = [layer for _ in range(2)
             for layer in (Dropout(0.5), Dense(1000, init="he"), ReLU())]
    return [ConvPool(20, 5, init="he"), ConvPool(40, 5, init="he"), *dense,
            Dropout(0.5), Dense(10, init="he"), Softmax()]


# Name in the tables -> the layers, made anew at each call: a layer stands in one network only.
NETWORKS = {
    "A": two_convolutions,
    "B": with_dropout,
    "C": lambda: [Dense(30), Sigmoid(), Dense(10), Sigmoid()],
    "one convolution, sigmoid": lambda: [
        ConvPool(20, 5, "sigmoid"), Dense(100), Sigmoid(), Dense(10), Softmax()],
    "A with tanh": lambda: two_convolutions(activation="tanh", neuron=Tanh, init="glorot"),
    "A with L2 pooling": lambda: two_convolutions(pool="l2"),
    "A with padding 2": lambda: two_convolutions(padding=2),
    "A with stride 2, no pooling": lambda: [
        Conv(20, 5, stride=2, init="he"), ReLU(), Conv(40, 5, stride=2, init="he"), ReLU(),
        Dense(100, init="he"), ReLU(), Dense(10, init="he"), Softmax()],
    "A with 3 x 3 kernels": lambda: two_convolutions(3),
    "A with 7 x 7 kernels": lambda: two_convolutions(7),
    "three convolutions 3 x 3": lambda: [
        *(ConvPool(maps, 3, padding=1, init="he") for maps in (32, 64, 64)),
        Dense(100, init="he"), ReLU(), Dense(10, init="he"), Softmax()],
    "784-500-500-10, ReLU": lambda: [
        Dense(500, init="he"), ReLU(), Dense(500, init="he"), ReLU(),
        Dense(10, init="he"), Softmax()],
    "A with GELU": lambda: two_convolutions(activation="gelu", neuron=GELU),
}
WHAT = {
    "A": "20 and 40 maps of 5 x 5, each with ReLU and 2 x 2 max-pooling, then 100 ReLU neurons and "
         "softmax",
    "B": "the same convolutions, then twice 1,000 ReLU neurons with dropout 0.5, and softmax",
    "C": "784-30-10 sigmoid neurons with the cross-entropy cost",
}


def network(name, backend="numba"):
    """The network of that name, seed 0."""
    return Network(NETWORKS[name](), backend=backend)


def trainer(net, data, mini_batch_size):
    """A function that trains net for one epoch on a slice of data, as a user does, bar and all."""
    def train(part):
        with unseen():
            net.SGD(data[part], 1, mini_batch_size, ETA, LMBDA)
    return train


def multiply_adds(net, training=True):
    """How many multiplications, each with its addition, one example costs: convolutions and dense.

    Each weight is used once at every place that its layer looks at: going forward, and when training
    twice more, for nabla_w and for dC/da, which nobody asks the first layer for.  All products count,
    those with a 0 too: a backend that skips them can seem faster than the machine.
    """
    return sum(products(layer) * (1 + training * (1 + layer.needs_da)) for layer in net.layers)


def products(layer):
    """The multiply-adds of one example going forward through a layer; 0 where it has no weights."""
    if "w" not in layer.parameters:
        return 0
    places = 1
    if isinstance(layer, Conv):  # of a ConvPool, too, those before pooling
        places = math.prod(Conv.output_shape(layer, layer.input_shape)[1:])
    return layer.w.size * places
