"""The fully connected layer in Numba: each block takes a share of the neurons, or of the examples."""

import numpy as np
from numba import get_thread_id, prange

from .jit import (
    BLOCKS,
    THREADS,
    TOO_FEW_TO_SHARE,
    add_to,
    clear,
    first,
    kernel,
    parallel_kernel,
    rows_at_once,
    sum_shares,
)
from .memory import buffer, remembered
from .shapes import check_dense

MANY_EXAMPLES = 64  # that a block takes, where it takes examples: less makes slow matrix products


def dense_forward(a, w, b, work=None):
    """As dense_numpy.dense_forward.

    With more examples than neurons each block takes some examples, else some neurons; a small layer
    is left to the calling thread.
    """
    forward, arguments, z = remembered(work, _prepare_forward, (a, w, b))
    forward(*arguments)
    return z


def _prepare_forward(work, a, w, b):
    check_dense(a, w, b)
    (m, n_in), n_out = a.shape, len(w)
    z = buffer(work, "z", (m, n_out), a.dtype)
    given = np.ascontiguousarray(a), np.ascontiguousarray(w), np.ascontiguousarray(b)
    if w.size * m <= TOO_FEW_TO_SHARE:
        return _forward_at_once, (*given, z), z
    if blocks := blocks_of_examples(m, n_out):
        return _forward_by_examples, (*given, blocks, z), z
    rows = rows_at_once(-(-n_out // BLOCKS), m * n_in)
    some = buffer(work, "some", (THREADS, m * rows), a.dtype)
    return _forward_by_neurons, (*given, rows, some, z), z


def dense_backward(delta, a, w, need_da=True, work=None):
    """As dense_numpy.dense_backward.

    da sums over neurons: each block adds up its own neurons' share, reading its rows of w once, and
    the shares are added in order.  With more examples than neurons each block takes some examples.
    """
    check_dense(a, w, delta=delta)
    delta, a, w = np.ascontiguousarray(delta), np.ascontiguousarray(a), np.ascontiguousarray(w)
    (m, n_in), n_out = a.shape, len(w)
    nabla_w = buffer(work, "nabla_w", w.shape, w.dtype)
    nabla_b = buffer(work, "nabla_b", (n_out,), w.dtype)
    by_neuron = buffer(work, "delta_by_neuron", (n_out, m), a.dtype)
    rows = rows_at_once(-(-n_out // BLOCKS), m * n_in)
    blocks = blocks_of_examples(m, n_out)
    shares, pieces = BLOCKS * (need_da and not blocks), THREADS * (need_da and not blocks)
    da_share = buffer(work, "da_share", (shares, m, n_in), a.dtype)
    one_share = buffer(work, "one_share", (pieces * (rows * BLOCKS < n_out), m, n_in), a.dtype)
    _backward(delta, a, w, rows, by_neuron, nabla_w, nabla_b, one_share, da_share)
    if not need_da:
        return None, nabla_w, nabla_b
    da = buffer(work, "da", (m, n_in), a.dtype)
    if blocks:
        _by_examples(delta, w, blocks, rows_at_once(-(-m // blocks), n_out * n_in), da)
    else:
        sum_shares(da_share.reshape(BLOCKS, da.size), da.reshape(da.size))
    return da, nabla_w, nabla_b


def blocks_of_examples(m, n_out):
    """How many blocks of examples, where there are more of them than neurons; 0: blocks of neurons."""
    return min(BLOCKS, -(-m // MANY_EXAMPLES)) if m >= MANY_EXAMPLES and m > n_out else 0


@kernel
def _forward_at_once(a, w, b, z):
    np.dot(a, w.T, z)
    for i in range(z.shape[0]):
        add_to(z[i], b)


@parallel_kernel
def _forward_by_neurons(a, w, b, rows, some, z):
    for block in prange(BLOCKS):
        m, stop = a.shape[0], first(block + 1, w.shape[0])
        for j in range(first(block, w.shape[0]), stop, rows):
            end = min(j + rows, stop)
            product = some[get_thread_id(), :m * (end - j)].reshape(m, end - j)
            np.dot(a, w[j:end].T, product)
            for i in range(m):
                for k in range(end - j):
                    z[i, j + k] = product[i, k] + b[j + k]


@parallel_kernel
def _forward_by_examples(a, w, b, blocks, z):
    for block in prange(blocks):
        start, stop = block * a.shape[0] // blocks, (block + 1) * a.shape[0] // blocks
        np.dot(a[start:stop], w.T, z[start:stop])
        for i in range(start, stop):
            add_to(z[i], b)


@parallel_kernel
def _by_examples(delta, w, blocks, rows, da):
    """BP2: da = delta w."""
    for block in prange(blocks):
        start, stop = block * delta.shape[0] // blocks, (block + 1) * delta.shape[0] // blocks
        for i in range(start, stop, rows):
            end = min(i + rows, stop)
            np.dot(delta[i:end], w, da[i:end])


@parallel_kernel
def _backward(delta, a, w, rows, by_neuron, nabla_w, nabla_b, one_share, da_share):
    for block in prange(BLOCKS):
        start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])
        bias_gradient(delta, start, stop, by_neuron, nabla_b)          # BP3
        if da_share.size:
            clear(da_share[block])
        for j in range(start, stop, rows):
            end = min(j + rows, stop)
            np.dot(by_neuron[j:end], a, nabla_w[j:end])                # BP4
            if one_share.size:
                add_product(by_neuron[j:end], w[j:end], one_share[get_thread_id()], da_share[block])
            elif da_share.size:
                np.dot(by_neuron[j:end].T, w[j:end], da_share[block])  # BP2, all its neurons at once


@kernel
def bias_gradient(delta, start, stop, by_neuron, nabla_b):
    """BP3 for the neurons from start to stop; and their columns of delta as rows."""
    for j in range(start, stop):
        total = delta.dtype.type(0)
        for i in range(delta.shape[0]):
            by_neuron[j, i] = delta[i, j]
            total += delta[i, j]
        nabla_b[j] = total


@kernel
def add_product(by_neuron, w, product, da):
    """BP2 for some neurons: da += delta w."""
    np.dot(by_neuron.T, w, product)
    add_to(da.reshape(da.size), product.reshape(da.size))
