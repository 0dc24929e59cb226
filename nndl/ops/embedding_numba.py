"""Symbols as vectors in Numba: rows are copied and added, on the calling thread."""

import numpy as np

from .jit import add_to, clear, copy_to, exact_kernel
from .memory import buffer, in_logical_order, in_memory_order, remembered
from .shapes import check_embedding


def embedding_forward(x, w, work=None):
    """As embedding_numpy.embedding_forward."""
    check_embedding(x, w)
    w, rows, out = remembered(work, _prepare, (w,), x.shape)
    _copy_rows(np.ascontiguousarray(x, np.int64), w, rows)
    return out


def _prepare(work, w, shape):
    m, t = shape
    rows = buffer(work, "out", (t, m, w.shape[1]), w.dtype)
    return np.ascontiguousarray(w), rows, in_logical_order(rows)


def embedding_backward(d, x, w, work=None):
    """As embedding_numpy.embedding_backward."""
    check_embedding(x, w, d)
    nabla_w = buffer(work, "nabla_w", w.shape, w.dtype)
    _add_rows(in_memory_order(d), np.ascontiguousarray(x, np.int64), nabla_w)
    return nabla_w


@exact_kernel
def _copy_rows(x, w, out):
    for s in range(out.shape[0]):
        for i in range(out.shape[1]):
            copy_to(out[s, i], w[x[i, s]])


@exact_kernel
def _add_rows(d, x, nabla_w):
    clear(nabla_w)
    for i in range(x.shape[0]):
        for s in range(x.shape[1]):
            add_to(nabla_w[x[i, s]], d[s, i])
