"""A fully connected layer's way back and its step downhill in Numba.

With few examples both are a matter of memory: a layer of 1000 neurons has a million weights, and
reading them takes longer than what is computed with them.  So a few rows of w at a time are read,
used for da, and changed while they are still in cache; nabla_w is never written as a whole.
"""

import numpy as np
from numba import get_thread_id, prange

from .dense_numba import MANY_EXAMPLES, add_product, bias_gradient, dense_backward
from .jit import BLOCKS, THREADS, buffer, first, parallel_kernel, remembered, rows_at_once, sum_shares
from .shapes import check_dense, check_same_shape
from .update_numba import changeable, delivered, sgd_step, step_down

MOST_ROWS = 32  # of w at a time: their gradient is to stay in cache


def dense_step(delta, a, w, b, eta, l2=0.0, l1=0.0, need_da=True, out_w=None, out_b=None, work=None):
    """As dense_step_numpy.dense_step."""
    def prepare():
        check_dense(a, w, b, delta)
        for name, x, out in ("w", w, out_w), ("b", b, out_b):
            if out is not None:
                check_same_shape(**{name: x, f"out_{name}": out})
        (m, n_in), n_out = a.shape, len(w)
        rows = min(MOST_ROWS, rows_at_once(-(-n_out // BLOCKS), m * n_in))
        return (buffer(work, "delta_by_neuron", (n_out, m), a.dtype),
                buffer(work, "gradient", (THREADS, rows, n_in), a.dtype),
                buffer(work, "nabla_b", (n_out,), a.dtype),
                buffer(work, "one_share", (THREADS if need_da else 0, m, n_in), a.dtype),
                buffer(work, "da_share", (BLOCKS if need_da else 0, m, n_in), a.dtype),
                buffer(work, "da", (m, n_in), a.dtype) if need_da else None)

    if len(a) >= MANY_EXAMPLES:
        da, nabla_w, nabla_b = dense_backward(delta, a, w, need_da, work)
        new_w, _ = sgd_step(w, nabla_w, None, eta, l2, l1, out_w=out_w, work=work)
        new_b, _ = sgd_step(b, nabla_b, None, eta, out_w=out_b)
        return da, new_w, new_b
    given = delta, a, w, b, *(out for out in (out_w, out_b) if out is not None)
    *memory, da_share, da = remembered(work, "step", given, need_da, prepare)
    new_w, new_b = changeable(w, out_w, work, "new_w"), changeable(b, out_b, work, "new_b")
    number = w.dtype.type
    _dense_step(np.ascontiguousarray(delta), np.ascontiguousarray(a), new_w, new_b, number(eta),
                number(l2), number(l1), *memory, da_share)
    if need_da:
        sum_shares(da_share, da)
    return da, delivered(new_w, out_w), delivered(new_b, out_b)


@parallel_kernel
def _dense_step(delta, a, w, b, eta, l2, l1, by_neuron, gradient, nabla_b, one_share, da_share):
    for block in prange(BLOCKS):
        thread, zero, none = get_thread_id(), eta - eta, nabla_b[:0]
        start, stop = first(block, w.shape[0]), first(block + 1, w.shape[0])
        bias_gradient(delta, start, stop, by_neuron, nabla_b)                            # BP3
        step_down(b[start:stop], nabla_b[start:stop], none, eta, zero, zero, zero)
        if da_share.size:
            da_share[block] = 0
        for j in range(start, stop, gradient.shape[1]):
            end = min(j + gradient.shape[1], stop)
            some, n = gradient[thread, :end - j], (end - j) * w.shape[1]
            if da_share.size:
                add_product(by_neuron[j:end], w[j:end], one_share[thread], da_share[block])  # BP2
            np.dot(by_neuron[j:end], a, some)                                            # BP4
            step_down(w[j:end].reshape(n), some.reshape(n), none, eta, l2, l1, zero)
