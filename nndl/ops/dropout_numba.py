"""Dropout in Numba: one loop over all numbers, in the order of memory."""

import numpy as np
from numba import prange

from .dropout_numpy import check_p_dropout, least_kept, scale
from .jit import BLOCKS, elementwise_kernel, exact_kernel, first, share
from .memory import buffer, in_logical_order, in_memory_order, memory_shape, remembered
from .shapes import check_float, check_output

FEW = 16_000  # numbers: the calling thread is done with them before another one has begun


def dropout_mask(shape, key, p_dropout, work=None):
    """As dropout_numpy.dropout_mask."""
    least, flat, mask = remembered(work, _prepare_mask, (), shape, p_dropout)
    _draw(np.uint64(key), least, flat)
    return mask


def _prepare_mask(work, shape, p_dropout):
    check_p_dropout(p_dropout)
    memory = buffer(work, "mask", memory_shape(shape), np.uint8)
    return least_kept(p_dropout), memory.reshape(-1), in_logical_order(memory)


def dropout_draw(a, key, p_dropout, inverted=True, work=None):
    """As dropout_numpy.dropout_draw, in one call."""
    arguments, result = remembered(work, _prepare_draw, (a,), p_dropout, inverted)
    _draw_and_mask(np.uint64(key), *arguments)
    return result


def _prepare_draw(work, a, p_dropout, inverted):
    check_float(a=a)
    check_p_dropout(p_dropout)
    flat = in_memory_order(a)
    mask = buffer(work, "mask", flat.shape, np.uint8)
    out = buffer(work, "dropped", flat.shape, a.dtype)
    arguments = (least_kept(p_dropout), flat.reshape(-1), a.dtype.type(scale(p_dropout, inverted)),
                 mask.reshape(-1), out.reshape(-1))
    return arguments, (in_logical_order(out), in_logical_order(mask))


def dropout_forward(a, mask, p_dropout, inverted=True, work=None):
    """As dropout_numpy.dropout_forward."""
    return _product(a, mask, p_dropout, inverted, "dropped", work)


def dropout_backward(d_dropped, mask, p_dropout, inverted=True, work=None):
    """As dropout_numpy.dropout_backward."""
    return _product(d_dropped, mask, p_dropout, inverted, "da", work)


def _product(a, mask, p_dropout, inverted, name, work):
    kernel, arguments, out = remembered(work, _prepare_product, (a, mask), p_dropout, inverted, name)
    kernel(*arguments)
    return out


def _prepare_product(work, a, mask, p_dropout, inverted, name):
    check_float(a=a)
    check_output("mask", mask, a.shape)
    check_p_dropout(p_dropout)
    flat = in_memory_order(a)
    out, factor = buffer(work, name, flat.shape, a.dtype), a.dtype.type(scale(p_dropout, inverted))
    return (masked if a.size <= FEW else _masked,
            (flat.reshape(-1), in_memory_order(mask).reshape(-1), factor, out.reshape(-1)),
            in_logical_order(out))


@elementwise_kernel
def _draw(key, least, mask):
    for block in prange(BLOCKS):
        draw(key, least, first(block, mask.size), share(block, mask))


@elementwise_kernel
def _draw_and_mask(key, least, a, scale, mask, out):
    for block in prange(BLOCKS):
        some = share(block, mask)
        draw(key, least, first(block, mask.size), some)
        masked(share(block, a), some, scale, share(block, out))


@exact_kernel
def draw(key, least, start, mask):
    """Whether each of some units is kept, of which the first is number `start`.

    Four times x * x: dropout_numpy.squares.
    """
    half = np.uint64(32)
    for i in range(mask.size):
        y = np.uint64(start + i) * key
        z = y + key
        x = y * y + y
        x = x >> half | x << half
        x = x * x + z
        x = x >> half | x << half
        x = x * x + y
        x = x >> half | x << half
        mask[i] = (x * x + z) >> half >= least


@elementwise_kernel
def _masked(a, mask, scale, out):
    for block in prange(BLOCKS):
        masked(share(block, a), share(block, mask), scale, share(block, out))


@exact_kernel
def masked(a, mask, scale, out):
    """What the mask keeps, scaled; 0 elsewhere."""
    for i in range(out.size):
        out[i] = a[i] * scale if mask[i] else 0
