"""The book's ConvPoolLayer in Numba: two ideas make it fast, both about max-pooling.

Forward, a monotone activation may come after max-pooling instead of before: the largest z has the
largest activation.  So the feature maps of one example are made, pooled while still in cache, and
the activation sees a quarter of the numbers.

Backward, the gradient at the feature maps is mostly zeros: of each window only the winner has one,
and where ReLU is off not even the winner.  So no map of zeros is made and multiplied.  Each pooled
unit with a gradient d adds d times the patch that its winner looked at to its filter's nabla_w
(BP4), and d times the filter to that patch of dx (BP2): straight from and into the images.

Where patches are short, as in the first layer with its one grey map, whole matrix products are
cheaper still, place by place: all windows' first pixels at once, then all their second ones.  What
these look at are pixels two rows and two columns apart (for 2 x 2 pooling), so the image is first
thinned out into four small ones, in which they are neighbours again.

ReLU is part of these kernels, while the numbers are in cache; another activation is a pass of its own.
`fused` says where all this applies; GELU and L2 pooling go to the convolution, activation and
pooling next door.
"""

import numpy as np
from numba import get_thread_id, prange

from . import activation_numba
from .activation_numba import MONOTONE, activation_backward, activation_forward
from .conv_numba import (
    conv_backward,
    conv_forward,
    feature_maps,
    fill,
    filter_rows,
    padded,
    scratch,
)
from .conv_pool_numpy import check_backward, check_pool
from .jit import (
    BLOCKS,
    NOT_NEGATIVE,
    THREADS,
    add_patches,
    add_to,
    clear,
    copy_to,
    first,
    kernel,
    parallel_kernel,
    sum_shares,
)
from .memory import buffer, channels_first, channels_last, remembered
from .pool_numba import (
    keep_larger,
    l2_pool_backward,
    l2_pool_forward,
    max_of_windows,
    max_pool_backward,
    max_pool_forward,
    window,
)
from .shapes import check_conv, check_winner, conv_size

SHORT_ROW = 16        # where a row of a patch has fewer numbers than this, it goes place by place
EXAMPLES_AT_ONCE = 5  # whose winners of a filter are listed together: their images fit the cache
MANY_EXAMPLES = 8     # for BP4 the blocks halve the mini-batch from here on, see _backward


def fused(activation, pool):
    """Whether the fast path applies: pooling first gives the same result."""
    return check_pool(pool) == "max" and activation in MONOTONE


def conv_pool_forward(x, w, b, activation="relu", alpha=0.0, pool="max", size=(2, 2),
                      pool_stride=(2, 2), stride=(1, 1), padding=(0, 0), work=None):
    """As conv_pool_numpy.conv_pool_forward."""
    if not fused(activation, pool):
        return _forward_in_turn(x, w, b, activation, alpha, pool, size, pool_stride, stride, padding,
                                work)
    calls, xp, w_columns, columns, pooled, winner = remembered(
        work, _prepare_forward, (x, w, b), activation, alpha, size, pool_stride, stride, padding)
    fill(xp, x, padding)
    w_columns[...] = columns
    for function, arguments in calls:
        function(*arguments)
    return pooled, winner, None, None


def conv_pool_backward(d_pooled, pooled, winner, a, z, x, w, activation="relu", alpha=0.0,
                       pool="max", size=(2, 2), pool_stride=(2, 2), stride=(1, 1), padding=(0, 0),
                       need_dx=True, work=None):
    """As conv_pool_numpy.conv_pool_backward."""
    if not fused(activation, pool):
        return _backward_in_turn(d_pooled, pooled, winner, a, z, x, w, activation, alpha, pool, size,
                                 pool_stride, stride, padding, need_dx, work)
    calls, xp, own_winner, result = remembered(
        work, _prepare_backward, (d_pooled, pooled, winner, x, w), activation, alpha, size,
        pool_stride, stride, padding, need_dx)
    if not own_winner:
        check_winner(winner, d_pooled.shape, size)  # not the one that forward has just made
    fill(xp, x, padding)
    for function, arguments in calls:
        function(*arguments)
    return result


def part(work, name):
    """The dict within work that an operation inside this one owns; None without work."""
    return None if work is None else work.setdefault(name, {})


