"""Where an operation keeps its arrays from one mini-batch to the next, and in which order.

`work` is the dict of nndl/ops/__init__.py, or None.  An array's memory order is that of its axes,
but of images: inside the kernels those lie as (m, h, w, c).
"""

import math
from operator import is_

import numpy as np


def buffer(work, name, shape, dtype):
    """An uninitialised array: the one kept in work under this name, or a new one without work."""
    if work is None:
        return np.empty(shape, dtype)
    have = work.get(name)
    if have is not None and have.shape == shape and have.dtype == dtype:
        return have
    # Another shape, most often the last short mini-batch: a view of the memory kept beneath.
    size = math.prod(shape)
    memory = work.get(name + " memory")
    if memory is None or memory.size < size or memory.dtype != dtype:
        memory = work[name + " memory"] = np.empty(size, dtype)
    work[name] = memory[:size].reshape(shape)
    return work[name]


def remembered(work, prepare, arrays, *options):
    """prepare(work, *arrays, *options), or what it returned last time if for the very same ones.

    Checks, sizes, memory and the kernel's arguments are the same for every mini-batch, and so are
    the arrays, whose numbers alone change: layers hand over buffers.  Settling all this takes as
    long as computing a small layer, so with a work dict an operation does it once.  Only where
    every array is in memory order: of others prepare makes copies, each time.
    """
    have = None if work is None else work.get(prepare)
    if have is not None and all(map(is_, have[0], arrays)) and have[1] == options:
        return have[2]
    prepared = prepare(work, *arrays, *options)
    if work is not None:
        work[prepare] = (arrays, options, prepared) if all(map(in_order, arrays)) else None
    return prepared


def in_order(x):
    """Whether in_memory_order(x) is a view of x, or x is None."""
    return x is None or (x.transpose(0, 2, 3, 1) if x.ndim == 4 else x).flags.c_contiguous


def channels_last(x):
    """Images (m, c, h, w) as a contiguous (m, h, w, c): free if the memory has that order already.

    Inside the kernels the channels of a pixel are neighbours, so that a row of a patch, kw c
    numbers, is one run of memory.
    """
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def channels_first(x):
    """channels_last's way back, as a view: (m, h, w, c) memory looked at as (m, c, h, w)."""
    return x.transpose(0, 3, 1, 2)


def in_memory_order(x):
    """x contiguous, its axes in the order of memory: channels_last for images."""
    return channels_last(x) if x.ndim == 4 else np.ascontiguousarray(x)


def memory_shape(shape):
    """The shape of in_memory_order(x) for an x of this shape."""
    if len(shape) != 4:
        return tuple(shape)
    m, c, h, w = shape
    return m, h, w, c


def in_logical_order(x):
    """in_memory_order's way back, as a view."""
    return channels_first(x) if x.ndim == 4 else x
