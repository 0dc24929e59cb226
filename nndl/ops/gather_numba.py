"""A mini-batch gathered from the data in Numba: one loop copies, and makes floats of bytes."""

import numpy as np
from numba import prange

from .gather_numpy import check_gather
from .jit import BLOCKS, copy_to, elementwise_kernel, exact_kernel, first


def gather(images, rows, which, some, x, y, checked=False):
    """As gather_numpy.gather."""
    if not checked:
        check_gather(images, rows, which, some, x, y)
    scale = x.dtype.type(1 / 256 if images.dtype == np.uint8 else 1)
    _gather(images, rows, which, some, scale, x, y)


@elementwise_kernel
def _gather(images, rows, which, some, scale, x, y):
    for block in prange(BLOCKS):
        for i in range(first(block, some.size), first(block + 1, some.size)):
            as_floats(images[some[i]], scale, x[i])
            copy_to(y[i], rows[which[some[i]]])


@exact_kernel
def as_floats(image, scale, x):
    """x = image scale."""
    for t in range(x.size):
        x[t] = image[t] * scale