def _forward_in_turn(x, w, b, activation, alpha, pool, size, pool_stride, stride, padding, work):
    """conv_pool_forward by the three operations next door."""
    z = conv_forward(x, w, b, stride, padding, part(work, "conv"))
    a = activation_forward(z, activation, alpha, part(work, "activation"))
    before = None if activation in MONOTONE else z
    if pool == "max":
        return *max_pool_forward(a, size, pool_stride, part(work, "pool")), None, before
    return l2_pool_forward(a, size, pool_stride, part(work, "pool")), None, a, before


def _backward_in_turn(d_pooled, pooled, winner, a, z, x, w, activation, alpha, pool, size, pool_stride,
                      stride, padding, need_dx, work):
    """conv_pool_backward by the three operations next door."""
    z_shape = remembered(work, _checked, (d_pooled, pooled, x, w), pool, size, pool_stride, stride,
                         padding)
    if pool == "max":
        da = max_pool_backward(d_pooled, winner, z_shape, size, pool_stride, part(work, "pool"))
    else:
        da = l2_pool_backward(d_pooled, a, pooled, size, pool_stride, part(work, "pool"))
    dz = activation_backward(da, a, z, activation, alpha, part(work, "activation"))
    return conv_backward(dz, x, w, stride, padding, need_dx, part(work, "conv"))


def _checked(work, *given):
    return check_backward(*given)


def _prepare_forward(work, x, w, b, activation, alpha, size, pool_stride, stride, padding):
    """(kernels with their arguments, xp, w_columns and what it is made of, pooled, winner)."""
    check_conv(x, w, b)
    m, (f, c, kh, kw) = len(x), w.shape
    k, maps = kh * kw * c, conv_size(x.shape[2:], (kh, kw), stride, padding)
    shape = (m, *conv_size(maps, size, pool_stride, what="pool size"), f)
    z = buffer(work, "z", (THREADS, *shape[1:]), x.dtype)
    pooled = buffer(work, "pooled", shape, x.dtype)
    winner = buffer(work, "winner", shape, np.int32)
    xp = padded(x, padding, work)
    w_columns = buffer(work, "w_columns", (k, f), w.dtype)
    given = xp, w_columns, b, activation == "relu", kh, kw, *stride
    if kw * c < SHORT_ROW:
        forward = _forward_by_places, (
            *given, *size, *thinned_memory(xp, shape, k, stride, pool_stride, work), z, pooled, winner)
    else:
        band, cols = scratch(*maps, k, f, x.dtype, work)
        forward = _forward, (
            *given, band, window(*size, maps[1] * f, f), *pool_stride, cols,
            buffer(work, "maps", (THREADS, *maps, f), x.dtype), z, pooled, winner)
    pooled, winner = channels_first(pooled), channels_first(winner)
    calls = [forward]
    if activation not in ("relu", "linear"):
        *activate, pooled = activation_numba.prepare_forward(part(work, "activation"), pooled,
                                                             activation, alpha)
        calls.append(activate)
    return calls, xp, w_columns, filter_rows(w).T, pooled, winner


def _prepare_backward(work, d_pooled, pooled, winner, x, w, activation, alpha, size, pool_stride,
                      stride, padding, need_dx):
    """(kernels with their arguments, xp, whether winner is forward's, (dx, nabla_w, nabla_b))."""
    check_backward(d_pooled, pooled, x, w, "max", size, pool_stride, stride, padding)
    own_winner = work is not None and np.may_share_memory(winner, work.get("winner"))
    by_places = w.shape[3] * w.shape[1] < SHORT_ROW and not need_dx
    relu_within = by_places and activation == "relu"
    xp, calls, dz = padded(x, padding, work), [], d_pooled
    if activation != "linear" and not relu_within:
        *chain, dz = activation_numba.prepare_backward(part(work, "activation"), d_pooled, pooled,
                                                       activation, alpha)
        calls.append(chain)
    if by_places:
        more, result = _place_by_place(work, dz, pooled, winner, xp, w, relu_within, size,
                                       pool_stride, stride)
    else:
        more, result = _winner_by_winner(work, dz, winner, x, xp, w, size, pool_stride, stride,
                                         padding, need_dx)
    return calls + more, xp, own_winner, result


