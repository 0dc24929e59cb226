"""Recurrent layers in Numba: a block takes some of the sequences, and goes through all their steps.

No block waits for another: the threads meet at the end of the sequences, not at each step.  In memory
the steps come first, (t, m, n), so that the states of one step are neighbours.  Products are those of
panel_numba, where no sum depends on which sequences are computed together.

The gradients of the weights are sums over all steps: they are made at the end, when dC/dz is known for
all, and there a block takes some of the neurons.
"""

import numpy as np
from numba import get_num_threads, get_thread_id, prange

from .activation_numba import sigmoid, tanh
from .jit import (
    BLOCKS,
    THREADS,
    TOO_FEW_TO_SHARE,
    add_to,
    clear,
    copy_to,
    exact_kernel,
    first,
    kernel,
    parallel_kernel,
)
from .memory import buffer, in_logical_order, in_memory_order, remembered
from .panel_numba import (
    ROWS_AT_ONCE,
    WIDTH,
    add_product,
    add_product_of_columns,
    columns_of,
    into_panels,
    panels_of,
)
from .shapes import check_recurrent, check_recurrent_back

FEWEST = 4     # sequences of a block, which share the weights in cache
NEVER = 2**62  # steps: no sequence is so long


def recurrent_forward(x, w_xh, w_hh, b, h0=None, valid=None, work=None):
    """As recurrent_numpy.recurrent_forward."""
    return _run_forward(work, (x, w_xh, w_hh, b, h0, None, valid), 1)[0]


def lstm_forward(x, w_xh, w_hh, b, h0=None, c0=None, valid=None, work=None):
    """As recurrent_numpy.lstm_forward."""
    return _run_forward(work, (x, w_xh, w_hh, b, h0, c0, valid), 4)


def _run_forward(work, arrays, gates):
    by_step, kernels, results = remembered(work, _prepare_forward, arrays, gates,
                                           get_num_threads())
    *_, valid = arrays
    if valid is not None:
        by_step[...] = valid.T
    for run, given in kernels:
        run(*given)
    return results


def _prepare_forward(work, x, w_xh, w_hh, b, h0, c0, valid, gates, threads):
    m, t, n = check_recurrent(x, w_xh, w_hh, b, valid=valid, gates=gates, h0=h0, c0=c0)
    n_in, few = x.shape[2], is_little(m, t, w_hh)

    def memory(name, *shape):
        return buffer(work, name, shape, x.dtype)

    panels, by_step = memory("panels", panels_of(gates * n), n_in + n, WIDTH), _by_step(work, valid)
    weights = np.ascontiguousarray(w_xh), np.ascontiguousarray(w_hh), panels
    given = (in_memory_order(x), _or_zeros(h0, m, n, x.dtype), panels, np.ascontiguousarray(b), by_step,
             blocks_of(m, threads), memory("z", m, panels.shape[0] * WIDTH), memory("h", t, m, n))
    results = [given[-1]]
    if gates == 4:
        results += memory("c", t, m, n), memory("gates", t, m, 4 * n)
        given += _or_zeros(c0, m, n, x.dtype), *results[1:]
    run = {(1, True): _forward_at_once, (1, False): _forward,
           (4, True): _lstm_forward_at_once, (4, False): _lstm_forward}[gates, few]
    return (by_step, [(_pack_at_once if few else _pack, weights), (run, given)],
            tuple(map(in_logical_order, results)))


def recurrent_backward(dh, h, x, w_xh, w_hh, h0=None, valid=None, truncate=None, need_dx=True,
                       work=None):
    """As recurrent_numpy.recurrent_backward."""
    arrays = dh, h, None, None, x, w_xh, w_hh, h0, None, valid, None
    dx, dh0, _, *nabla = _run_backward(work, arrays, 1, truncate, need_dx)
    return dx, dh0, *nabla


def lstm_backward(dh, h, c, gates, x, w_xh, w_hh, h0=None, c0=None, valid=None, truncate=None,
                  dc_last=None, need_dx=True, work=None):
    """As recurrent_numpy.lstm_backward."""
    arrays = dh, h, c, gates, x, w_xh, w_hh, h0, c0, valid, dc_last
    return _run_backward(work, arrays, 4, truncate, need_dx)


