"""A fully connected layer's way back and its step downhill in Numba.

With few examples both are a matter of memory: a layer of 1000 neurons has a million weights, and
reading them takes longer than what is computed with them.  So a few rows of w at a time are read,
used for da, and changed while they are still in cache; nabla_w is never written as a whole.

Where ReLU is off, or dropout has silenced a neuron, delta is 0: such a neuron hands nothing back for
that example and learns nothing from it.  If most are so, they are left out one by one; if not, a
matrix product over all is faster.
"""

import numpy as np
from numba import get_thread_id, prange

from .dense_numba import MANY_EXAMPLES, add_product, bias_gradient, dense_backward
from .jit import (
    BLOCKS,
    MOST_ROWS,
    NOT_NEGATIVE,
    THREADS,
    TOO_FEW_TO_SHARE,
    add_runs,
    clear,
    exact_kernel,
    first,
    kernel,
    parallel_kernel,
    rows_at_once,
    sum_shares,
)
from .memory import buffer, remembered
from .shapes import check_dense, check_same_shape
from .update_numba import both_down, changeable, delivered, layer_step, step_down

SPARSE = 0.35  # the part of delta that is not 0, below which zeros are left out
BITS = {np.dtype("float32"): np.int32, np.dtype("float64"): np.int64}


def dense_step(delta, a, w, b, eta, l2=0.0, l1=0.0, need_da=True, out_w=None, out_b=None, work=None):
    """As dense_step_numpy.dense_step.

    A small layer is left to the calling thread; with many examples the gradient is made as a whole.
    """
    if len(a) >= MANY_EXAMPLES:
        da, nabla_w, nabla_b = dense_backward(delta, a, w, need_da, work)
        return da, *layer_step(w, b, nabla_w, nabla_b, eta, l2, l1, out_w, out_b, work)
    # What changeable copies it must copy each time: remembered is only what changes in place.
    arrays = delta, a, w, b, out_w, out_b
    prepared = (remembered(work, _prepare_step, arrays, need_da) if out_w is w and out_b is b
                else _prepare_step(work, *arrays, need_da))
    given, number, products, lists, bits, shares, da = prepared
    rates = number(eta), number(l2), number(l1)
    if lists is None:
        _step_at_once(*given, *rates, *products)
    else:
        if np.count_nonzero(bits) < SPARSE * bits.size:
            _sparse_step(*given, *rates, *lists)
        else:
            _dense_step(*given, *rates, *products)
        if need_da:
            sum_shares(*shares)
    *_, new_w, new_b = given
    return da, delivered(new_w, out_w), delivered(new_b, out_b)


