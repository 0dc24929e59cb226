"""The random numbers that the book's own programs drew, in Python 2 with NumPy's global generator.

    from nndl.book import legacy
    legacy.seed(12345678)

makes the networks of nndl.book draw their weights, and shuffle their data, exactly as the originals did
after random.seed(12345678) and np.random.seed(12345678): the book's published curves come out, its
counts exactly and its costs to the thirteenth decimal. Where rounding is magnified they part company
with ours, as with the book's own lines on another machine: where eta is very large, as with 2.5, in the
first epoch, and on 50,000 images without regularisation after a few. Without it they draw from NumPy's
global generator, as the originals did, so that np.random.seed makes a program repeatable; only the
order of the data is drawn faster than by random.shuffle.
"""

import random

import numpy as np

from ..ops.shapes import is_int


class Streams:
    """Where the book's networks draw their weights from, and the order of their data."""

    def normal(self, *shape):
        """Numbers from N(0, 1), as np.random.randn."""
        return np.random.standard_normal(shape)

    def order(self, n):
        """A random order of n things."""
        return np.random.permutation(n)


class LegacyStreams:
    """The originals', after both their generators were seeded."""

    def __init__(self, seed):
        self.numpy, self.python = np.random.RandomState(seed), random.Random(seed)

    def normal(self, *shape):
        """As np.random.randn."""
        return self.numpy.randn(*shape)

    def order(self, n):
        """Python 2's random.shuffle of n things: from the last down, each changes places with one
        before it or itself.  (Python 3's shuffle draws its numbers in another way.)"""
        order, draw = list(range(n)), self.python.random
        for i in range(n - 1, 0, -1):
            j = int(draw() * (i + 1))
            order[i], order[j] = order[j], order[i]
        return np.array(order)


_seeded = None


def streams():
    """Where to draw from now: the originals' streams after seed, otherwise NumPy's global generator."""
    return _seeded or Streams()


def seed(number):
    """From now on draw as the originals did after seeding both generators with this number.

    number : a whole number;  None: as without legacy
    """
    global _seeded
    if number is not None and not is_int(number):
        raise TypeError(f"number must be a whole number, or None, not {number!r}")
    _seeded = None if number is None else LegacyStreams(number)