def _run_backward(work, arrays, *options):
    by_step, kernels, results = remembered(work, _prepare_backward, arrays, *options,
                                           get_num_threads())
    *_, valid, _ = arrays
    if valid is not None:
        by_step[...] = valid.T
    for run, given in kernels:
        run(*given)
    return results


def _prepare_backward(work, dh, h, c, all_gates, x, w_xh, w_hh, h0, c0, valid, dc_last, gates,
                      truncate, need_dx, threads):
    m, t, n = check_recurrent_back(x, w_xh, w_hh, valid, truncate, gates=gates, dh=dh, h=h, c=c,
                                   all_gates=all_gates, h0=h0, c0=c0, dc_last=dc_last)
    n_in, g, few = x.shape[2], gates * n, is_little(m, t, w_hh)

    def memory(name, *shape):
        return buffer(work, name, shape, x.dtype)

    x, h, first_h = in_memory_order(x), in_memory_order(h), _or_zeros(h0, m, n, x.dtype)
    back = memory("back", panels_of(n + n_in * need_dx), g, WIDTH)
    inputs = memory("inputs", panels_of(n_in + n), t * m, WIDTH)
    dz, dx, dh0 = (memory("dz", panels_of(g), t * m, WIDTH), memory("dx", t, m, n_in * need_dx),
                   memory("dh0", m, n))
    dz[-1] = 0  # what is left of the last panel is computed with, too, and thrown away
    nabla = memory("nabla_w_xh", g, n_in), memory("nabla_w_hh", g, n), memory("nabla_b", g)
    by_step = _by_step(work, valid)
    steps = (in_memory_order(dh), h, back, by_step, truncate or NEVER, blocks_of(m, threads),
             memory("dz now", m, g), memory("handed", m, back.shape[0] * WIDTH), dz, dx, dh0)
    dc0 = None
    if gates == 4:
        dc0 = memory("dc0", m, n)
        steps += (in_memory_order(c), _or_zeros(c0, m, n, x.dtype), in_memory_order(all_gates),
                  _or_zeros(dc_last, m, n, x.dtype), memory("tanh c", THREADS, n), dc0)
    run = {(1, True): _backward_at_once, (1, False): _backward,
           (4, True): _lstm_backward_at_once, (4, False): _lstm_backward}[gates, few]
    kernels = [(_pack_back_at_once if few else _pack_back,
                (np.ascontiguousarray(w_xh), np.ascontiguousarray(w_hh), x, first_h, h, back, inputs)),
               (run, steps),
               (_weights_at_once if few else _weights,
                (dz, inputs, memory("nabla", dz.shape[0] * WIDTH, inputs.shape[0] * WIDTH), *nabla))]
    return by_step, kernels, (in_logical_order(dx) if need_dx else None, dh0, dc0, *nabla)


def is_little(m, t, w_hh):
    """Whether so few multiplications are left to the calling thread."""
    return m * t * w_hh.size <= TOO_FEW_TO_SHARE


def _or_zeros(state, m, n, dtype):
    """A state as it was handed in, or 0: settled once, since no kernel writes there."""
    return np.zeros((m, n), dtype) if state is None else np.ascontiguousarray(state)


def _by_step(work, valid):
    """Memory for valid as (t, m), filled at each call; empty where all steps are there."""
    return buffer(work, "valid", (0, 0) if valid is None else valid.T.shape, np.dtype(bool))


