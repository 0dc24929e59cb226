"""Convolution by im2col in Numba: each block takes some examples, and some filters for nabla_w.

Memory is (m, h, w, c) here, see jit.channels_last: a row of a patch is then one run of kw c numbers,
and im2col copies runs instead of single pixels.  Arrays handed in and out look like (m, c, h, w).
"""

import numpy as np
from numba import prange

from .jit import BLOCKS, buffer, channels_first, channels_last, first, kernel, parallel_kernel
from .shapes import check_conv, check_float, check_images, check_output, conv_size


def im2col(x, kernel, stride=(1, 1), padding=(0, 0), work=None):
    """As conv_numpy.im2col; the columns of a patch come in the reference's order, c kh kw."""
    check_images("x", x)
    check_float(x=x)
    oh, ow = conv_size(x.shape[2:], kernel, stride, padding)
    kh, kw = kernel
    m, c = x.shape[:2]
    xp = padded(x, padding, work)
    rows = buffer(work, "rows", (m, oh, ow, kh * kw * c), x.dtype)
    _im2col(xp, kh, kw, *stride, rows)
    by_channel = rows.reshape(m, oh, ow, kh * kw, c).swapaxes(3, 4)
    return by_channel.reshape(m, oh, ow, c * kh * kw)


def col2im(dcols, shape, kernel, stride=(1, 1), padding=(0, 0), work=None):
    """As conv_numpy.col2im."""
    m, c, h, w = shape
    oh, ow = conv_size((h, w), kernel, stride, padding)
    (kh, kw), (ph, pw) = kernel, padding
    check_output("dcols", dcols, (m, oh, ow, c * kh * kw))
    check_float(dcols=dcols)
    rows = np.ascontiguousarray(dcols.reshape(m, oh, ow, c, kh * kw).swapaxes(3, 4))
    dxp = buffer(work, "dxp", (m, h + 2 * ph, w + 2 * pw, c), dcols.dtype)
    _col2im(rows.reshape(m, oh, ow, kh * kw * c), kh, kw, *stride, dxp)
    return channels_first(dxp[:, ph:ph + h, pw:pw + w])


def conv_forward(x, w, b, stride=(1, 1), padding=(0, 0), work=None):
    """As conv_numpy.conv_forward, one example's patches at a time, so that they stay in cache."""
    check_conv(x, w, b)
    (m, c), (f, _, kh, kw) = x.shape[:2], w.shape
    oh, ow = conv_size(x.shape[2:], (kh, kw), stride, padding)
    xp = padded(x, padding, work)
    cols = buffer(work, "cols", (BLOCKS, oh * ow, kh * kw * c), x.dtype)
    z = buffer(work, "z", (m, oh * ow, f), x.dtype)
    _forward(xp, filter_rows(w), b, kh, kw, *stride, ow, cols, z)
    return channels_first(z.reshape(m, oh, ow, f))


def conv_backward(dz, x, w, stride=(1, 1), padding=(0, 0), need_dx=True, work=None):
    """As conv_numpy.conv_backward.

    Each block sums nabla_w over its own examples, and the blocks' sums are added in order.
    """
    check_conv(x, w)
    (m, c, h, width), (f, _, kh, kw) = x.shape, w.shape
    oh, ow = conv_size((h, width), (kh, kw), stride, padding)
    ph, pw = padding
    check_output("dz", dz, (m, f, oh, ow))
    check_float(x=x, dz=dz)
    xp = padded(x, padding, work)
    k = kh * kw * c
    cols = buffer(work, "cols", (BLOCKS, oh * ow, k), x.dtype)
    w_share = buffer(work, "w_share", (BLOCKS, f, k), x.dtype)
    b_share = buffer(work, "b_share", (BLOCKS, f), x.dtype)
    one_share = buffer(work, "one_share", (BLOCKS, f, k), x.dtype)
    dxp = buffer(work, "dxp", xp.shape if need_dx else (0, 0, 0, 0), x.dtype)
    dz = channels_last(dz).reshape(m, oh * ow, f)
    _backward(dz, xp, filter_rows(w), kh, kw, *stride, ow, cols, one_share, w_share, b_share, dxp)
    nabla_w = np.add.reduce(w_share, axis=0, out=buffer(work, "nabla_w", (f, k), x.dtype))
    nabla_b = np.add.reduce(b_share, axis=0, out=buffer(work, "nabla_b", (f,), x.dtype))
    dx = channels_first(dxp[:, ph:ph + h, pw:pw + width]) if need_dx else None
    return dx, channels_first(nabla_w.reshape(f, kh, kw, c)), nabla_b


