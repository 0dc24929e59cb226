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
