"""The book's ConvPoolLayer in Numba: two ideas make it fast, both about max-pooling.

Forward, a monotone activation may come after max-pooling instead of before: the largest z has the
largest activation.  So the feature maps of one example are made, pooled while still in cache, and
the activation sees a quarter of the numbers.

Backward, the gradient at the feature maps is mostly zeros: of each window only the winner has one,
and where ReLU is off not even the winner.  So no map of zeros is made and multiplied.  Each pooled
unit with a gradient d adds d times the patch that its winner looked at to its filter's nabla_w
(BP4), and d times the filter to that patch of dx (BP2): straight from and into the images.

`fused` says where this applies; GELU and L2 pooling go to the convolution, activation and pooling
next door.
"""

import numpy as np
from numba import prange

from .activation_numba import MONOTONE, activation_backward, activation_forward
from .conv_numba import (
    add_scaled,
    conv_backward,
    conv_forward,
    filter_rows,
    padded,
    patches_to_rows,
    run_start,
)
from .conv_pool_numpy import check_backward, check_pool
from .jit import BLOCKS, buffer, channels_first, channels_last, first, kernel, parallel_kernel
from .pool_numba import l2_pool_backward, l2_pool_forward, max_pool_backward, max_pool_forward
from .shapes import check_conv, check_winner, conv_size

# Where a row of a patch, kw c numbers, is shorter than this (one grey image: 5), whole patches laid
# out by im2col are added instead of row after row.
SHORT_ROW = 16


def fused(activation, pool):
    """Whether the fast path applies: pooling first gives the same result."""
    return check_pool(pool) == "max" and activation in MONOTONE


def conv_pool_forward(x, w, b, activation="relu", alpha=0.0, pool="max", size=(2, 2),
                      pool_stride=(2, 2), stride=(1, 1), padding=(0, 0), work=None):
    """As conv_pool_numpy.conv_pool_forward."""
    parts = Parts(work)
    if fused(activation, pool):
        z, winner = _conv_max_pool(x, w, b, size, pool_stride, stride, padding, work)
        return activation_forward(z, activation, alpha, parts["activation"]), winner, None, None
    z = conv_forward(x, w, b, stride, padding, parts["conv"])
    a = activation_forward(z, activation, alpha, parts["activation"])
    winner = None
    if pool == "max":
        pooled, winner = max_pool_forward(a, size, pool_stride, parts["pool"])
    else:
        pooled = l2_pool_forward(a, size, pool_stride, parts["pool"])
    return pooled, winner, None if pool == "max" else a, None if activation in MONOTONE else z


def conv_pool_backward(d_pooled, pooled, winner, a, z, x, w, activation="relu", alpha=0.0,
                       pool="max", size=(2, 2), pool_stride=(2, 2), stride=(1, 1), padding=(0, 0),
                       need_dx=True, work=None):
    """As conv_pool_numpy.conv_pool_backward."""
    parts = Parts(work)
    check_pool(pool)
    z_shape = check_backward(d_pooled, pooled, x, w, size, pool_stride, stride, padding)
    if fused(activation, pool):
        dz = activation_backward(d_pooled, pooled, None, activation, alpha, parts["activation"])
        return _conv_max_pool_backward(dz, winner, x, w, size, pool_stride, stride, padding,
                                       need_dx, work)
    if pool == "max":
        da = max_pool_backward(d_pooled, winner, z_shape, size, pool_stride, parts["pool"])
    else:
        da = l2_pool_backward(d_pooled, a, pooled, size, pool_stride, parts["pool"])
    dz = activation_backward(da, a, z, activation, alpha, parts["activation"])
    return conv_backward(dz, x, w, stride, padding, need_dx, parts["conv"])


class Parts:
    """The dicts within work that the operations inside this one own; None without work."""

    def __init__(self, work):
        self.work = work

    def __getitem__(self, part):
        return None if self.work is None else self.work.setdefault(part, {})


def _conv_max_pool(x, w, b, size, pool_stride, stride, padding, work):
    """(z, winner): the largest z of each window and which it was, both (m, f, oh, ow)."""
    check_conv(x, w, b)
    m, (f, c, kh, kw) = len(x), w.shape
    rows, columns = conv_size(x.shape[2:], (kh, kw), stride, padding)
    shape = (m, *conv_size((rows, columns), size, pool_stride, what="pool size"), f)
    cols = buffer(work, "cols", (BLOCKS, rows * columns, kh * kw * c), x.dtype)
    maps = buffer(work, "maps", (BLOCKS, rows * columns, f), x.dtype)
    z = buffer(work, "z", shape, x.dtype)
    winner = buffer(work, "winner", shape, np.int32)
    _forward(padded(x, padding, work), filter_rows(w), b, kh, kw, *stride, columns, *size,
             *pool_stride, cols, maps, z, winner)
    return channels_first(z), channels_first(winner)