def _prepare_step(work, delta, a, w, b, out_w, out_b, need_da):
    check_dense(a, w, b, delta)
    for name, x, out in ("w", w, out_w), ("b", b, out_b):
        if out is not None:
            check_same_shape(**{name: x, f"out_{name}": out})
    (m, n_in), n_out, dtype = a.shape, len(w), a.dtype
    delta = np.ascontiguousarray(delta)
    given = (delta, np.ascontiguousarray(a), changeable(w, out_w, work, "new_w"),
             changeable(b, out_b, work, "new_b"))
    by_neuron = buffer(work, "delta_by_neuron", (n_out, m), dtype)
    nabla_b = buffer(work, "nabla_b", (n_out,), dtype)
    da = buffer(work, "da", (m, n_in) if need_da else (0, 0), dtype)
    if w.size * m <= TOO_FEW_TO_SHARE:
        products = by_neuron, buffer(work, "gradient", w.shape, dtype), nabla_b, da
        lists = bits = shares = None
    else:
        rows = min(MOST_ROWS, rows_at_once(-(-n_out // BLOCKS), m * n_in))
        threads, blocks = (THREADS, BLOCKS) if need_da else (0, 0)
        da_share = buffer(work, "da_share", (blocks, m, n_in), dtype)
        products = (rows, nabla_b, da_share, by_neuron,
                    buffer(work, "gradient", (THREADS, rows, n_in), dtype),
                    buffer(work, "one_share", (threads, m, n_in), dtype))
        lists = (rows, nabla_b, da_share, buffer(work, "d", (THREADS, max(m, rows, 2)), dtype),
                 buffer(work, "begin", (THREADS, max(m, rows, 2)), np.int64))
        bits = delta.view(BITS[dtype])  # whole numbers are counted in a fifth of the time
        shares = da_share.reshape(blocks, da.size), da.reshape(da.size)
    return given, w.dtype.type, products, lists, bits, shares, da if need_da else None


@kernel
def _step_at_once(delta, a, w, b, eta, l2, l1, by_neuron, gradient, nabla_b, da):
    if da.size:
        np.dot(delta, w, da)                                                             # BP2
    bias_gradient(delta, 0, w.shape[0], by_neuron, nabla_b)                              # BP3
    np.dot(by_neuron, a, gradient)                                                       # BP4
    both_down(w.reshape(w.size), gradient.reshape(w.size), b, nabla_b, eta, l2, l1)


@parallel_kernel
def _dense_step(delta, a, w, b, eta, l2, l1, rows, nabla_b, da_share, by_neuron, gradient, one_share):
    for block in prange(BLOCKS):
        thread, zero, none = get_thread_id(), eta - eta, nabla_b[:0]
        start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])
        bias_gradient(delta, start, stop, by_neuron, nabla_b)                            # BP3
        step_down(b[start:stop], nabla_b[start:stop], none, eta, zero, zero, zero)
        if da_share.size:
            clear(da_share[block])
        for j in range(start, stop, rows):
            end = min(j + rows, stop)
            some, n = gradient[thread, :end - j], (end - j) * w.shape[1]
            if da_share.size:
                add_product(by_neuron[j:end], w[j:end], one_share[thread], da_share[block])  # BP2
            np.dot(by_neuron[j:end], a, some)                                            # BP4
            step_down(w[j:end].reshape(n), some.reshape(n), none, eta, l2, l1, zero)


@parallel_kernel
def _sparse_step(delta, a, w, b, eta, l2, l1, rows, nabla_b, da_share, d, begin):
    for block in prange(BLOCKS):
        thread, zero = get_thread_id(), eta - eta
        start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])
        if da_share.size:
            clear(da_share[block])
        flat_a = a.reshape(a.size)
        for j in range(start, stop, rows):
            end = min(j + rows, stop)
            if da_share.size:
                hand_back(delta, w, j, end, d[thread], begin[thread], da_share[block])   # BP2
            for neuron in range(j, end):
                nabla_b[neuron] = learn(delta, flat_a, w[neuron], neuron, eta, l2, l1,   # BP4
                                        d[thread], begin[thread])                        # and BP3
        step_down(b[start:stop], nabla_b[start:stop], nabla_b[:0], eta, zero, zero, zero)


@kernel
def hand_back(delta, w, start, stop, d, begin, da):
    """BP2 for the neurons from start to stop: to each example's da the rows of w it has a delta for."""
    n_in, flat_w = w.shape[1], w.reshape(w.size)
    for i in range(delta.shape[0]):
        n = 0
        for j in range(start, stop):
            d[n], begin[n] = delta[i, j], j * n_in
            n += delta[i, j] != 0  # the next one overwrites what has none
        add_runs(da[i], flat_w, begin[:n], d[:n])


@kernel
def learn(delta, a, w, neuron, eta, l2, l1, d, begin):
    """BP4 and the step for one neuron's weights w: only the examples that it has a delta for count.

    a : (m n_in,).  Returns BP3, the sum of its deltas.
    """
    n_in, n, total = w.size, 0, eta - eta
    for i in range(delta.shape[0]):
        d[n], begin[n] = -eta * delta[i, neuron], i * n_in
        total += delta[i, neuron]
        n += delta[i, neuron] != 0
    for q in range(n, 2):
        d[q], begin[q] = 0, 0  # two are taken with the decay, even if there are fewer
    if l1 != 0:
        decay(w, l2, l1)
        l2 = eta - eta
    decay_and_add(w, l2, a, begin, d)
    add_runs(w, a, begin[2:n], d[2:n])
    return total


@kernel
def decay_and_add(w, l2, a, begin, d):
    """w - l2 w, the weight decay of book (93), and the first two that add_runs would add."""
    s0, s1, d0, d1 = begin[0] & NOT_NEGATIVE, begin[1] & NOT_NEGATIVE, d[0], d[1]
    for t in range(w.size):
        w[t] += d0 * a[s0 + t] + d1 * a[s1 + t] - l2 * w[t]


@exact_kernel
def decay(w, l2, l1):
    """w - l2 w - l1 sgn(w), the part of sgd_step that is not the gradient's.  Book (93), (97)."""
    one = w.dtype.type(1)
    for t in range(w.size):
        sign = one if w[t] > 0 else -one if w[t] < 0 else one - one
        w[t] -= l2 * w[t] + l1 * sign
