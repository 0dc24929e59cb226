"""Convolution by im2col in Numba: each block takes some examples.

Memory is (m, h, w, c) here, see memory.channels_last: a row of a patch is then one run of kw c
numbers, and im2col copies runs instead of single pixels.  Arrays handed in and out look like
(m, c, h, w).
"""

import numpy as np
from numba import get_thread_id, prange

from .jit import (
    BLOCKS,
    NOT_NEGATIVE,
    SMALL_PRODUCT,
    THREADS,
    add_to,
    clear,
    first,
    kernel,
    parallel_kernel,
    sum_shares,
)
from .memory import buffer, channels_first, channels_last
from .shapes import check_conv, check_float, check_images, check_output, conv_size


def im2col(x, kernel, stride=(1, 1), padding=(0, 0), work=None):
    """As conv_numpy.im2col; the columns of a patch come in the reference's order, c kh kw."""
    check_images("x", x)
    check_float(x=x)
    oh, ow = conv_size(x.shape[2:], kernel, stride, padding)
    kh, kw = kernel
    m, c = x.shape[:2]
    xp = fill(padded(x, padding, work), x, padding)
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
    """As conv_numpy.conv_forward, some rows of one example at a time, so that all stays in cache."""
    check_conv(x, w, b)
    (m, c), (f, _, kh, kw) = x.shape[:2], w.shape
    oh, ow = conv_size(x.shape[2:], (kh, kw), stride, padding)
    xp = fill(padded(x, padding, work), x, padding)
    band, cols = scratch(oh, ow, kh * kw * c, f, x.dtype, work)
    z = buffer(work, "z", (m, oh * ow, f), x.dtype)
    _forward(xp, filter_columns(w, work), b, kh, kw, *stride, ow, band, cols, z)
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
    xp = fill(padded(x, padding, work), x, padding)
    band, cols = scratch(oh, ow, kh * kw * c, f, x.dtype, work)
    shares = gradient_shares(f, kh * kw * c, x.dtype, work)
    dxp = buffer(work, "dxp", xp.shape if need_dx else (0, 0, 0, 0), x.dtype)
    dz = channels_last(dz).reshape(m, oh * ow, f)
    _backward(dz, xp, filter_rows(w), kh, kw, *stride, ow, band, cols, *shares, dxp)
    nabla_w, nabla_b = add_shares(*shares, (kh, kw, c), work)
    dx = channels_first(dxp[:, ph:ph + h, pw:pw + width]) if need_dx else None
    return dx, nabla_w, nabla_b


def conv_layout(w, work=None):
    """As conv_numpy.conv_layout: (f, kh, kw, c) in memory, seen as (f, c, kh, kw)."""
    return channels_first(channels_last(w).copy())


def filter_rows(w):
    """The filters as rows (f, kh kw c), in the order of im2col's rows."""
    return channels_last(w).reshape(len(w), -1)


def filter_columns(w, work):
    """The filters as columns (kh kw c, f), which OpenBLAS multiplies by faster than by w.T."""
    rows = filter_rows(w)
    columns = buffer(work, "w_columns", rows.shape[::-1], w.dtype)
    columns[...] = rows.T
    return columns


