"""Dropout, the reference.  Book ch. 3 and 6; the mask is data, drawn by the layer."""

import numpy as np

from .shapes import check_float, check_output


def dropout_forward(a, mask, p_dropout, work=None):
    """Silence the units whose mask is 0, scale those kept by 1/(1 - p_dropout).

    a : any shape;  mask : uint8 of that shape, 1 = kept
    p_dropout : the probability with which a unit is dropped, 0 <= p_dropout < 1
    Returns an array like a.  With this scale the expected activation is a, and nothing is left to
    do when testing ("inverted" dropout).
    """
    check_float(a=a)
    check_output("mask", mask, a.shape)
    check_p_dropout(p_dropout)
    return np.where(mask, a * a.dtype.type(1 / (1 - p_dropout)), a.dtype.type(0))


def dropout_backward(d_dropped, mask, p_dropout, work=None):
    """Undo dropout_forward: the same mask and scale, for the gradient.  Returns da."""
    return dropout_forward(d_dropped, mask, p_dropout, work)


def check_p_dropout(p_dropout):
    """p_dropout, if it is the probability of being dropped and leaves something."""
    if not isinstance(p_dropout, (int, float, np.number)):
        raise TypeError(f"p_dropout must be a number, not {p_dropout!r}")
    if not 0 <= p_dropout < 1:
        raise ValueError(f"p_dropout must be at least 0 and below 1, not {p_dropout!r}; it is the "
                         "probability that a unit is dropped, say 0.5")
    return p_dropout
