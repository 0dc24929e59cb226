"""The book's ConvPoolLayer as one operation, the reference: convolution, activation, pooling."""

from .activation_numpy import MONOTONE, activation_backward, activation_forward
from .conv_numpy import conv_backward, conv_forward
from .pool_numpy import l2_pool_backward, l2_pool_forward, max_pool_backward, max_pool_forward
from .shapes import check_conv, check_float, check_output, conv_size


def conv_pool_forward(x, w, b, activation="relu", alpha=0.0, pool="max", size=(2, 2),
                      pool_stride=(2, 2), stride=(1, 1), padding=(0, 0), work=None):
    """pooled = pool(activation(conv(x))).  Book (125) and ch. 6.

    x : (m, c, h, w);  w : (f, c, kh, kw);  b : (f,)
    activation : "linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu" or "gelu"; alpha its slope
    pool : "max" or "l2", with windows of `size`, `pool_stride` apart
    Returns (pooled, winner, a, z): pooled is (m, f, oh, ow), the others are what
    conv_pool_backward needs, and None where it does not:

                     monotone activation    gelu
        max          winner                 winner, z
        l2           a                      a, z

    Which of several z wins may differ between backends where the activation makes them equal (ReLU
    below 0, a saturated sigmoid): there the gradient is 0, or as good as.
    """
    z = conv_forward(x, w, b, stride, padding)
    a = activation_forward(z, activation, alpha)
    if check_pool(pool) == "max":
        pooled, winner = max_pool_forward(a, size, pool_stride)
    else:
        pooled, winner = l2_pool_forward(a, size, pool_stride), None
    monotone = activation in MONOTONE
    return pooled, winner, None if pool == "max" else a, None if monotone else z


def conv_pool_backward(d_pooled, pooled, winner, a, z, x, w, activation="relu", alpha=0.0,
                       pool="max", size=(2, 2), pool_stride=(2, 2), stride=(1, 1), padding=(0, 0),
                       need_dx=True, work=None):
    """Undo conv_pool_forward: pooling's gradient, times activation', then the convolution's.

    Behind max-pooling a monotone activation comes first instead, on the pooled maps: only winners
    have a gradient, and a winner's activation is what the pool handed on.  A quarter of the work.

    d_pooled : (m, f, oh, ow) = dC/d pooled
    Returns (dx, nabla_w, nabla_b), shaped like x, w, b; dx is None unless need_dx.
    """
    z_shape = check_backward(d_pooled, pooled, x, w, pool, size, pool_stride, stride, padding)
    if pool == "max" and activation in MONOTONE:
        dz = activation_backward(d_pooled, pooled, None, activation, alpha)
        dz = max_pool_backward(dz, winner, z_shape, size, pool_stride)
    else:
        if pool == "max":
            da = max_pool_backward(d_pooled, winner, z_shape, size, pool_stride)
        else:
            da = l2_pool_backward(d_pooled, a, pooled, size, pool_stride)
        dz = activation_backward(da, a, z, activation, alpha)
    return conv_backward(dz, x, w, stride, padding, need_dx)


def check_pool(pool):
    """pool, if there is a pooling of that name."""
    if pool not in ("max", "l2"):
        raise ValueError(f"pool must be 'max' or 'l2', not {pool!r}")
    return pool


def check_backward(d_pooled, pooled, x, w, pool, size, pool_stride, stride, padding):
    """The shape of z, (m, f, rows, columns), if the arrays are those of one such unit."""
    check_pool(pool)
    check_conv(x, w)
    z_shape = (len(x), len(w), *conv_size(x.shape[2:], w.shape[2:], stride, padding))
    expected = (*z_shape[:2], *conv_size(z_shape[2:], size, pool_stride, what="pool size"))
    check_output("d_pooled", d_pooled, expected)
    check_output("pooled", pooled, expected)
    check_float(x=x, d_pooled=d_pooled, pooled=pooled)
    return z_shape
