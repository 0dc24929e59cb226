"""The fully connected layer in Numba: each block takes a share of the neurons."""

import numpy as np
from numba import prange

from .jit import BLOCKS, buffer, first, parallel_kernel
from .shapes import check_dense

# From this many examples on, a block of dense_backward takes whole examples for da.
MANY_EXAMPLES = 64


def dense_forward(a, w, b, work=None):
    """As dense_numpy.dense_forward."""
    check_dense(a, w, b)
    a, w = np.ascontiguousarray(a), np.ascontiguousarray(w)
    m, n_out = len(a), len(w)
    z = buffer(work, "z", (m, n_out), a.dtype)
    by_neuron = buffer(work, "by_neuron", (n_out, m), a.dtype)
    _forward(a, w, b, by_neuron, z)
    return z


def dense_backward(delta, a, w, need_da=True, work=None):
    """As dense_numpy.dense_backward.

    da sums over neurons.  With few examples each block adds up its own neurons' share, reading its
    rows of w once, and the shares are added in order; with many, each block takes some examples.
    """
    check_dense(a, w, delta=delta)
    delta, a, w = np.ascontiguousarray(delta), np.ascontiguousarray(a), np.ascontiguousarray(w)
    (m, n_in), n_out = a.shape, len(w)
    nabla_w = buffer(work, "nabla_w", w.shape, w.dtype)
    nabla_b = buffer(work, "nabla_b", (n_out,), w.dtype)
    by_neuron = buffer(work, "delta_by_neuron", (n_out, m), a.dtype)
    many = m >= MANY_EXAMPLES
    share = buffer(work, "share", (1 if many or not need_da else BLOCKS, m, n_in), a.dtype)
    _backward(delta, a, w, by_neuron, nabla_w, nabla_b, share, need_da, many)
    if not need_da:
        return None, nabla_w, nabla_b
    if many:
        return share[0], nabla_w, nabla_b
    da = np.add.reduce(share, axis=0, out=buffer(work, "da", (m, n_in), a.dtype))
    return da, nabla_w, nabla_b


@parallel_kernel
def _forward(a, w, b, by_neuron, z):
    for block in prange(BLOCKS):
        start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])
        if start < stop:
            np.dot(w[start:stop], a.T, by_neuron[start:stop])
            for i in range(a.shape[0]):
                for j in range(start, stop):
                    z[i, j] = by_neuron[j, i] + b[j]


@parallel_kernel
def _backward(delta, a, w, by_neuron, nabla_w, nabla_b, share, need_da, many):
    for block in prange(BLOCKS):
        m, n_out = delta.shape
        start, stop = first(block, n_out), first(block + 1, n_out)
        for j in range(start, stop):  # BP3, and delta's columns as rows
            total = delta.dtype.type(0)
            for i in range(m):
                by_neuron[j, i] = delta[i, j]
                total += delta[i, j]
            nabla_b[j] = total
        if start < stop:
            np.dot(by_neuron[start:stop], a, nabla_w[start:stop])  # BP4
        if need_da and many:
            one, end = first(block, m), first(block + 1, m)
            np.dot(delta[one:end], w, share[0, one:end])
        elif need_da and start < stop:
            np.dot(by_neuron[start:stop].T, w[start:stop], share[block])
        elif need_da:
            share[block] = 0
