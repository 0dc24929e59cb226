"""Mini-batches as a network takes them, gathered from data that stay as they came."""

import numpy as np

IMAGE_TYPES = [np.dtype(name) for name in ("uint8", "float32", "float64")]  # by the backends, as images


class MiniBatches:
    """Mini-batches (x, y) as a network takes them, in memory that the next one uses again.

    images, y : all the data, as Network.SGD takes them;  m : the largest mini-batch
    Bytes become floats here, byte/256, and labels rows with a single 1: the data stay small.
    """

    def __init__(self, network, images, y, m):
        self.gather, self.shape = network.ops.gather, network.input_shape
        if images.dtype not in IMAGE_TYPES:  # half precision, or another machine's byte order
            images = images.astype(network.dtype)
        # Read-only, as load_mnist's are: Numba compiles anew for those that might be written to.
        self.images = np.ascontiguousarray(images.reshape(len(images), -1)).view()
        self.images.flags.writeable = False
        # The desired outputs of example i are rows[which[i]].
        if y.dtype.kind == "f":
            self.rows, self.which = np.ascontiguousarray(y, network.dtype), np.arange(len(y))
        else:
            self.rows = np.eye(*network.output_shape, dtype=network.dtype)
            self.which = y.astype(np.int64)
        self.x = np.empty((m, self.images.shape[1]), network.dtype)
        self.y = np.empty((m, *network.output_shape), network.dtype)
        self.memory = {}  # the same arrays for every mini-batch of a size: see memory.remembered

    def __call__(self, some):
        """(x, y) of the examples numbered `some`; the next call overwrites them."""
        m = len(some)
        if m not in self.memory:
            x = self.x[:m]
            self.memory[m] = x, self.y[:m], x.reshape(m, *self.shape)
        x, y, examples = self.memory[m]
        self.gather(self.images, self.rows, self.which, some, x, y, checked=True)
        return examples, y
