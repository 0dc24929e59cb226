"""Recurrent layers, the reference: the same weights at every step of a sequence.

    t            steps of a sequence, s one of them;  n_in  numbers that come in at each
    n            hidden units, whose activations h are the state that each step hands to the next

Going back, a weight collects from every step that used it: the loss at one step reaches all steps
before it, through the state ("backpropagation through time", Werbos 1990).  The order of an LSTM's
gates is i, f, g, o, in w_xh, w_hh, b and gates alike.
"""

import numpy as np

from .activation_numpy import sigmoid_forward
from .shapes import check_recurrent, check_recurrent_back


def recurrent_forward(x, w_xh, w_hh, b, h0=None, valid=None, work=None):
    """h_s = tanh(w_xh x_s + w_hh h_(s-1) + b) for s = 0, 1, ..., t - 1.  Elman 1990.

    x    : (m, t, n_in)   a sequence for each example
    w_xh : (n, n_in);  w_hh : (n, n);  b : (n,)
    h0   : (m, n)  the state before the first step; None is 0
    valid : (m, t) bools; where False there is no step, and the state stays as it is.  None: all are
    Returns h : (m, t, n).  h[:, -1] is the state that a further piece of the sequences begins with.
    """
    m, t, n = check_recurrent(x, w_xh, w_hh, b, valid=valid, h0=h0)
    h = np.empty((m, t, n), x.dtype)
    state = _zeros_if_none(h0, m, n, x.dtype)
    for s in range(t):
        stepped = np.tanh(x[:, s] @ w_xh.T + state @ w_hh.T + b)
        state = h[:, s] = _where(valid, s, stepped, state)
    return h


def recurrent_backward(dh, h, x, w_xh, w_hh, h0=None, valid=None, truncate=None, need_dx=True,
                       work=None):
    """Undo recurrent_forward: dh = dC/dh (m, t, n), of what each step's output has cost by itself.

    truncate : after so many steps no gradient goes further back, as if each piece of so many steps
               were a sequence of its own that begins with the state before it; None: all the way
    Returns (dx, dh0, nabla_w_xh, nabla_w_hh, nabla_b), shaped like what they belong to, the last three
    summed over steps and mini-batch.  dx is None unless need_dx.
    """
    m, t, n = check_recurrent_back(x, w_xh, w_hh, valid, truncate, dh=dh, h=h, h0=h0)
    dx = np.empty_like(x) if need_dx else None
    nabla_w_xh, nabla_w_hh = np.zeros_like(w_xh), np.zeros_like(w_hh)
    nabla_b = np.zeros(n, x.dtype)
    d_state = np.zeros((m, n), x.dtype)  # dC/dh_s by all later steps
    for s in reversed(range(t)):
        before = h[:, s - 1] if s else _zeros_if_none(h0, m, n, x.dtype)
        d_state = d_state + dh[:, s]
        dz = _where(valid, s, d_state * (1 - h[:, s] ** 2), 0)  # BP2's ⊙ tanh'
        nabla_w_xh += dz.T @ x[:, s]                            # BP4, a term for each step
        nabla_w_hh += dz.T @ before
        nabla_b += dz.sum(axis=0)                               # BP3
        if need_dx:
            dx[:, s] = dz @ w_xh                                # BP2, down
        d_state = _where(valid, s, dz @ w_hh, d_state)          # BP2, back in time
        if _cut(truncate, s):
            d_state = np.zeros_like(d_state)
    return dx, d_state, nabla_w_xh, nabla_w_hh, nabla_b