def _conv_max_pool_backward(dz, winner, x, w, size, pool_stride, stride, padding, need_dx, work):
    """(dx, nabla_w, nabla_b) from dz and winner, both (m, f, oh, ow)."""
    check_winner(winner, dz.shape, size)
    (f, c, kh, kw), (ph, pw) = w.shape, padding
    xp = padded(x, padding, work)
    dxp = buffer(work, "dxp", xp.shape if need_dx else (0, 0, 0, 0), x.dtype)
    nabla_w = buffer(work, "nabla_w", (f, kh * kw * c), x.dtype)
    nabla_b = buffer(work, "nabla_b", (f,), x.dtype)
    gradient = channels_last(dz), channels_last(winner), xp, filter_rows(w)
    places = kh, kw, *stride, size[1], *pool_stride
    if kw * c < SHORT_ROW:
        rows, columns = conv_size(x.shape[2:], (kh, kw), stride, padding)
        cols = buffer(work, "cols", (BLOCKS, rows * columns, kh * kw * c), x.dtype)
        w_share = buffer(work, "w_share", (BLOCKS, *nabla_w.shape), x.dtype)
        b_share = buffer(work, "b_share", (BLOCKS, f), x.dtype)
        _backward_short_rows(*gradient, *places, columns, cols, w_share, b_share, dxp)
        np.add.reduce(w_share, axis=0, out=nabla_w)
        np.add.reduce(b_share, axis=0, out=nabla_b)
    else:
        _backward(*gradient, *places, nabla_w, nabla_b, dxp)
    dx = channels_first(dxp[:, ph:ph + x.shape[2], pw:pw + x.shape[3]]) if need_dx else None
    return dx, channels_first(nabla_w.reshape(f, kh, kw, c)), nabla_b


@parallel_kernel
def _forward(x, w, b, kh, kw, sh, sw, ow, size_h, size_w, step_h, step_w, cols, maps, z, winner):
    for block in prange(BLOCKS):
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            patches_to_rows(x[e], kh, kw, sh, sw, ow, cols[block])
            np.dot(cols[block], w.T, maps[block])
            pool_maps(maps[block], b, ow, size_h, size_w, step_h, step_w, z[e], winner[e])


@kernel
def pool_maps(maps, b, ow, size_h, size_w, step_h, step_w, z, winner):
    """Add the biases and max-pool one example: maps (oh ow, f) -> z, winner (rows, columns, f)."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            largest, which = z[i, j], winner[i, j]
            last = size_h * size_w - 1
            for k in range(last, -1, -1):
                here = maps[(i * step_h + k // size_w) * ow + j * step_w + k % size_w]
                for f in range(b.size):
                    value = here[f] + b[f]
                    # From the last to the first and >=: of equal ones the first wins.  != itself:
                    # NaN is handed on, the first of them too.
                    if k == last or value >= largest[f] or value != value:
                        largest[f] = value
                        which[f] = k


@parallel_kernel
def _backward(dz, winner, x, w, kh, kw, sh, sw, size_w, step_h, step_w, nabla_w, nabla_b, dx):
    """Each block takes some filters for BP3 and BP4, and some examples for BP2."""
    for block in prange(BLOCKS):
        m, filters = dz.shape[0], dz.shape[3]
        start, stop = first(block, filters), first(block + 1, filters)
        nabla_w[start:stop] = 0
        nabla_b[start:stop] = 0
        for e in range(m):
            weight_gradient(dz[e], winner[e], x[e], kh, kw, sh, sw, size_w, step_h, step_w,
                            start, stop, nabla_w, nabla_b)
        if dx.size:
            for e in range(first(block, m), first(block + 1, m)):
                input_gradient(dz[e], winner[e], w, kh, kw, sh, sw, size_w, step_h, step_w, dx[e])


@parallel_kernel
def _backward_short_rows(dz, winner, x, w, kh, kw, sh, sw, size_w, step_h, step_w, ow, cols, w_share,
                         b_share, dx):
    """Each block takes some examples; what it sums for the filters is its share."""
    for block in prange(BLOCKS):
        w_share[block] = 0
        b_share[block] = 0
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            patches_to_rows(x[e], kh, kw, sh, sw, ow, cols[block])
            for i in range(dz.shape[1]):
                for j in range(dz.shape[2]):
                    for f in range(dz.shape[3]):
                        d = dz[e, i, j, f]
                        if d != 0:
                            k = winner[e, i, j, f]
                            p = (i * step_h + k // size_w) * ow + j * step_w + k % size_w
                            b_share[block, f] += d
                            add_scaled(w_share[block, f], d, cols[block, p])
            if dx.size:
                input_gradient(dz[e], winner[e], w, kh, kw, sh, sw, size_w, step_h, step_w, dx[e])


@kernel
def weight_gradient(dz, winner, x, kh, kw, sh, sw, size_w, step_h, step_w, start, stop, nabla_w,
                    nabla_b):
    """BP3 and BP4 of one example, for the filters from start to stop.

    Each pooled unit adds its dz times the patch that its winner looked at.
    """
    run = kw * x.shape[2]
    flat = x.reshape(x.size)
    for i in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            for f in range(start, stop):
                d = dz[i, j, f]
                if d != 0:
                    k = winner[i, j, f]
                    row, column = i * step_h + k // size_w, j * step_w + k % size_w
                    nabla_b[f] += d
                    for u in range(kh):
                        begin = run_start(row * sh + u, column * sw, x)
                        add_scaled(nabla_w[f, u * run:(u + 1) * run], d, flat[begin:begin + run])


@kernel
def input_gradient(dz, winner, w, kh, kw, sh, sw, size_w, step_h, step_w, dx):
    """BP2 of one example: each pooled unit adds its dz times its filter to its winner's patch."""
    dx[:] = 0
    run = kw * dx.shape[2]
    flat = dx.reshape(dx.size)
    for i in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            for f in range(dz.shape[2]):
                d = dz[i, j, f]
                if d != 0:
                    k = winner[i, j, f]
                    row, column = i * step_h + k // size_w, j * step_w + k % size_w
                    for u in range(kh):
                        begin = run_start(row * sh + u, column * sw, dx)
                        add_scaled(flat[begin:begin + run], d, w[f, u * run:(u + 1) * run])
