"""Images that are made when training asks for them, and are in no memory before."""

import numpy as np


class Made:
    """To Network.SGD an array of bytes (n, h, w); a class of your own defines make.

    shape : (n, h, w)
    """

    dtype, ndim = np.dtype(np.uint8), 3

    def __init__(self, shape):
        self.shape = tuple(shape)

    def make(self, numbers, rng):
        """The images of these numbers, bytes (len(numbers), h, w).

        numbers : ints from 0 to n - 1;  rng : a Generator, the only thing that chance may come from
        """
        raise NotImplementedError(f"{type(self).__name__} must define make(numbers, rng)")

    def fingerprint(self):
        """Text that tells these images from others, for checkpoints."""
        raise NotImplementedError(f"{type(self).__name__} must define fingerprint()")

    @property
    def size(self):
        """How many pixels there are in all."""
        return int(np.prod(self.shape))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        """Some of them as an array, always made by the same chance."""
        numbers = np.arange(len(self))[key]
        made = self.make(np.atleast_1d(numbers), np.random.default_rng(0))
        return made if np.ndim(numbers) else made[0]


def check_images(images):
    """TypeError or ValueError unless images are bytes (n, h, w), which others can be made of."""
    if images.dtype != np.uint8:
        raise TypeError(f"the images must be bytes (uint8), not {images.dtype}; of byte/256 they are "
                        "(256 * images).astype('uint8')")
    if images.ndim != 3:
        raise ValueError(f"the images must be (n, h, w), not {images.shape}; rows of pixels are "
                         "images.reshape(-1, 28, 28)")