def scratch(oh, ow, k, f, dtype, work):
    """How many rows of output pixels one matrix product takes, and im2col's memory for them.

    As many as SMALL_PRODUCT lets, k numbers a patch and f filters; if not even one, then all.
    """
    band = min(oh, SMALL_PRODUCT // (ow * k * f) or oh)
    band = -(-oh // -(-oh // band))  # the last product no smaller than it must be
    return band, buffer(work, "cols", (THREADS, band * ow * k), dtype)


def gradient_shares(f, k, dtype, work):
    """(w_share, b_share, product): what each block sums of nabla_w and nabla_b, and one product."""
    return (buffer(work, "w_share", (BLOCKS, f, k), dtype),
            buffer(work, "b_share", (BLOCKS, f), dtype),
            buffer(work, "product", (THREADS, f * k), dtype))


def add_shares(w_share, b_share, product, patch, work):
    """(nabla_w, nabla_b): the blocks' shares added in order, nabla_w as (f, c, kh, kw)."""
    _, f, k = w_share.shape
    nabla_w = buffer(work, "nabla_w", (f * k,), w_share.dtype)
    nabla_b = buffer(work, "nabla_b", (f,), w_share.dtype)
    sum_shares(w_share.reshape(BLOCKS, f * k), nabla_w)
    sum_shares(b_share, nabla_b)
    return channels_first(nabla_w.reshape(f, *patch)), nabla_b


def padded(x, padding, work):
    """Memory for x as (m, h + 2 ph, w + 2 pw, c), its border of zeros; x itself if it has none."""
    ph, pw = padding
    x = channels_last(x)
    if ph == pw == 0:
        return x
    m, h, w, c = x.shape
    xp = buffer(work, "xp", (m, h + 2 * ph, w + 2 * pw, c), x.dtype)
    xp[:] = 0
    return xp


def fill(xp, x, padding):
    """x within the memory that padded has made for it."""
    ph, pw = padding
    if ph or pw:
        x = channels_last(x)
        xp[:, ph:ph + x.shape[1], pw:pw + x.shape[2]] = x
    return xp


@kernel
def feature_maps(x, w_columns, kh, kw, sh, sw, ow, band, cols, maps):
    """The convolution of one image x (h, w, c), without biases: maps (oh ow, f).

    A band of output rows at a time: im2col, then one matrix product for all filters.
    """
    k = w_columns.shape[0]
    for p in range(0, maps.shape[0], band * ow):
        some = maps[p:p + band * ow]
        by_pixel = cols[:some.shape[0] * k].reshape(some.shape[0], k)
        patches_to_rows(x, kh, kw, sh, sw, ow, p, by_pixel)
        np.dot(by_pixel, w_columns, some)


@kernel
def add_weight_gradient(dz, x, kh, kw, sh, sw, ow, band, cols, product, nabla_w):
    """BP4 of one image x (h, w, c) and its dz (oh ow, f): dz.T times the patches."""
    f, k = nabla_w.shape
    for p in range(0, dz.shape[0], band * ow):
        some = dz[p:p + band * ow]
        by_pixel = cols[:some.shape[0] * k].reshape(some.shape[0], k)
        patches_to_rows(x, kh, kw, sh, sw, ow, p, by_pixel)
        np.dot(some.T, by_pixel, product.reshape(f, k))
        add_to(nabla_w.reshape(f * k), product)


@kernel
def input_gradient_of_all(dz, w, kh, kw, sh, sw, ow, band, cols, dx):
    """BP2 of one image: each output pixel hands its dz back to its whole patch of dx (h, w, c)."""
    dx[:] = 0
    k = w.shape[1]
    for p in range(0, dz.shape[0], band * ow):
        some = dz[p:p + band * ow]
        by_pixel = cols[:some.shape[0] * k].reshape(some.shape[0], k)
        np.dot(some, w, by_pixel)
        rows_to_patches(by_pixel, kh, kw, sh, sw, ow, p, dx)


@kernel
def patches_to_rows(x, kh, kw, sh, sw, ow, start, rows):
    """im2col of an image x (h, w, c): rows[p] is the patch of output pixel start + p.

    Pixel q looks at the patch whose corner is at (q // ow sh, q % ow sw).
    """
    run, flat, cols = kw * x.shape[2], x.reshape(x.size), rows.reshape(rows.size)
    to = 0
    for p in range(start, start + rows.shape[0]):
        for u in range(kh):
            begin = run_start(p // ow * sh + u, p % ow * sw, x) & NOT_NEGATIVE
            to &= NOT_NEGATIVE
            for t in range(run):
                cols[to + t] = flat[begin + t]
            to += run


@kernel
def rows_to_patches(rows, kh, kw, sh, sw, ow, start, dx):
    """col2im, the way back: add each row to the patch that patches_to_rows copies it from."""
    run = kw * dx.shape[2]
    flat = dx.reshape(dx.size)
    for p in range(rows.shape[0]):
        i, j = (start + p) // ow, (start + p) % ow
        for u in range(kh):
            begin = run_start(i * sh + u, j * sw, dx)
            add_to(flat[begin:begin + run], rows[p, u * run:(u + 1) * run])


@kernel
def run_start(row, column, image):
    """Where pixel (row, column) of an image (h, w, c) begins in its memory."""
    return (row * image.shape[1] + column) * image.shape[2]


@parallel_kernel
def _im2col(x, kh, kw, sh, sw, rows):
    for block in prange(BLOCKS):
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            row = rows[e].reshape(rows.shape[1] * rows.shape[2], rows.shape[3])
            patches_to_rows(x[e], kh, kw, sh, sw, rows.shape[2], 0, row)


@parallel_kernel
def _col2im(rows, kh, kw, sh, sw, dx):
    for block in prange(BLOCKS):
        for e in range(first(block, dx.shape[0]), first(block + 1, dx.shape[0])):
            clear(dx[e])
            row = rows[e].reshape(rows.shape[1] * rows.shape[2], rows.shape[3])
            rows_to_patches(row, kh, kw, sh, sw, rows.shape[2], 0, dx[e])


@parallel_kernel
def _forward(x, w_columns, b, kh, kw, sh, sw, ow, band, cols, z):
    for block in prange(BLOCKS):
        thread = get_thread_id()
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            feature_maps(x[e], w_columns, kh, kw, sh, sw, ow, band, cols[thread], z[e])
            for p in range(z.shape[1]):
                add_to(z[e, p], b)


@parallel_kernel
def _backward(dz, x, w, kh, kw, sh, sw, ow, band, cols, w_share, b_share, product, dx):
    for block in prange(BLOCKS):
        thread = get_thread_id()
        clear(w_share[block])
        clear(b_share[block])
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            add_weight_gradient(dz[e], x[e], kh, kw, sh, sw, ow, band, cols[thread], product[thread],
                                w_share[block])                 # BP4
            for p in range(dz.shape[1]):
                add_to(b_share[block], dz[e, p])                # BP3
            if dx.size:
                input_gradient_of_all(dz[e], w, kh, kw, sh, sw, ow, band, cols[thread], dx[e])
