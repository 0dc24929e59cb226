"""Softmax and the log-likelihood cost in Numba: one row at a time.

Ten numbers a row are too few to share out: these loops run on the calling thread.
"""

import math

import numpy as np

from .jit import kernel
from .memory import buffer, remembered
from .shapes import check_rows


def softmax_forward(z, work=None):
    """As softmax_numpy.softmax_forward."""
    z, a = remembered(work, _prepare_forward, (z,))
    softmax(z, a)
    return a


def _prepare_forward(work, z):
    check_rows(z=z)
    return np.ascontiguousarray(z), buffer(work, "a", z.shape, z.dtype)


def softmax_backward(da, a, work=None):
    """As softmax_numpy.softmax_backward."""
    check_rows(da=da, a=a)
    dz = buffer(work, "dz", a.shape, a.dtype)
    _backward(np.ascontiguousarray(da), np.ascontiguousarray(a), dz)
    return dz


def log_likelihood_forward(a, y, work=None):
    """As softmax_numpy.log_likelihood_forward."""
    check_rows(a=a, y=y)
    cost = buffer(work, "cost", a.shape[:1], a.dtype)
    least = np.finfo(a.dtype).tiny
    _log_likelihood(np.ascontiguousarray(a), np.ascontiguousarray(y), least, cost)
    return cost


def log_likelihood_backward(a, y, work=None):
    """As softmax_numpy.log_likelihood_backward."""
    a, y, delta = remembered(work, _prepare_delta, (a, y))
    _difference(a, y, delta)
    return delta


def _prepare_delta(work, a, y):
    check_rows(a=a, y=y)
    return (np.ascontiguousarray(a), np.ascontiguousarray(y),
            buffer(work, "delta", a.shape, a.dtype))


@kernel
def softmax(z, a):
    """Row by row; a may be z."""
    for i in range(z.shape[0]):
        largest = z[i, 0]
        for j in range(z.shape[1]):
            largest = z[i, j] if z[i, j] > largest or z[i, j] != z[i, j] else largest
        total = z.dtype.type(0)
        for j in range(z.shape[1]):
            a[i, j] = math.exp(z[i, j] - largest)
            total += a[i, j]
        for j in range(z.shape[1]):
            a[i, j] /= total


@kernel
def _backward(da, a, dz):
    for i in range(a.shape[0]):
        total = a.dtype.type(0)
        for j in range(a.shape[1]):
            total += da[i, j] * a[i, j]
        for j in range(a.shape[1]):
            dz[i, j] = a[i, j] * (da[i, j] - total)


@kernel
def _difference(a, y, delta):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            delta[i, j] = a[i, j] - y[i, j]


@kernel
def _log_likelihood(a, y, least, cost):
    for i in range(a.shape[0]):
        cost[i] = 0
        for j in range(a.shape[1]):
            if y[i, j] != 0 or a[i, j] != a[i, j]:  # NaN is handed on
                cost[i] -= y[i, j] * math.log(least if a[i, j] < least else a[i, j])
