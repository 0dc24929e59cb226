"""Where an operation keeps its arrays from one mini-batch to the next, and in which order.

`work` is the dict of nndl/ops/__init__.py, or None.  An array's memory order is that of its axes,
but of images and of sequences: inside the kernels those lie as (m, h, w, c) and as (t, m, n).
"""

import math
from operator import is_

import numpy as np

# By the number of axes: which of them come first in memory, where that is not their own order.
AXES = {3: (1, 0, 2), 4: (0, 2, 3, 1)}  # the steps of a sequence first; the channels of an image last
BACK = {3: (1, 0, 2), 4: (0, 3, 1, 2)}


LINE = 64  # bytes that a processor's cache loads at once


def empty(shape, dtype):
    """As np.empty, but beginning with a line of cache.

    NumPy's arrays begin anywhere, most of them so that every second load of eight floats takes parts of
    two lines: the products of panel_numba are a quarter faster from here.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + LINE, np.uint8)
    begin = -memory.__array_interface__["data"][0] % LINE
    return memory[begin:begin + size].view(dtype).reshape(shape)


def buffer(work, name, shape, dtype):
    """An uninitialised array: the one kept in work under this name, or a new one without work."""
    if work is None:
        return empty(shape, dtype)
    have = work.get(name)
    if have is not None and have.shape == shape and have.dtype == dtype:
        return have
    # Another shape, most often the last short mini-batch: a view of the memory kept beneath.
    size = math.prod(shape)
    memory = work.get(name + " memory")
    if memory is None or memory.size < size or memory.dtype != dtype:
        memory = work[name + " memory"] = empty((size,), dtype)
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
    if x is None:
        return True
    axes = AXES.get(x.ndim)
    return (x if axes is None else x.transpose(axes)).flags.c_contiguous


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
    """x contiguous, its axes in the order of memory: channels_last for images, steps first."""
    axes = AXES.get(x.ndim)
    return np.ascontiguousarray(x if axes is None else x.transpose(axes))


def memory_shape(shape):
    """The shape of in_memory_order(x) for an x of this shape."""
    return tuple(shape[axis] for axis in AXES.get(len(shape), range(len(shape))))


def in_logical_order(x):
    """in_memory_order's way back, as a view."""
    axes = BACK.get(x.ndim)
    return x if axes is None else x.transpose(axes)


def seen_as(work, name, x, look):
    """look(x), a view of x: the same object as last time for the same x, so that others remember it."""
    have = work.get(name)
    if have is not None and have[0] is x:
        return have[1]
    view = look(x)
    work[name] = (x, view) if np.may_share_memory(view, x) else None  # a copy is made anew each time
    return view


def rows_of_steps(x):
    """Sequences (m, t, n) as rows (t m, n), in the order of memory."""
    return in_memory_order(x).reshape(-1, x.shape[2])


def steps_of_rows(m):
    """rows_of_steps's way back, for m sequences: a function of the rows."""
    return lambda rows: in_logical_order(rows.reshape(-1, m, rows.shape[1]))
