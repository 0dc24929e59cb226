"""More training images from those there are.  Book ch. 3 and 6."""

import numpy as np

from .mnist import Dataset

SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # rows down, columns to the right


def shifted(images, down, right):
    """Images (n, h, w) moved by some pixels, 0 where nothing has come from.  Returns a new array."""
    moved = np.zeros_like(images)
    n, h, w = images.shape
    moved[:, max(down, 0):h + min(down, 0), max(right, 0):w + min(right, 0)] = (
        images[:, max(-down, 0):h - max(down, 0), max(-right, 0):w - max(right, 0)])
    return moved


def expand(data, seed=0):
    """Five images of each: itself, and moved by a pixel down, up, to the right and to the left.

    data : a Dataset, images (n, h, w)
    seed : of the one shuffling, so that the five do not stand together
    Returns a Dataset of 5 n, as expand_mnist.py makes it.
    """
    images, labels = data
    order = np.random.default_rng(seed).permutation(len(SHIFTS) * len(images))
    return Dataset(np.concatenate([shifted(images, *shift) for shift in SHIFTS])[order],
                   np.tile(labels, len(SHIFTS))[order])
