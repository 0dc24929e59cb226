"""The networks that the tests of memory and of equal bits train, and data for them."""

import numpy as np

from nndl import (
    LSTM,
    ConvPool,
    Dense,
    Dropout,
    Last,
    Network,
    Recurrent,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)

LAYERS = {
    # The book's convolutional network with rectified linear units.
    "A": lambda: [ConvPool(20, 5), ConvPool(40, 5), Dense(100), ReLU(), Dense(10), Softmax()],
    # Its largest, with dropout.
    "B": lambda: [ConvPool(20, 5), ConvPool(40, 5), Dropout(0.5), Dense(1000), ReLU(), Dropout(0.5),
                  Dense(1000), ReLU(), Dropout(0.5), Dense(10), Softmax()],
    # Its first, 784-30-10.
    "C": lambda: [Dense(30), Sigmoid(), Dense(10), Sigmoid()],
    # One that reads an image row by row, with both recurrent layers.
    "R": lambda: [Recurrent(40), Dropout(0.2), Dense(30), Tanh(), LSTM(24), Last(), Dense(10),
                  Softmax()],
}
INPUT_SHAPES = {"R": (28, 28)}


def network(name, more=(), **options):
    """A fresh network of this name, with `more` layers in front."""
    options = {"input_shape": INPUT_SHAPES[name]} | options if name in INPUT_SHAPES else options
    return Network([*more, *LAYERS[name]()], backend="numba", **options)


def digits(n):
    """n images that look as little like digits as random bytes do, half of them black; labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 28, 28), np.uint8)
    images[rng.random(images.shape) < 0.5] = 0
    return images, rng.integers(0, 10, n)
