"""Dropout, the reference.  Book ch. 3 and 6.

What is random comes in as a key, which the layer draws: the operations themselves are functions.
"""

import math

import numpy as np

from .memory import in_logical_order, memory_shape
from .shapes import check_float, check_output


def dropout_mask(shape, key, p_dropout, work=None):
    """Which units are kept: uint8 of this shape, 1 = kept, each dropped with probability p_dropout.

    key : a random int from 0 to 2^64 - 1; the same one gives the same mask

    Unit i, counted in memory order, takes the i-th number of `squares`.
    """
    check_p_dropout(p_dropout)
    counter = np.arange(math.prod(shape), dtype=np.uint64)
    kept = squares(counter, np.uint64(key)) >= least_kept(p_dropout)
    return in_logical_order(kept.astype(np.uint8).reshape(memory_shape(shape)))


def dropout_draw(a, key, p_dropout, inverted=True, work=None):
    """A fresh mask, and what it leaves of a: (dropout_forward(a, mask, p_dropout), mask)."""
    mask = dropout_mask(a.shape, key, p_dropout)
    return dropout_forward(a, mask, p_dropout, inverted), mask


def squares(counter, key):
    """Random numbers of 32 bits, one for each of the counters, an array of uint64.

    There is no state that one number hands to the next: any thread may draw any of them.  It is the
    generator "squares" of Widynski (2020): the counter times the key is squared four times, and
    the halves change places in between.
    """
    half = np.uint64(32)
    with np.errstate(over="ignore"):  # the numbers are meant to overflow
        y = counter * key
        x, z = y, y + key
        for added in y, z, y:
            x = x * x + added
            x = x >> half | x << half
        return (x * x + z) >> half


def least_kept(p_dropout):
    """The least number of 32 bits that keeps its unit."""
    return np.uint64(p_dropout * 2**32)


def dropout_forward(a, mask, p_dropout, inverted=True, work=None):
    """Silence the units whose mask is 0, scale those kept by 1/(1 - p_dropout).

    a : any shape;  mask : uint8 of that shape, 1 = kept
    p_dropout : the probability with which a unit is dropped, 0 <= p_dropout < 1
    inverted : with this scale the expected activation is a, and nothing is left to do when testing;
               False leaves those kept as they are, as in the book, which halves the weights then
    Returns an array like a.
    """
    check_float(a=a)
    check_output("mask", mask, a.shape)
    check_p_dropout(p_dropout)
    return np.where(mask, a * a.dtype.type(scale(p_dropout, inverted)), a.dtype.type(0))


def dropout_backward(d_dropped, mask, p_dropout, inverted=True, work=None):
    """Undo dropout_forward: the same mask and scale, for the gradient.  Returns da."""
    return dropout_forward(d_dropped, mask, p_dropout, inverted, work)


def scale(p_dropout, inverted):
    """What the units kept are multiplied by."""
    return 1 / (1 - p_dropout) if inverted else 1.0


def check_p_dropout(p_dropout):
    """p_dropout, if it is the probability of being dropped and leaves something."""
    if not isinstance(p_dropout, (int, float, np.number)):
        raise TypeError(f"p_dropout must be a number, not {p_dropout!r}")
    if not 0 <= p_dropout < 1:
        raise ValueError(f"p_dropout must be at least 0 and below 1, not {p_dropout!r}; it is the "
                         "probability that a unit is dropped, say 0.5")
    return p_dropout
