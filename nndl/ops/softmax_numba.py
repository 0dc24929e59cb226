"""Softmax and the log-likelihood cost in Numba: one row at a time.

Ten numbers a row are too few to share out: these loops run on the calling thread.
"""

import math

import numpy as np

from .jit import kernel
from .memory import buffer, in_logical_order, in_memory_order, memory_shape, remembered
from .shapes import check_rows


def softmax_forward(z, work=None):
    """As softmax_numpy.softmax_forward."""
    z, rows, a = remembered(work, _prepare_forward, (z,))
    softmax(z, rows)
    return a


def _prepare_forward(work, z):
    check_rows(z=z)
    return _in_rows(work, "a", z)


def softmax_backward(da, a, work=None):
    """As softmax_numpy.softmax_backward."""
    check_rows(da=da, a=a)
    da, rows, dz = _in_rows(work, "dz", da)
    _backward(da, rows_of(a), rows)
    return dz


def log_likelihood_forward(a, y, work=None):
    """As softmax_numpy.log_likelihood_forward."""
    check_rows(a=a, y=y)
    by_step = a.shape[-2::-1]  # (m,), or (t, m)
    cost = buffer(work, "cost", by_step, a.dtype)
    least = np.finfo(a.dtype).tiny
    _log_likelihood(rows_of(a), rows_of(y), least, cost.reshape(-1))
    return cost.T


def log_likelihood_backward(a, y, work=None):
    """As softmax_numpy.log_likelihood_backward."""
    a, y, rows, delta = remembered(work, _prepare_delta, (a, y))
    _difference(a, y, rows)
    return delta


def _prepare_delta(work, a, y):
    check_rows(a=a, y=y)
    a, rows, delta = _in_rows(work, "delta", a)
    return a, rows_of(y), rows, delta


def rows_of(x):
    """x (m, n) or (m, t, n) as rows, in the order of memory."""
    return in_memory_order(x).reshape(-1, x.shape[-1])


def _in_rows(work, name, x):
    """x as rows; memory for as many; and that memory seen in x's shape."""
    memory = buffer(work, name, memory_shape(x.shape), x.dtype)
    return rows_of(x), memory.reshape(-1, x.shape[-1]), in_logical_order(memory)


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