def _winner_by_winner(work, dz, winner, x, xp, w, size, pool_stride, stride, padding, need_dx):
    """_prepare_backward for long patches; dz is the gradient after pooling, before activation."""
    (f, c, kh, kw), (ph, pw) = w.shape, padding
    dxp = buffer(work, "dxp", xp.shape if need_dx else (0, 0, 0, 0), x.dtype)
    # nabla_w and nabla_b one after the other, so that they are summed at once.
    shares = buffer(work, "shares", (1 + (len(x) >= MANY_EXAMPLES), w.size + f), x.dtype)
    nablas = buffer(work, "nablas", shares.shape[1:], x.dtype)
    arguments = (channels_last(dz), channels_last(winner), xp, filter_rows(w), kh, kw,
                 *patches_of_windows(xp, size, pool_stride, stride),
                 *lists(dz.shape, size, x.dtype, work), shares, dxp)
    dx = channels_first(dxp[:, ph:ph + x.shape[2], pw:pw + x.shape[3]]) if need_dx else None
    nabla_w = channels_first(nablas[:w.size].reshape(f, kh, kw, c))
    return ([(_backward, arguments), (sum_shares, (shares, nablas))],
            (dx, nabla_w, nablas[w.size:]))


def _place_by_place(work, dz, pooled, winner, xp, w, relu, size, pool_stride, stride):
    """_prepare_backward for a first layer, of which nobody needs dx: it is None."""
    (f, c, kh, kw), (m, _, oh, ow), dtype = w.shape, dz.shape, xp.dtype
    k = kh * kw * c
    sums = buffer(work, "w_share", (BLOCKS, k, f), dtype), buffer(work, "b_share", (BLOCKS, f), dtype)
    arguments = (channels_last(dz), channels_last(pooled), channels_last(winner), xp, relu, kh, kw,
                 *stride, *size, buffer(work, "dz", (THREADS, oh, ow, f), dtype),
                 *thinned_memory(xp, (m, oh, ow, f), k, stride, pool_stride, work),
                 buffer(work, "product", (THREADS, k, f), dtype), *sums)
    nabla_w = buffer(work, "nabla_w", (f, k), dtype)
    nabla_b = buffer(work, "nabla_b", (f,), dtype)
    return ([(_backward_by_places, arguments), (_sum_turned, (*sums, nabla_w, nabla_b))],
            (None, channels_first(nabla_w.reshape(f, kh, kw, c)), nabla_b))


def patches_of_windows(x, size, pool_stride, stride):
    """(step_h, step_w, patches): how many pixels of x (m, h, w, c) two windows' patches are apart,
    and where in memory those of a window's places begin."""
    (sh, sw), (_, _, width, c) = stride, x.shape
    return pool_stride[0] * sh, pool_stride[1] * sw, window(*size, sh * width * c, sw * c)


def lists(shape, size, dtype, work):
    """(d, begin, counts): each thread's room for the winners listed at once, shape (m, f, oh, ow)."""
    _, f, oh, ow = shape
    n = max(EXAMPLES_AT_ONCE * oh * ow, size[0] * size[1] * f)
    return (buffer(work, "d", (THREADS, n), dtype), buffer(work, "begin", (THREADS, n), np.int64),
            buffer(work, "counts", (THREADS, size[0] * size[1]), np.int64))


