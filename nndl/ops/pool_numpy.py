"""Max-pooling and L2 pooling, the reference.  Book ch. 6.

Windows have any size and stride and may overlap; a remainder at the edge is dropped, which is why
backward is told the input's shape.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .shapes import check_float, check_images, check_output, check_same_shape, check_winner, conv_size


def windows(x, size, stride):
    """(m, c, oh, ow, kh kw): the pixels of each window, in reading order."""
    check_images("x", x)
    oh, ow = conv_size(x.shape[2:], size, stride, what="pool size")
    view = sliding_window_view(x, size, axis=(2, 3))[:, :, ::stride[0], ::stride[1]]
    return view.reshape(*x.shape[:2], oh, ow, size[0] * size[1])


def max_pool_forward(x, size=(2, 2), stride=(2, 2), work=None):
    """The largest activation of each window.

    x : (m, c, h, w)
    Returns (pooled, winner), both (m, c, oh, ow); winner is the index of the maximum within its
    window in reading order, int32.  Of equal pixels the first wins.
    """
    check_float(x=x)
    patches = windows(x, size, stride)
    winner = patches.argmax(axis=-1)
    pooled = np.take_along_axis(patches, winner[..., None], axis=-1)[..., 0]
    return pooled, winner.astype(np.int32)


def max_pool_backward(d_pooled, winner, shape, size=(2, 2), stride=(2, 2), work=None):
    """Undo max_pool_forward: only the winner of a window had a say, so it gets all the gradient.

    BP2 where neurons are picked instead of weighed.
    shape : (m, c, h, w) of the input.  Returns dx of that shape.
    """
    m, c, h, w = shape
    oh, ow = conv_size((h, w), size, stride, what="pool size")
    check_output("d_pooled", d_pooled, (m, c, oh, ow))
    check_winner(winner, (m, c, oh, ow), size)
    check_float(d_pooled=d_pooled)
    dx = np.zeros(shape, d_pooled.dtype)
    example, channel, i, j = np.indices(winner.shape, sparse=True)
    row = i * stride[0] + winner // size[1]
    column = j * stride[1] + winner % size[1]
    np.add.at(dx, (example, channel, row, column), d_pooled)  # += would lose overlaps
    return dx


def l2_pool_forward(x, size=(2, 2), stride=(2, 2), work=None):
    """The root of the sum of the squares of each window.

    x : (m, c, h, w).  Returns pooled : (m, c, oh, ow).
    """
    check_float(x=x)
    return np.sqrt(np.square(windows(x, size, stride)).sum(axis=-1))


def l2_pool_backward(d_pooled, x, pooled, size=(2, 2), stride=(2, 2), work=None):
    """Undo l2_pool_forward: d pooled / dx = x / pooled, taken to be 0 where the window is all 0.

    Returns dx : (m, c, h, w).
    """
    check_images("x", x)
    oh, ow = conv_size(x.shape[2:], size, stride, what="pool size")
    check_output("d_pooled", d_pooled, (*x.shape[:2], oh, ow))
    check_same_shape(d_pooled=d_pooled, pooled=pooled)
    check_float(x=x, pooled=pooled)
    share = np.divide(d_pooled, pooled, out=np.zeros_like(d_pooled), where=pooled != 0)
    dx = np.zeros(x.shape, x.dtype)
    for i in range(size[0]):
        for j in range(size[1]):  # pixel (i, j) of every window at once: these never overlap
            here = np.s_[:, :, i:i + stride[0] * oh:stride[0], j:j + stride[1] * ow:stride[1]]
            dx[here] += share * x[here]
    return dx
