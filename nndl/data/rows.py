"""Digits to learn drawing from, row by row: black and white, each row after the rows above it.

nndl.sampling.draw has a network draw them.
"""

import numpy as np

from ..arguments import check_int
from ..ops.shapes import check_symbols
from .made import check_images

INK = 128  # bytes from here on are ink, in black and white


def black_and_white(images):
    """Images (n, h, w), bytes, as 0 and 1, float32: 1 where there is ink."""
    images = np.asarray(images)
    check_images(images)
    return (images >= INK).astype(np.float32)


def to_be_drawn(images, labels, classes=10):
    """(x, y) for a network that draws: at each step it knows the label and the row above.

    images : (n, h, w) bytes;  labels : (n,) ints
    x : (n, h, w + classes), the row before, 0 at the first step, and the label with a 1 in its place
    y : (n, h, w), the row itself.  Both are float32, 0 and 1.
    """
    check_int("classes", classes, 1)
    y, labels = black_and_white(images), np.asarray(labels)
    check_symbols("labels", labels, classes)
    n, h, w = y.shape
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), one for each image, not {labels.shape}")
    x = np.zeros((n, h, w + classes), np.float32)
    x[:, 1:, :w] = y[:, :-1]
    x[np.arange(n), :, w + labels] = 1
    return x, y