def conv_layout(w, work=None):
    """As conv_numpy.conv_layout: (f, kh, kw, c) in memory, seen as (f, c, kh, kw)."""
    return channels_first(channels_last(w).copy())


def filter_rows(w):
    """The filters as rows (f, kh kw c), in the order of im2col's rows."""
    return channels_last(w).reshape(len(w), -1)


def padded(x, padding, work):
    """x as (m, h + 2 ph, w + 2 pw, c) with its border of zeros; x itself where there is none."""
    ph, pw = padding
    x = channels_last(x)
    if ph == pw == 0:
        return x
    m, h, w, c = x.shape
    xp = buffer(work, "xp", (m, h + 2 * ph, w + 2 * pw, c), x.dtype)
    xp[:] = 0
    xp[:, ph:ph + h, pw:pw + w] = x
    return xp


@kernel
def patches_to_rows(x, kh, kw, sh, sw, ow, cols):
    """im2col of one image x (h, w, c): cols[p] is the patch of output pixel (p // ow, p % ow)."""
    run = kw * x.shape[2]
    flat = x.reshape(x.size)
    for p in range(cols.shape[0]):
        for k in range(kh):
            begin = run_start(p // ow * sh + k, p % ow * sw, x)
            copy_to(cols[p, k * run:(k + 1) * run], flat[begin:begin + run])


@kernel
def rows_to_patches(cols, kh, kw, sh, sw, ow, dx):
    """col2im of one image: add each row to the patch that it was copied from."""
    dx[:] = 0
    run = kw * dx.shape[2]
    flat = dx.reshape(dx.size)
    for p in range(cols.shape[0]):
        for k in range(kh):
            begin = run_start(p // ow * sh + k, p % ow * sw, dx)
            add_scaled(flat[begin:begin + run], 1, cols[p, k * run:(k + 1) * run])


@kernel
def run_start(row, column, image):
    """Where pixel (row, column) of an image (h, w, c) begins in its memory."""
    return (row * image.shape[1] + column) * image.shape[2]


@kernel
def copy_to(target, source):
    """target = source, for two runs of memory.

    Slices of their own tell the compiler that no index is negative, and so to take many at once.
    """
    for t in range(target.size):
        target[t] = source[t]


@kernel
def add_scaled(target, d, source):
    """target += d source, for two runs of memory."""
    for t in range(target.size):
        target[t] += d * source[t]


@parallel_kernel
def _im2col(x, kh, kw, sh, sw, rows):
    for block in prange(BLOCKS):
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            row = rows[e].reshape(rows.shape[1] * rows.shape[2], rows.shape[3])
            patches_to_rows(x[e], kh, kw, sh, sw, rows.shape[2], row)


@parallel_kernel
def _col2im(rows, kh, kw, sh, sw, dx):
    for block in prange(BLOCKS):
        for e in range(first(block, dx.shape[0]), first(block + 1, dx.shape[0])):
            row = rows[e].reshape(rows.shape[1] * rows.shape[2], rows.shape[3])
            rows_to_patches(row, kh, kw, sh, sw, rows.shape[2], dx[e])


@parallel_kernel
def _forward(x, w, b, kh, kw, sh, sw, ow, cols, z):
    for block in prange(BLOCKS):
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            patches_to_rows(x[e], kh, kw, sh, sw, ow, cols[block])
            np.dot(cols[block], w.T, z[e])
            for p in range(z.shape[1]):
                for j in range(z.shape[2]):
                    z[e, p, j] += b[j]


@parallel_kernel
def _backward(dz, x, w, kh, kw, sh, sw, ow, cols, one_share, w_share, b_share, dx):
    for block in prange(BLOCKS):
        w_share[block] = 0
        b_share[block] = 0
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            patches_to_rows(x[e], kh, kw, sh, sw, ow, cols[block])
            np.dot(dz[e].T, cols[block], one_share[block])  # BP4 for this example
            w_share[block] += one_share[block]
            for p in range(dz.shape[1]):
                for j in range(dz.shape[2]):
                    b_share[block, j] += dz[e, p, j]        # BP3
            if dx.size:
                np.dot(dz[e], w, cols[block])               # BP2, patch by patch
                rows_to_patches(cols[block], kh, kw, sh, sw, ow, dx[e])
