"""Training images that are a little different each time: turned, stretched, slanted, moved, bent.

Simard, Steinkraus and Platt 2003: what a digit looks like when somebody writes it once more.
"""

import hashlib

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from .made import Made
from .mnist import Dataset

AT_ONCE = 500  # images, so that their coordinates stay in cache


def distorted(data, rotation=10.0, scale=0.1, shear=0.15, shift=1.5, elastic=30.0, sigma=4.0):
    """data, a Dataset, whose images are distorted anew in each epoch that trains with it.

    rotation, scale, shear, shift : the most that an image is turned, in degrees; grows or shrinks in
        each direction, a fraction; slants, a tangent; and moves, in pixels; each is drawn uniformly
    elastic : strength of the bending, the paper's α: pixels move by uniform random numbers from -α to
        α, which a Gaussian has smoothed;  sigma : the Gaussian's width in pixels
    Returns a Dataset of as many images.
    """
    settings = {"rotation": rotation, "scale": scale, "shear": shear, "shift": shift,
                "elastic": elastic, "sigma": sigma}
    for name, value in settings.items():
        if not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be a number, at least 0, not {value!r}")
    return Dataset(Distorted(data.images, settings), data.labels)


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
        return f"distorted {self.settings} {hashlib.sha256(self.images.tobytes()).hexdigest()}"


def sources(m, h, w, rng, rotation, scale, shear, shift, elastic, sigma):
    """Where each pixel of m distorted images comes from: rows and columns, (2, m, h, w) float32."""
    def most(limit, *shape):
        return rng.uniform(-limit, limit, (m, *shape)).astype(np.float32)

    angle, slant = np.radians(most(rotation)), most(shear)
    tall, wide = 1 + most(scale), 1 + most(scale)
    cos, sin = np.cos(angle), np.sin(angle)
    rows, columns = np.mgrid[:h, :w].astype(np.float32)
    rows, columns = rows - (h - 1) / 2, columns - (w - 1) / 2  # about the middle
    down, right = most(shift, 1, 1), most(shift, 1, 1)
    # Turn, then slant, then stretch, as a product of matrices for each image.
    by_rows = np.stack([cos * tall, (sin + slant * cos) * wide])[:, :, None, None]
    by_columns = np.stack([-sin * tall, (cos - slant * sin) * wide])[:, :, None, None]
    where = by_rows * rows + by_columns * columns + np.stack([down + (h - 1) / 2, right + (w - 1) / 2])
    if elastic:
        # Smoothing along an axis is a product with a matrix: a hundred times as fast as a filter.
        over_rows, over_columns = (gaussian_filter1d(np.eye(n, dtype=np.float32), sigma, axis=0,
                                                     mode="constant") for n in (h, w))
        noise = rng.uniform(-elastic, elastic, (2, m, h, w)).astype(np.float32)
        where += over_rows @ noise @ over_columns.T
    return where


def sample(images, where):
    """Images (m, h, w) read at `where` between their pixels, linearly; 0 outside."""
    which = np.broadcast_to(np.arange(len(images), dtype=np.float32)[:, None, None], where.shape[1:])
    return map_coordinates(images, [which, *where], order=1, mode="constant", output=np.uint8)
