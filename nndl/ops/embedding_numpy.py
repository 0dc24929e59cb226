"""Symbols as vectors, the reference: what a dense layer makes of a one-hot input, without the zeros."""

import numpy as np

from .shapes import check_embedding


def embedding_forward(x, w, work=None):
    """Each symbol's row of w.

    x : (m, t) ints, a symbol at each step;  w : (symbols, n)
    Returns (m, t, n), dtype of w.
    """
    check_embedding(x, w)
    return w[x]


def embedding_backward(d, x, w, work=None):
    """Undo embedding_forward: d = dC/d its result, (m, t, n).

    Returns nabla_w, shaped like w: of each symbol, the sum over the steps at which it stands.
    """
    check_embedding(x, w, d)
    nabla_w = np.zeros_like(w)
    np.add.at(nabla_w, x, d)
    return nabla_w