def lstm_forward(x, w_xh, w_hh, b, h0=None, c0=None, valid=None, work=None):
    """Long short-term memory: cells c that gates open and close.  Hochreiter and Schmidhuber 1997.

        i, f, o = sigma(...), g = tanh(...), of w_xh x_s + w_hh h_(s-1) + b, a fourth of it each
        c_s = f ⊙ c_(s-1) + i ⊙ g       what is kept, and what is written (Gers et al. 2000 added f)
        h_s = o ⊙ tanh(c_s)             what is shown

    x : (m, t, n_in);  w_xh : (4 n, n_in);  w_hh : (4 n, n);  b : (4 n,)
    h0, c0 : (m, n)  the state before the first step; None is 0
    valid : (m, t) bools, as in recurrent_forward
    Returns h : (m, t, n), c : (m, t, n) and gates : (m, t, 4 n), i, f, g, o side by side.
    """
    m, t, n = check_recurrent(x, w_xh, w_hh, b, valid=valid, gates=4, h0=h0, c0=c0)
    h, c = np.empty((m, t, n), x.dtype), np.empty((m, t, n), x.dtype)
    gates = np.empty((m, t, 4 * n), x.dtype)
    state, cell = _zeros_if_none(h0, m, n, x.dtype), _zeros_if_none(c0, m, n, x.dtype)
    for s in range(t):
        z_i, z_f, z_g, z_o = _parts(x[:, s] @ w_xh.T + state @ w_hh.T + b)
        i, f, o = sigmoid_forward(z_i), sigmoid_forward(z_f), sigmoid_forward(z_o)
        g = np.tanh(z_g)
        gates[:, s] = np.concatenate([i, f, g, o], axis=1)
        stepped = f * cell + i * g
        cell = c[:, s] = _where(valid, s, stepped, cell)
        state = h[:, s] = _where(valid, s, o * np.tanh(stepped), state)
    return h, c, gates


def lstm_backward(dh, h, c, gates, x, w_xh, w_hh, h0=None, c0=None, valid=None, truncate=None,
                  dc_last=None, need_dx=True, work=None):
    """Undo lstm_forward: dh = dC/dh (m, t, n), as in recurrent_backward.

    dc_last : (m, n)  dC/dc of the last step, by what goes on from it; None is 0
    Returns (dx, dh0, dc0, nabla_w_xh, nabla_w_hh, nabla_b).
    """
    m, t, n = check_recurrent_back(x, w_xh, w_hh, valid, truncate, gates=4, dh=dh, h=h, c=c,
                                   all_gates=gates, h0=h0, c0=c0, dc_last=dc_last)
    dx = np.empty_like(x) if need_dx else None
    nabla_w_xh, nabla_w_hh = np.zeros_like(w_xh), np.zeros_like(w_hh)
    nabla_b = np.zeros(4 * n, x.dtype)
    d_state = np.zeros((m, n), x.dtype)
    d_cell = _zeros_if_none(dc_last, m, n, x.dtype)
    for s in reversed(range(t)):
        before, cell_before = ((h[:, s - 1], c[:, s - 1]) if s else
                               (_zeros_if_none(h0, m, n, x.dtype), _zeros_if_none(c0, m, n, x.dtype)))
        i, f, g, o = _parts(gates[:, s])
        shown = np.tanh(c[:, s])
        d_state = d_state + dh[:, s]
        d_inside = d_cell + d_state * o * (1 - shown * shown)   # dC/dc_s: along the cells, and by h_s
        dz = np.concatenate([d_inside * g * i * (1 - i),        # through i's sigma'
                             d_inside * cell_before * f * (1 - f),
                             d_inside * i * (1 - g * g),
                             d_state * shown * o * (1 - o)], axis=1)
        dz = _where(valid, s, dz, 0)
        nabla_w_xh += dz.T @ x[:, s]                            # BP4, a term for each step
        nabla_w_hh += dz.T @ before
        nabla_b += dz.sum(axis=0)                               # BP3
        if need_dx:
            dx[:, s] = dz @ w_xh                                # BP2, down
        d_state = _where(valid, s, dz @ w_hh, d_state)          # BP2, back in time
        d_cell = _where(valid, s, d_inside * f, d_cell)         # the way that no weight is on
        if _cut(truncate, s):
            d_state, d_cell = np.zeros_like(d_state), np.zeros_like(d_cell)
    return dx, d_state, d_cell, nabla_w_xh, nabla_w_hh, nabla_b


def _parts(z):
    """The four gates' parts of (m, 4 n)."""
    return np.split(z, 4, axis=1)


def _where(valid, s, stepped, stayed):
    """What step s has made, where it is valid; else what there was."""
    return stepped if valid is None else np.where(valid[:, s, None], stepped,
                                                  np.asarray(stayed, stepped.dtype))


def _zeros_if_none(state, m, n, dtype):
    return np.zeros((m, n), dtype) if state is None else state


def _cut(truncate, s):
    """Whether a piece begins at step s, s > 0, so that nothing goes back from it."""
    return truncate is not None and s > 0 and s % truncate == 0
