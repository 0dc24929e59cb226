"""Max-pooling and L2 pooling in Numba: each block takes some examples.

Memory is (m, h, w, c), see memory.channels_last, so that the innermost loop runs over channels.
"""

import functools
import math

import numpy as np
from numba import prange

from .jit import BLOCKS, clear, copy_to, first, kernel, parallel_kernel
from .memory import buffer, channels_first, channels_last
from .shapes import check_float, check_images, check_output, check_same_shape, check_winner, conv_size


def max_pool_forward(x, size=(2, 2), stride=(2, 2), work=None):
    """As pool_numpy.max_pool_forward."""
    check_images("x", x)
    check_float(x=x)
    shape = (len(x), *conv_size(x.shape[2:], size, stride, what="pool size"), x.shape[1])
    pooled = buffer(work, "pooled", shape, x.dtype)
    winner = buffer(work, "winner", shape, np.int32)
    x = channels_last(x)
    places = window(*size, x.shape[2] * x.shape[3], x.shape[3])
    _max_forward(x, places, *stride, pooled, winner)
    return channels_first(pooled), channels_first(winner)


def max_pool_backward(d_pooled, winner, shape, size=(2, 2), stride=(2, 2), work=None):
    """As pool_numpy.max_pool_backward."""
    m, c, h, w = shape
    expected = (m, c, *conv_size((h, w), size, stride, what="pool size"))
    check_output("d_pooled", d_pooled, expected)
    check_winner(winner, expected, size)
    check_float(d_pooled=d_pooled)
    dx = buffer(work, "dx", (m, h, w, c), d_pooled.dtype)
    places = window(*size, w * c, c)
    _max_backward(channels_last(d_pooled), channels_last(winner), places, *stride, dx)
    return channels_first(dx)


def l2_pool_forward(x, size=(2, 2), stride=(2, 2), work=None):
    """As pool_numpy.l2_pool_forward."""
    check_images("x", x)
    check_float(x=x)
    shape = (len(x), *conv_size(x.shape[2:], size, stride, what="pool size"), x.shape[1])
    pooled = buffer(work, "pooled", shape, x.dtype)
    x = channels_last(x)
    _l2_forward(x, window(*size, x.shape[2] * x.shape[3], x.shape[3]), *stride, pooled)
    return channels_first(pooled)


def l2_pool_backward(d_pooled, x, pooled, size=(2, 2), stride=(2, 2), work=None):
    """As pool_numpy.l2_pool_backward."""
    check_images("x", x)
    expected = (*x.shape[:2], *conv_size(x.shape[2:], size, stride, what="pool size"))
    check_output("d_pooled", d_pooled, expected)
    check_same_shape(d_pooled=d_pooled, pooled=pooled)
    check_float(x=x, pooled=pooled)
    x = channels_last(x)
    dx = buffer(work, "dx", x.shape, x.dtype)
    places = window(*size, x.shape[2] * x.shape[3], x.shape[3])
    _l2_backward(channels_last(d_pooled), x, channels_last(pooled), places, *stride, dx)
    return channels_first(dx)


@functools.cache
def window(kh, kw, row, column):
    """Where in memory the kh kw places of a window are, counted from its corner.

    row, column : how far apart in memory two rows of the image are, and two columns
    """
    return np.add.outer(np.arange(kh) * row, np.arange(kw) * column).reshape(-1)


@kernel
def max_of_windows(x, places, sh, sw, pooled, winner):
    """Max-pooling of one image x (h, w, c)."""
    flat, c = x.reshape(x.size), x.shape[2]
    for i in range(pooled.shape[0]):
        for j in range(pooled.shape[1]):
            corner = (i * sh * x.shape[1] + j * sw) * c
            copy_to(pooled[i, j], flat[corner:corner + c])
            clear(winner[i, j])
            for k in range(1, len(places)):
                begin = corner + places[k]
                keep_larger(flat[begin:begin + c], k, pooled[i, j], winner[i, j])


@kernel
def keep_larger(here, k, largest, which):
    """Where `here` is larger, it takes the place of largest, and k that of which.

    Of equal ones the first stays; NaN counts as larger than any number, and the first of them stays.
    """
    for t in range(largest.size):
        wins = not here[t] <= largest[t] and largest[t] == largest[t]
        largest[t] = here[t] if wins else largest[t]
        which[t] = k if wins else which[t]


@parallel_kernel
def _max_forward(x, places, sh, sw, pooled, winner):
    for block in prange(BLOCKS):
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            max_of_windows(x[e], places, sh, sw, pooled[e], winner[e])


@kernel
def hand_to_winners(d_pooled, winner, places, sh, sw, dx):
    """The gradient of one image: each window's goes to its winner, 0 to all others."""
    clear(dx)
    flat = dx.reshape(dx.size)
    for i in range(d_pooled.shape[0]):
        for j in range(d_pooled.shape[1]):
            d, which = d_pooled[i, j], winner[i, j]
            corner = (i * sh * dx.shape[1] + j * sw) * d.size
            for k in range(len(places)):
                here = flat[corner + places[k]:corner + places[k] + d.size]
                for c in range(d.size):
                    here[c] += d[c] if which[c] == k else 0


@parallel_kernel
def _max_backward(d_pooled, winner, places, sh, sw, dx):
    for block in prange(BLOCKS):
        for e in range(first(block, dx.shape[0]), first(block + 1, dx.shape[0])):
            hand_to_winners(d_pooled[e], winner[e], places, sh, sw, dx[e])


@kernel
def norm_of_windows(x, places, sh, sw, pooled):
    """L2 pooling of one image x (h, w, c)."""
    clear(pooled)
    flat, c = x.reshape(x.size), x.shape[2]
    for i in range(pooled.shape[0]):
        for j in range(pooled.shape[1]):
            total, corner = pooled[i, j], (i * sh * x.shape[1] + j * sw) * c
            for k in range(len(places)):
                here = flat[corner + places[k]:corner + places[k] + c]
                for t in range(c):
                    total[t] += here[t] * here[t]
            for t in range(c):
                total[t] = math.sqrt(total[t])


@kernel
def hand_by_share(d_pooled, x, pooled, places, sh, sw, dx):
    """The gradient of one image: each place of a window gets x / pooled of its gradient."""
    clear(dx)
    flat, flat_dx, c = x.reshape(x.size), dx.reshape(x.size), x.shape[2]
    for i in range(pooled.shape[0]):
        for j in range(pooled.shape[1]):
            d, norm, corner = d_pooled[i, j], pooled[i, j], (i * sh * x.shape[1] + j * sw) * c
            for k in range(len(places)):
                here = flat[corner + places[k]:corner + places[k] + c]
                dx_here = flat_dx[corner + places[k]:corner + places[k] + c]
                for t in range(c):
                    dx_here[t] += d[t] / norm[t] * here[t] if norm[t] != 0 else 0


@parallel_kernel
def _l2_forward(x, places, sh, sw, pooled):
    for block in prange(BLOCKS):
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            norm_of_windows(x[e], places, sh, sw, pooled[e])


@parallel_kernel
def _l2_backward(d_pooled, x, pooled, places, sh, sw, dx):
    for block in prange(BLOCKS):
        for e in range(first(block, dx.shape[0]), first(block + 1, dx.shape[0])):
            hand_by_share(d_pooled[e], x[e], pooled[e], places, sh, sw, dx[e])
