"""What hypothesis draws: sizes, types, layouts in memory, and geometries that fit together."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")

seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64])
layouts = st.sampled_from(["plain", "fortran", "channels last", "strided", "reversed"])
activations = st.sampled_from(ACTIVATIONS)
pools = st.sampled_from(["max", "l2"])


def sizes(most=5):
    """How many of something, at least one."""
    return st.integers(1, most)


few = sizes(3)


def pairs(least, most):
    """(rows, columns), each between least and most."""
    return st.tuples(st.integers(least, most), st.integers(least, most))


def shapes(most_axes=4, most=4):
    """Any shape of one to four axes."""
    return st.lists(sizes(most), min_size=1, max_size=most_axes).map(tuple)


class Pool(NamedTuple):
    """Pooling's windows over images of shape (m, c, h, w)."""

    shape: tuple
    size: tuple
    stride: tuple


class Convolution(NamedTuple):
    """Images of shape (m, c, h, w), filters of w_shape (f, c, kh, kw), and how they meet."""

    shape: tuple
    w_shape: tuple
    stride: tuple
    padding: tuple

    @property
    def how(self):
        """Stride and padding as arguments by name."""
        return {"stride": self.stride, "padding": self.padding}


class ConvPool(NamedTuple):
    """A convolution and the pooling of its maps."""

    conv: Convolution
    size: tuple
    pool_stride: tuple

    @property
    def how(self):
        """Strides, padding and windows as arguments by name."""
        return {"size": self.size, "pool_stride": self.pool_stride, **self.conv.how}


@st.composite
def covered(draw, size, stride, most=3):
    """(h, w) of an image on which `size` finds one to three places a side, and a remainder."""
    places, rest = draw(pairs(1, most)), draw(pairs(0, 2))
    return tuple((n - 1) * s + k + r % s for n, s, k, r in zip(places, stride, size, rest))


@st.composite
def pool_geometries(draw, most_m=3, most_c=3):
    """Windows and strides apart, overlapping, with remainders, rectangular."""
    size, stride = draw(pairs(1, 3)), draw(pairs(1, 3))
    return Pool((draw(sizes(most_m)), draw(sizes(most_c)), *draw(covered(size, stride))), size, stride)


@st.composite
def conv_geometries(draw, most_m=3, channels=few, most_f=3, maps=None):
    """Kernels, strides and paddings that fit; maps : (rows, columns) that must come out, or None."""
    kernel, stride, padding = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(pairs(0, 2))
    if maps is None:
        maps = draw(pairs(1, 3))
    c, rest = draw(channels), draw(pairs(0, 2))
    # A border wider than what the windows need leaves no image: then the image makes the border
    # less, not the maps fewer.
    padding = tuple(min(p, ((n - 1) * s + k - 1) // 2)
                    for p, n, s, k in zip(padding, maps, stride, kernel))
    h, w = ((n - 1) * s + k - 2 * p + r % s
            for n, s, k, p, r in zip(maps, stride, kernel, padding, rest))
    return Convolution((draw(sizes(most_m)), c, h, w), (draw(sizes(most_f)), c, *kernel), stride,
                       padding)


@st.composite
def conv_pool_geometries(draw, most_m=3, channels=few, most_f=3, most_places=2):
    """A convolution whose maps the pooling's windows fit on."""
    size, stride = draw(pairs(1, 3)), draw(pairs(1, 3))
    maps = draw(covered(size, stride, most_places))
    return ConvPool(draw(conv_geometries(most_m, channels, most_f, maps)), size, stride)


@st.composite
def damaged(draw, content):
    """A file's bytes with up to four flaws: bits flipped, bytes changed, cut out, doubled or zeroed."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(damaged) - 1))
        how = draw(st.sampled_from(["flip", "set", "cut", "double", "zero"]))
        if how == "flip":
            damaged[place] ^= 1 << draw(st.integers(0, 7))
        elif how == "set":
            damaged[place] = draw(st.integers(0, 255))
        else:
            end = draw(st.integers(place, min(len(damaged), place + 200)))
            damaged[place:end] = {"cut": b"", "double": 2 * damaged[place:end],
                                  "zero": bytes(end - place)}[how]
        if not damaged:
            break
    return bytes(damaged)
