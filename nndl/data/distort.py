"""Training images that are a little different each time: turned, stretched, slanted, moved, bent.

Simard, Steinkraus and Platt 2003: what a digit looks like when somebody writes it once more.
"""

import hashlib
import numbers

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .made import Made, check_images
from .mnist import Dataset

AT_ONCE = 100  # images, so that their coordinates stay in cache


def distorted(data, rotation=10.0, scale=0.1, shear=0.15, shift=1.5, elastic=30.0, sigma=4.0):
    """data, a Dataset, whose images are distorted anew in each epoch that trains with it.

    data : images (n, h, w) bytes, and their labels
    rotation, scale, shear, shift : the most that an image is turned, in degrees; grows or shrinks in
        each direction, a fraction; slants, a tangent; and moves, in pixels; each is drawn uniformly
    elastic : strength of the bending, the paper's α: pixels move by uniform random numbers from -α to
        α, which a Gaussian has smoothed;  sigma : the Gaussian's width in pixels
    Returns a Dataset of as many images.
    """
    images, labels = data
    check_images(images)
    settings = {"rotation": rotation, "scale": scale, "shear": shear, "shift": shift,
                "elastic": elastic, "sigma": sigma}
    for name, value in settings.items():
        known = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not known or not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be a number, at least 0, not {value!r}")
    if scale >= 1:
        raise ValueError(f"scale must be below 1, not {scale!r}: it is a fraction, and 1 would leave "
                         "nothing of an image; 0.1 is a tenth larger or smaller")
    if not sigma:
        raise ValueError("sigma must be above 0, the width of a Gaussian in pixels; without bending "
                         "it is elastic=0")
    settings = {name: float(value) for name, value in settings.items()}
    return Dataset(Distorted(images, settings), labels)


class Distorted(Made):
    """Images (n, h, w) bytes, distorted by the settings of `distorted`."""

    def __init__(self, images, settings):
        super().__init__(images.shape)
        self.images, self.settings = images, settings

    def make(self, numbers, rng):
        """Another distortion for each."""
        made = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for start in range(0, len(numbers), AT_ONCE):
            images = self.images[numbers[start:start + AT_ONCE]]
            where = sources(*images.shape, rng, **self.settings)
            made[start:start + AT_ONCE] = sample(images, where)
        return made

    def fingerprint(self):
        """By the images and the settings."""
        images = self.images
        known = (images.fingerprint() if isinstance(images, Made) else
                 hashlib.sha256(images.tobytes()).hexdigest())
        return f"distorted {self.settings} {known}"


def sources(m, h, w, rng, rotation, scale, shear, shift, elastic, sigma):
    """Where each pixel of m distorted images comes from: rows and columns, (2, m, h, w) float32."""
    def most(limit, *shape):
        return limit * (2 * rng.random((m, *shape), np.float32) - 1)

    angle, slant = np.radians(most(rotation)), most(shear)
    tall, wide = 1 + most(scale), 1 + most(scale)
    cos, sin = np.cos(angle), np.sin(angle)
    middle_row, middle_column = (h - 1) / 2, (w - 1) / 2
    rows = np.arange(h, dtype=np.float32)[:, None] - middle_row
    columns = np.arange(w, dtype=np.float32) - middle_column
    moved = np.stack([most(shift, 1, 1) + middle_row, most(shift, 1, 1) + middle_column])
    # Turn, then slant, then stretch, as a product of matrices for each image.
    by_rows = np.stack([cos * tall, (sin + slant * cos) * wide])[:, :, None, None]
    by_columns = np.stack([-sin * tall, (cos - slant * sin) * wide])[:, :, None, None]
    where = (by_rows * rows + moved) + by_columns * columns  # (2, m, h, 1) + (2, m, 1, w)
    if elastic:
        # Smoothing along an axis is a product with a matrix: a hundred times as fast as a filter.
        over_rows, over_columns = (gaussian_filter1d(np.eye(n, dtype=np.float32), sigma, axis=0,
                                                     mode="constant") for n in (h, w))
        noise = rng.random((2, m, h, w), np.float32)
        noise -= 0.5
        noise = noise.reshape(-1, w) @ (2 * elastic * over_columns.T)  # all the rows in one product
        where += over_rows @ noise.reshape(where.shape)
    return where


def sample(images, where):
    """Images (m, h, w) read at `where` between their pixels, linearly; bytes, rounded to the nearest.

    Outside they are 0, and a pixel at the edge fades to that over the width of one.
    """
    m, h, w = images.shape
    high, wide = h + 3, w + 3  # a border of zeros, and behind it a neighbour to what is read last
    framed = np.zeros((m, high, wide), np.float32)
    framed[:, 1:h + 1, 1:w + 1] = images
    rows, columns = np.clip(where[0], -1, h) + 1, np.clip(where[1], -1, w) + 1
    upper, left = rows.astype(np.int32), columns.astype(np.int32)
    below, beside = rows - upper, columns - left
    first = np.arange(m, dtype=np.int32)[:, None, None] * (high * wide)
    at, pixels = first + upper * wide + left, framed.ravel()

    def between_columns(at):
        one, next_one = pixels.take(at), pixels.take(at + 1)
        return one + (next_one - one) * beside

    above, under = between_columns(at), between_columns(at + wide)
    return (above + (under - above) * below + 0.5).astype(np.uint8)