def blocks_of(m, threads):
    """How many blocks m sequences make: one for each thread, since tall products are the fastest."""
    return max(1, min(threads, m // FEWEST))


# --- forward ----------------------------------------------------------------------------------------

@kernel
def pack_panel(p, w_xh, w_hh, panels):
    """Panel p of the matrix that [x, h] is multiplied with: a column for each row of w."""
    columns, n_in = columns_of(p, w_xh.shape[0]), w_xh.shape[1]
    panel = panels[p]
    for q in range(panel.shape[0]):
        clear(panel[q, columns:])
    for c in range(columns):
        for q in range(n_in):
            panel[q, c] = w_xh[p * WIDTH + c, q]
        for q in range(w_hh.shape[1]):
            panel[n_in + q, c] = w_hh[p * WIDTH + c, q]


@kernel
def _pack_at_once(w_xh, w_hh, panels):
    for p in range(panels.shape[0]):
        pack_panel(p, w_xh, w_hh, panels)


@parallel_kernel
def _pack(w_xh, w_hh, panels):
    for p in prange(panels.shape[0]):
        pack_panel(p, w_xh, w_hh, panels)


@kernel
def weighted_inputs(start, stop, x, before, panels, b, z):
    """z = w_xh x + w_hh h + b of one step, for the sequences from start to stop."""
    n_in = x.shape[1]
    for i in range(start, stop):
        copy_to(z[i, :b.size], b)
    for p in range(panels.shape[0]):
        add_product(x, start, stop, panels[p, :n_in], z, p * WIDTH)
        add_product(before, start, stop, panels[p, n_in:], z, p * WIDTH)


@exact_kernel
def stay(start, stop, valid, before, state):
    """Where there is no step, the state stays as it was."""
    for i in range(start, stop):
        if not valid[i]:
            copy_to(state[i], before[i])


@kernel
def some_forward(start, stop, x, h0, panels, b, valid, z, h):
    """recurrent_forward for the sequences from start to stop."""
    for s in range(h.shape[0]):
        before = h[s - 1] if s else h0
        weighted_inputs(start, stop, x[s], before, panels, b, z)
        for i in range(start, stop):
            tanh(z[i, :b.size], h[s, i])
        if valid.size:
            stay(start, stop, valid[s], before, h[s])


@kernel
def _forward_at_once(x, h0, panels, b, valid, blocks, z, h):
    some_forward(0, h0.shape[0], x, h0, panels, b, valid, z, h)


@parallel_kernel
def _forward(x, h0, panels, b, valid, blocks, z, h):
    for block in prange(blocks):
        m = h0.shape[0]
        some_forward(block * m // blocks, (block + 1) * m // blocks, x, h0, panels, b, valid, z, h)


@kernel
def some_lstm_forward(start, stop, x, h0, panels, b, valid, z, h, c0, c, gates):
    """lstm_forward for the sequences from start to stop."""
    n = h.shape[2]
    for s in range(h.shape[0]):
        before, cells = (h[s - 1], c[s - 1]) if s else (h0, c0)
        weighted_inputs(start, stop, x[s], before, panels, b, z)
        for i in range(start, stop):
            its = gates[s, i]
            sigmoid(z[i, :2 * n], its[:2 * n])
            tanh(z[i, 2 * n:3 * n], its[2 * n:3 * n])
            sigmoid(z[i, 3 * n:4 * n], its[3 * n:])
            remember(its, cells[i], c[s, i])
            tanh(c[s, i], h[s, i])
            show(its, h[s, i])
        if valid.size:
            stay(start, stop, valid[s], before, h[s])
            stay(start, stop, valid[s], cells, c[s])


@exact_kernel
def remember(gates, before, c):
    """c_s = f ⊙ c_(s-1) + i ⊙ g, for one sequence."""
    n = c.size
    i, f, g = gates[:n], gates[n:2 * n], gates[2 * n:3 * n]
    for k in range(n):
        c[k] = f[k] * before[k] + i[k] * g[k]


@exact_kernel
def show(gates, h):
    """h_s = o ⊙ tanh(c_s), where h is tanh(c_s) already."""
    o = gates[3 * h.size:]
    for k in range(h.size):
        h[k] *= o[k]


@kernel
def _lstm_forward_at_once(x, h0, panels, b, valid, blocks, z, h, c0, c, gates):
    some_lstm_forward(0, h0.shape[0], x, h0, panels, b, valid, z, h, c0, c, gates)


@parallel_kernel
def _lstm_forward(x, h0, panels, b, valid, blocks, z, h, c0, c, gates):
    for block in prange(blocks):
        m = h0.shape[0]
        some_lstm_forward(block * m // blocks, (block + 1) * m // blocks, x, h0, panels, b, valid, z, h,
                          c0, c, gates)


# --- backward ---------------------------------------------------------------------------------------

@kernel
def pack_back(block, w_xh, w_hh, x, h0, h, back, inputs):
    """A block's share of the rows of [w_hh, w_xh], and of those of [h before, x], in panels."""
    n_in, n, m = w_xh.shape[1], w_hh.shape[1], x.shape[1]
    for j in range(first(block, w_hh.shape[0]), first(block + 1, w_hh.shape[0])):
        clear(back[-1, j])
        into_panels(w_hh[j], 0, j, back)
        if back.shape[0] * WIDTH >= n + n_in:  # else nobody needs dx
            into_panels(w_xh[j], n, j, back)
    for row in range(first(block, inputs.shape[1]), first(block + 1, inputs.shape[1])):
        s, i = row // m, row % m
        clear(inputs[-1, row])
        into_panels(h[s - 1, i] if s else h0[i], 0, row, inputs)
        into_panels(x[s, i], n, row, inputs)


@kernel
def _pack_back_at_once(w_xh, w_hh, x, h0, h, back, inputs):
    for block in range(BLOCKS):
        pack_back(block, w_xh, w_hh, x, h0, h, back, inputs)


@parallel_kernel
def _pack_back(w_xh, w_hh, x, h0, h, back, inputs):
    for block in prange(BLOCKS):
        pack_back(block, w_xh, w_hh, x, h0, h, back, inputs)


@kernel
def hand_back(start, stop, s, valid, dz, back, handed, d_state, dx):
    """BP2: dC/dh of the step before, dz w_hh, and dx = dz w_xh, for the sequences from start to stop.

    Where there was no step, dz is 0, and d_state goes on as it is.
    """
    n = d_state.shape[1]
    clear(handed[start:stop])
    for p in range(back.shape[0]):
        add_product(dz, start, stop, back[p], handed, p * WIDTH)
    for i in range(start, stop):
        if not valid.size or valid[s, i]:
            copy_to(d_state[i], handed[i, :n])
        copy_to(dx[i], handed[i, n:n + dx.shape[1]])


@kernel
def some_backward(start, stop, dh, h, back, valid, truncate, now, handed, dz, dx, d_state):
    """recurrent_backward for the sequences from start to stop, but for the weights' gradients."""
    clear(d_state[start:stop])
    for s in range(h.shape[0] - 1, -1, -1):
        for i in range(start, stop):
            through_tanh(dh[s, i], h[s, i], not valid.size or valid[s, i], d_state[i], now[i])
            into_panels(now[i], 0, s * h.shape[1] + i, dz)
        hand_back(start, stop, s, valid, now, back, handed, d_state, dx[s])
        if s > 0 and s % truncate == 0:
            clear(d_state[start:stop])


@exact_kernel
def through_tanh(dh, h, stepped, d_state, dz):
    """What a step's output has cost joins what later steps have; and the ⊙ tanh'(z) of BP2."""
    one = h.dtype.type(1)
    for k in range(h.size):
        d_state[k] += dh[k]
        dz[k] = d_state[k] * (one - h[k] * h[k]) if stepped else one - one


@kernel
def _backward_at_once(dh, h, back, valid, truncate, blocks, now, handed, dz, dx, d_state):
    some_backward(0, h.shape[1], dh, h, back, valid, truncate, now, handed, dz, dx, d_state)


@parallel_kernel
def _backward(dh, h, back, valid, truncate, blocks, now, handed, dz, dx, d_state):
    for block in prange(blocks):
        m = h.shape[1]
        some_backward(block * m // blocks, (block + 1) * m // blocks, dh, h, back, valid, truncate, now,
                      handed, dz, dx, d_state)


@kernel
def some_lstm_backward(start, stop, dh, h, back, valid, truncate, now, handed, dz, dx, d_state, c, c0,
                       gates, dc_last, shown, d_cell):
    """lstm_backward for the sequences from start to stop, but for the weights' gradients."""
    clear(d_state[start:stop])
    d_cell[start:stop] = dc_last[start:stop]
    for s in range(h.shape[0] - 1, -1, -1):
        cells = c[s - 1] if s else c0
        for i in range(start, stop):
            if not valid.size or valid[s, i]:
                tanh(c[s, i], shown)
                through_gates(dh[s, i], gates[s, i], shown, cells[i], d_state[i], d_cell[i],
                              now[i])
            else:
                through_nothing(dh[s, i], d_state[i], now[i])
            into_panels(now[i], 0, s * h.shape[1] + i, dz)
        hand_back(start, stop, s, valid, now, back, handed, d_state, dx[s])
        if s > 0 and s % truncate == 0:
            clear(d_state[start:stop])
            clear(d_cell[start:stop])


@exact_kernel
def through_gates(dh, gates, shown, before, d_state, d_cell, dz):
    """dC/dz of the four gates of one sequence, and dC/dc of the step before."""
    n, one = before.size, gates.dtype.type(1)
    for k in range(n):
        i, f, g, o = gates[k], gates[n + k], gates[2 * n + k], gates[3 * n + k]
        d_h = d_state[k] + dh[k]
        d_c = d_cell[k] + d_h * o * (one - shown[k] * shown[k])
        dz[k] = d_c * g * i * (one - i)
        dz[n + k] = d_c * before[k] * f * (one - f)
        dz[2 * n + k] = d_c * i * (one - g * g)
        dz[3 * n + k] = d_h * shown[k] * o * (one - o)
        d_cell[k] = d_c * f


@exact_kernel
def through_nothing(dh, d_state, dz):
    """Where there was no step, what the state has cost goes on, and no gate has a part in it."""
    for k in range(dh.size):
        d_state[k] += dh[k]
    dz[:] = 0


@kernel
def _lstm_backward_at_once(dh, h, back, valid, truncate, blocks, now, handed, dz, dx, d_state, c, c0,
                           gates, dc_last, shown, d_cell):
    some_lstm_backward(0, h.shape[1], dh, h, back, valid, truncate, now, handed, dz, dx, d_state, c, c0,
                       gates, dc_last, shown[0], d_cell)


@parallel_kernel
def _lstm_backward(dh, h, back, valid, truncate, blocks, now, handed, dz, dx, d_state, c, c0, gates,
                   dc_last, shown, d_cell):
    for block in prange(blocks):
        m = h.shape[1]
        some_lstm_backward(block * m // blocks, (block + 1) * m // blocks, dh, h, back, valid, truncate,
                           now, handed, dz, dx, d_state, c, c0, gates, dc_last,
                           shown[get_thread_id()], d_cell)


# --- the weights' gradients -------------------------------------------------------------------------

@kernel
def some_weights(start, stop, dz, inputs, nabla, nabla_w_xh, nabla_w_hh, nabla_b):
    """BP4 and BP3, summed over all steps and sequences, for the neurons of some panels of dz."""
    rows, n = dz.shape[1], nabla_w_hh.shape[1]
    end = min(stop * WIDTH, nabla_b.size)
    clear(nabla_b[start * WIDTH:end])
    clear(nabla[start * WIDTH:stop * WIDTH])
    for row in range(0, rows, ROWS_AT_ONCE):
        many = min(row + ROWS_AT_ONCE, rows)
        for panel in range(start, stop):
            j = panel * WIDTH
            for p in range(inputs.shape[0]):
                add_product_of_columns(dz[panel, row:many], inputs[p, row:many], nabla, j, j + WIDTH,
                                       p * WIDTH)
            total = nabla_b[j:min(j + WIDTH, end)]
            for r in range(row, many):
                add_to(total, dz[panel, r])
    for j in range(start * WIDTH, end):
        copy_to(nabla_w_hh[j], nabla[j, :n])
        copy_to(nabla_w_xh[j], nabla[j, n:n + nabla_w_xh.shape[1]])


@kernel
def _weights_at_once(dz, inputs, nabla, nabla_w_xh, nabla_w_hh, nabla_b):
    some_weights(0, dz.shape[0], dz, inputs, nabla, nabla_w_xh, nabla_w_hh, nabla_b)


@parallel_kernel
def _weights(dz, inputs, nabla, nabla_w_xh, nabla_w_hh, nabla_b):
    for block in prange(BLOCKS):
        some_weights(first(block, dz.shape[0]), first(block + 1, dz.shape[0]),
                     dz, inputs, nabla, nabla_w_xh, nabla_w_hh, nabla_b)
