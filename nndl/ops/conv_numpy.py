"""Convolution by im2col, the reference: lay the patches out as rows, then one matrix product.

The book's (125) is a cross-correlation: the filter is not flipped.  So is ours.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .shapes import check_conv, check_float, check_images, check_output, conv_size


def im2col(x, kernel, stride=(1, 1), padding=(0, 0), work=None):
    """Every patch that the kernel covers, as one row.

    x : (m, c, h, w);  kernel (kh, kw), stride (sh, sw), padding (ph, pw) in pixels of zeros a side
    Returns cols : (m, oh, ow, c kh kw); cols[i, j, k] is the patch that makes output pixel (j, k).
    """
    check_images("x", x)
    check_float(x=x)
    oh, ow = conv_size(x.shape[2:], kernel, stride, padding)
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    patches = sliding_window_view(x, kernel, axis=(2, 3))[:, :, ::sh, ::sw]  # (m, c, oh, ow, kh, kw)
    return patches.transpose(0, 2, 3, 1, 4, 5).reshape(len(x), oh, ow, x.shape[1] * kh * kw)


def col2im(dcols, shape, kernel, stride=(1, 1), padding=(0, 0), work=None):
    """Undo im2col: each pixel sums the gradients of all patches that it was copied into.

    dcols : (m, oh, ow, c kh kw);  shape : (m, c, h, w) of the image
    Returns dx : (m, c, h, w).
    """
    m, c, h, w = shape
    oh, ow = conv_size((h, w), kernel, stride, padding)
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    check_output("dcols", dcols, (m, oh, ow, c * kh * kw))
    check_float(dcols=dcols)
    patches = dcols.reshape(m, oh, ow, c, kh, kw)
    dx = np.zeros((m, c, h + 2 * ph, w + 2 * pw), dcols.dtype)
    for i in range(kh):
        for j in range(kw):  # pixel (i, j) of every patch at once: these never overlap
            dx[:, :, i:i + sh * oh:sh, j:j + sw * ow:sw] += patches[..., i, j].transpose(0, 3, 1, 2)
    return dx[:, :, ph:ph + h, pw:pw + w]


def conv_forward(x, w, b, stride=(1, 1), padding=(0, 0), work=None):
    """z = b + sum over the patch of w·x at every place, the argument of sigma in book (125).

    x : (m, c, h, w)    images, or the feature maps of the layer before
    w : (f, c, kh, kw)  one filter for each map to make
    b : (f,)            one bias for each map, shared by all its neurons
    Returns z : (m, f, oh, ow), dtype of x.
    """
    check_conv(x, w, b)
    cols = im2col(x, w.shape[2:], stride, padding)   # (m, oh, ow, c kh kw)
    z = cols @ w.reshape(len(w), -1).T + b           # (m, oh, ow, f)
    return z.transpose(0, 3, 1, 2)


def conv_backward(dz, x, w, stride=(1, 1), padding=(0, 0), need_dx=True, work=None):
    """Undo conv_forward.  BP2, BP3 and BP4 for shared weights: each sums over all places.

    dz : (m, f, oh, ow) = dC/dz
    Returns (dx, nabla_w, nabla_b), shaped like x, w, b; dx is None unless need_dx.
    """
    check_conv(x, w)
    check_output("dz", dz, (len(x), len(w), *conv_size(x.shape[2:], w.shape[2:], stride, padding)))
    check_float(x=x, dz=dz)
    rows = dz.transpose(0, 2, 3, 1).reshape(-1, len(w))                # (m oh ow, f)
    cols = im2col(x, w.shape[2:], stride, padding)                     # (m, oh, ow, c kh kw)
    nabla_w = (rows.T @ cols.reshape(len(rows), cols.shape[-1])).reshape(w.shape)  # BP4
    nabla_b = rows.sum(axis=0)                                         # BP3
    if not need_dx:
        return None, nabla_w, nabla_b
    dcols = (rows @ w.reshape(len(w), -1)).reshape(cols.shape)         # BP2, patch by patch
    return col2im(dcols, x.shape, w.shape[2:], stride, padding), nabla_w, nabla_b


def conv_layout(w, work=None):
    """The same weights (f, c, kh, kw) in the order in memory that this backend reads fastest."""
    return np.ascontiguousarray(w)
