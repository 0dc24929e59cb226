"""More training images from those there are: moved by a pixel.  Book ch. 3 and 6."""

import hashlib

import numpy as np

from .made import Made, check_images
from .mnist import Dataset

SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # rows down, columns to the right


def expand(data, seed=0):
    """Five images of each: itself, and moved by a pixel down, up, to the right and to the left.

    data : a Dataset, images (n, h, w) bytes, and their labels
    seed : of the one shuffling, so that the five do not stand together
    Returns a Dataset of 5 n, as the book's expand_mnist.py makes it, but in the memory of data: the
    moved images are made when they are asked for.
    """
    images, labels = data
    check_images(images)
    order = np.random.default_rng(seed).permutation(len(SHIFTS) * len(images))
    return Dataset(Shifted(images, order), np.tile(labels, len(SHIFTS))[order])


class Shifted(Made):
    """Images moved by each of SHIFTS: of n images, number k n + i is image i moved by shift k.

    images : (n, h, w) bytes;  order : (5 n,) in which order these numbers stand
    """

    def __init__(self, images, order):
        super().__init__((len(order), *images.shape[1:]))
        self.images, self.order = images, order

    def make(self, numbers, rng):
        """Nothing is left to chance."""
        numbers = self.order[numbers]
        made = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for k, shift in enumerate(SHIFTS):
            these = numbers // len(self.images) == k
            made[these] = shifted(self.images[numbers[these] % len(self.images)], *shift)
        return made

    def fingerprint(self):
        """By the images and the order."""
        return "shifted " + hashlib.sha256(self.images.tobytes() + self.order.tobytes()).hexdigest()


def shifted(images, down, right):
    """Images (n, h, w) moved by some pixels, 0 where nothing has come from.  Returns a new array."""
    moved = np.zeros_like(images)
    n, h, w = images.shape
    moved[:, max(down, 0):h + min(down, 0), max(right, 0):w + min(right, 0)] = (
        images[:, max(-down, 0):h - max(down, 0), max(-right, 0):w - max(right, 0)])
    return moved