def thinned_memory(x, z_shape, k, stride, pool_stride, work):
    """(thinned, cols, maps): each thread's memory for the work place by place.

    x : (m, h, w, c);  z_shape : (m, oh, ow, f), after pooling;  k : numbers a patch
    """
    (_, h, w, c), (_, oh, ow, f) = x.shape, z_shape
    step_h, step_w = pool_stride[0] * stride[0], pool_stride[1] * stride[1]
    height, width = -(-h // step_h), -(-w // step_w)
    thinned = buffer(work, "thinned", (THREADS, c, step_h, step_w, height, width), x.dtype)
    # Whole rows of a thinned image: what is right of the last window is computed and not used.
    return (thinned, buffer(work, "cols", (THREADS, k, (oh - 1) * width + ow), x.dtype),
            buffer(work, "maps", (THREADS, oh * width, f), x.dtype))


@parallel_kernel
def _forward(x, w_columns, b, relu, kh, kw, sh, sw, band, places, step_h, step_w, cols, maps,
             z, pooled, winner):
    for block in prange(BLOCKS):
        thread, ow = get_thread_id(), maps.shape[2]
        all_pixels = maps[thread].reshape(maps.shape[1] * ow, maps.shape[3])
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            feature_maps(x[e], w_columns, kh, kw, sh, sw, ow, band, cols[thread], all_pixels)
            max_of_windows(maps[thread], places, step_h, step_w, z[thread], winner[e])
            add_bias(z[thread], b, relu, pooled[e])


@parallel_kernel
def _forward_by_places(x, w_columns, b, relu, kh, kw, sh, sw, size_h, size_w, thinned, cols,
                       maps, z, pooled, winner):
    for block in prange(BLOCKS):
        thread, n = get_thread_id(), cols.shape[2]
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            thin_out(x[e], thinned[thread])
            for k in range(size_h * size_w):
                patches_of_place(thinned[thread], k // size_w * sh, k % size_w * sw, kh, kw,
                                 cols[thread])
                np.dot(cols[thread].T, w_columns, maps[thread, :n])
                keep_largest(maps[thread], k, z[thread], winner[e])
            add_bias(z[thread], b, relu, pooled[e])


@kernel
def add_bias(z, b, relu, pooled):
    """pooled = z + b, or its ReLU.  Neither changes who is largest: they may come last."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            for f in range(z.shape[2]):
                value = z[i, j, f] + b[f]
                pooled[i, j, f] = 0 if relu and value <= 0 else value  # NaN stays NaN


@parallel_kernel
def _backward(dz, winner, x, w, kh, kw, step_h, step_w, patches, d, begin, counts, shares, dx):
    """Each block takes some examples for BP2, and some filters for BP3 and BP4.

    With two shares the first half of the blocks takes the filters for the first half of the
    examples, the second half for the second: images are then read by the threads that made them.
    """
    for block in prange(BLOCKS):
        thread, m, filters = get_thread_id(), dz.shape[0], dz.shape[3]
        n_shares = shares.shape[0]
        blocks = BLOCKS // n_shares  # to a share
        share = block // blocks
        start, stop = filters * (block % blocks) // blocks, filters * (block % blocks + 1) // blocks
        nabla_w, nabla_b = shares[share, :w.size], shares[share, w.size:]
        clear(nabla_w[start * w.shape[1]:stop * w.shape[1]])
        clear(nabla_b[start:stop])
        last, flat_x, run = m * (share + 1) // n_shares, x.reshape(x.size), kw * x.shape[3]
        for e in range(m * share // n_shares, last, EXAMPLES_AT_ONCE):
            end = min(e + EXAMPLES_AT_ONCE, last)
            for f in range(start, stop):
                n = list_winners(dz, winner, e, end, f, x, step_h, step_w, patches, d[thread],
                                 begin[thread])
                for q in range(n):
                    nabla_b[f] += d[thread, q]                                          # BP3
                add_patches(nabla_w, f * w.shape[1], run, flat_x, begin[thread],        # BP4
                            x.shape[2] * x.shape[3], d[thread, :n], kh, run)
        if dx.size:
            for e in range(first(block, m), first(block + 1, m)):
                input_gradient(dz[e], winner[e], w, kh, kw, step_h, step_w, patches, d[thread],
                               begin[thread], counts[thread], dx[e])


@parallel_kernel
def _backward_by_places(d_pooled, pooled, winner, x, relu, kh, kw, sh, sw, size_h, size_w, dz,
                        thinned, cols, maps, product, w_share, b_share):
    """Each block takes some examples; what it sums for the filters is its share."""
    for block in prange(BLOCKS):
        thread = get_thread_id()
        clear(w_share[block])
        clear(b_share[block])
        clear(maps[thread])
        for e in range(first(block, x.shape[0]), first(block + 1, x.shape[0])):
            one = dz[thread]
            where_on(d_pooled[e], pooled[e], relu, one)
            thin_out(x[e], thinned[thread])
            for k in range(size_h * size_w):
                patches_of_place(thinned[thread], k // size_w * sh, k % size_w * sw, kh, kw,
                                 cols[thread])
                hand_to_place(one, winner[e], k, maps[thread])
                np.dot(cols[thread], maps[thread, :cols.shape[2]], product[thread])  # BP4, turned
                for t in range(product.shape[1]):
                    add_to(w_share[block, t], product[thread, t])
            for i in range(one.shape[0]):
                for j in range(one.shape[1]):
                    add_to(b_share[block], one[i, j])                 # BP3


@kernel
def where_on(d_pooled, pooled, relu, dz):
    """dz of one example: d_pooled, with ReLU only that of units that are on."""
    n = dz.size
    d, a, flat = d_pooled.reshape(n), pooled.reshape(n), dz.reshape(n)
    for t in range(n):
        flat[t] = d[t] if a[t] > 0 or not relu else 0


@kernel
def _sum_turned(w_share, b_share, nabla_w, nabla_b):
    """The blocks' shares added in order; the filters, columns in w_share, become rows again."""
    nabla_w[:] = 0
    nabla_b[:] = 0
    for block in range(BLOCKS):
        add_to(nabla_b, b_share[block])
        for t in range(w_share.shape[1]):
            for f in range(w_share.shape[2]):
                nabla_w[f, t] += w_share[block, t, f]


@kernel
def thin_out(x, thinned):
    """thinned[channel, r, s] is every step_h-th row of x (h, w, c) from r on, and every step_w-th
    column from s on; zeros where x has ended."""
    thinned[:] = 0
    h, w, c = x.shape
    _, step_h, step_w, _, _ = thinned.shape
    for channel in range(c):
        for r in range(step_h):
            for s in range(step_w):
                small = thinned[channel, r, s]
                for i in range((h - r + step_h - 1) // step_h):
                    for j in range((w - s + step_w - 1) // step_w):
                        small[i, j] = x[i * step_h + r, j * step_w + s, channel]


@kernel
def patches_of_place(thinned, row, column, kh, kw, cols):
    """im2col for one place of all windows: cols[t] is number t of their patches.

    row, column : where the patch of the first window begins in the image
    """
    c, step_h, step_w, height, width = thinned.shape
    flat, t = thinned.reshape(thinned.size), 0
    for u in range(row, row + kh):
        for v in range(column, column + kw):
            for channel in range(c):
                image = (channel * step_h + u % step_h) * step_w + v % step_w
                begin = (image * height + u // step_h) * width + v // step_w
                begin &= NOT_NEGATIVE
                numbers = cols[t]
                for i in range(numbers.size):
                    numbers[i] = flat[begin + i]
                t += 1


@kernel
def keep_largest(maps, k, z, winner):
    """Max-pooling place by place: where maps, of place k, are larger than z, they win.

    maps : rows of pixels (oh width, f), of each of which z (oh, ow, f) has the first ow
    """
    oh, ow, f = z.shape
    by_row = maps.reshape(oh, maps.size // oh)
    largest, which = z.reshape(oh, ow * f), winner.reshape(oh, ow * f)
    for i in range(oh):
        if k == 0:
            copy_to(largest[i], by_row[i])
            which[i] = 0
        else:
            keep_larger(by_row[i], k, largest[i], which[i])


@kernel
def hand_to_place(dz, winner, k, maps):
    """keep_largest's way back: the gradient of the windows that place k has won, 0 of the others."""
    oh, ow, f = dz.shape
    by_row = maps.reshape(oh, maps.size // oh)
    d, which = dz.reshape(oh, ow * f), winner.reshape(oh, ow * f)
    for i in range(oh):
        for t in range(ow * f):
            by_row[i, t] = d[i, t] if which[i, t] == k else 0


@kernel
def list_winners(dz, winner, start, stop, f, x, step_h, step_w, patches, d, begin):
    """List filter f's winners with a gradient, of the examples from start to stop.

    d becomes their gradients, begin where in x their patches begin.  Returns how many they are.
    """
    n = 0
    row, column = x.shape[2] * x.shape[3] * step_h, x.shape[3] * step_w
    size = x.shape[1] * x.shape[2] * x.shape[3]
    for e in range(start, stop):
        for i in range(dz.shape[1]):
            for j in range(dz.shape[2]):
                gradient = dz[e, i, j, f]
                d[n] = gradient
                begin[n] = e * size + i * row + j * column + patches[winner[e, i, j, f]]
                n += gradient != 0  # the next one overwrites what has no gradient
    return n


@kernel
def input_gradient(dz, winner, w, kh, kw, step_h, step_w, patches, d, begin, counts, dx):
    """BP2 of one example: each pooled unit adds its dz times its filter to its winner's patch.

    Patch by patch: for each window the filters are listed that won at its first place, at its
    second, and so on.
    """
    dx[:] = 0
    run, width, filters = kw * dx.shape[2], dx.shape[1] * dx.shape[2], dz.shape[2]
    flat_dx, flat_w = dx.reshape(dx.size), w.reshape(w.size)
    for i in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            counts[:] = 0
            for f in range(filters):
                gradient, k = dz[i, j, f], winner[i, j, f]
                n = k * filters + counts[k]
                d[n], begin[n] = gradient, f * kh * run
                counts[k] += gradient != 0
            corner = i * step_h * width + j * step_w * dx.shape[2]
            for k in range(len(patches)):
                some = slice(k * filters, k * filters + counts[k])
                add_patches(flat_dx, corner + patches[k], width, flat_w, begin[some], run, d[some], kh,
                            run)
