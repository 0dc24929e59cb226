"""Softmax and the log-likelihood cost, the reference.  Book (78) to (84).

A row is an example (m, n), or a step of a sequence (m, t, n): each for itself.
"""

import numpy as np

from .shapes import check_rows


def softmax_forward(z, work=None):
    """a_j = e^z_j / sum_k e^z_k, book (78), each row shifted by its largest so that none overflows.

    z : (m, n) or (m, t, n).  Returns a like it; each row sums to 1, book (79).
    """
    check_rows(z=z)
    with np.errstate(over="ignore", invalid="ignore"):  # infinity less infinity is NaN, as it should
        e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(da, a, work=None):
    """dz_j = a_j (da_j - sum_k da_k a_k): raising one output lowers all others."""
    check_rows(da=da, a=a)
    return a * (da - (da * a).sum(axis=-1, keepdims=True))


def log_likelihood_forward(a, y, work=None):
    """C = -ln a_y for each row, book (80), in nats.

    a : (m, n) or (m, t, n)  outputs of a softmax
    y : like a  desired outputs, a 1 at the right class
    Returns C : (m,) or (m, t).  An a that underflowed counts as the smallest normal float.
    """
    check_rows(a=a, y=y)
    return -(y * np.log(np.maximum(a, np.finfo(a.dtype).tiny))).sum(axis=-1)


def log_likelihood_backward(a, y, work=None):
    """delta = dC/dz = a - y, book (84): softmax's and the logarithm's derivatives in one."""
    check_rows(a=a, y=y)
    return a - y
