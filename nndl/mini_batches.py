"""Mini-batches as a network takes them, gathered from data that stay as they came."""

import numpy as np

from .data.made import Made
from .data.sequences import Counted, Sequences, parted
from .examples import by_step, steps_that_count, symbols
from .ops.memory import in_logical_order

IMAGE_TYPES = [np.dtype(name) for name in ("uint8", "float32", "float64")]  # by the backends, as images
MADE_AT_ONCE = 10_000  # images, about, of those that are made only when they are asked for


def mini_batches(network, images, y, m, at_once=None):
    """What hands out these data in mini-batches (x, y); arguments as MiniBatches."""
    sequences = (isinstance(images, Sequences) or None in network.input_shape or symbols(network)
                 or by_step(network))
    return SequenceBatches(network, images, y) if sequences else MiniBatches(
        network, images, y, m, at_once)


class SequenceBatches:
    """Mini-batches (x, y) of sequences, in memory that the next one uses again.

    network, images, y : as for MiniBatches, checked already
    x is Sequences where not all steps are there, and y Counted where not all count.
    """

    def __init__(self, network, images, y):
        self.network, self.labels = network, y
        self.images, self.valid = parted(images)
        self.counted = steps_that_count(network, images)  # of the outputs, by what there is of x
        if by_step(network) and y.dtype.kind != "f" and (y < 0).any():
            self.counted = y >= 0 if self.counted is None else self.counted & (y >= 0)
        if self.counted is not None and self.counted.all():
            self.counted = None
        if self.counted is not None:  # whatever stands there
            counted = self.counted if y.ndim == 2 else self.counted[..., None]
            self.labels = np.where(counted, y, np.zeros((), y.dtype))
        self.memory = {}  # the same arrays for every mini-batch of a size: see memory.remembered

    def numbers(self, at, start, stop):
        """What to call this with for the examples from start to stop of the epoch's order."""
        return at.order[start:stop]

    def __call__(self, some):
        """(x, y) of the sequences numbered `some`; the next call overwrites them."""
        m = len(some)
        if m not in self.memory:
            self.memory[m] = self._memory(m)
        taken, numbers, x, labels, rows, y = self.memory[m]
        # No number is out of range; with mode="raise" NumPy would first write elsewhere.
        np.take(self.images, some, axis=0, out=taken, mode="clip")
        if numbers is not taken:
            np.multiply(taken, 1 / 256 if taken.dtype == np.uint8 else 1, out=numbers)
        if self.valid is not None:
            np.take(self.valid, some, axis=0, out=x.valid, mode="clip")
        if self.counted is not None:
            np.take(self.counted, some, axis=0, out=y.valid, mode="clip")
        np.take(self.labels, some, axis=0, out=labels, mode="clip")
        if labels.dtype.kind == "f":
            rows[...] = labels
        else:
            rows[...] = 0
            np.put_along_axis(rows, labels[..., None], 1, axis=-1)  # also where no label counts
        return x, y

    def _memory(self, m):
        """(the examples as they are, as numbers, as x; the labels as they are, as rows, as y)."""
        network, dtype = self.network, self.network.dtype
        taken = numbers = np.empty((m, *self.images.shape[1:]), self.images.dtype)
        if not symbols(network) and taken.dtype != dtype:
            numbers = np.empty(taken.shape, dtype)
        x = numbers if self.valid is None else Sequences(numbers, valid=np.ones(taken.shape[:2], bool))
        labels = np.empty((m, *self.labels.shape[1:]), self.labels.dtype)
        n_out = network.output_shape[-1]
        rows = np.empty((m, n_out), dtype)
        if by_step(network):  # in the order in which layers have them
            rows = in_logical_order(np.empty((self.labels.shape[1], m, n_out), dtype))
        y = rows if self.counted is None else Counted(rows, valid=np.ones(rows.shape[:2], bool))
        return taken, numbers, x, labels, rows, y


class MiniBatches:
    """Mini-batches (x, y) as a network takes them, in memory that the next one uses again.

    images, y : all the data, as Network.SGD takes them;  m : the largest mini-batch
    at_once : how many examples are asked for at once, m or a multiple of it
    Bytes become floats here, byte/256, and labels rows with a single 1: the data stay small.
    """

    def __init__(self, network, images, y, m, at_once=None):
        self.gather, self.shape = network.ops.gather, network.input_shape
        # The desired outputs of example i are rows[which[i]].
        if y.dtype.kind == "f":
            self.rows, self.which = np.ascontiguousarray(y, network.dtype), np.arange(len(y))
        else:
            self.rows = np.eye(*network.output_shape, dtype=network.dtype)
            self.which = y.astype(np.int64)
        self.made = images if isinstance(images, Made) else None
        if self.made is None:
            if images.dtype not in IMAGE_TYPES:  # half precision, or another machine's byte order
                images = images.astype(network.dtype)
            self.images = self._readable(images.reshape(len(images), -1))
        else:
            self.all, self.have = self.which, None
            self.piece = max(1, MADE_AT_ONCE // at_once) * at_once
        n_in = int(np.prod(images.shape[1:]))
        self.x = np.empty((m, n_in), network.dtype)
        self.y = np.empty((m, *network.output_shape), network.dtype)
        self.memory = {}  # the same arrays for every mini-batch of a size: see memory.remembered

    @staticmethod
    def _readable(images):
        # Read-only, as load_mnist's are: Numba compiles anew for those that might be written to.
        images = np.ascontiguousarray(images).view()
        images.flags.writeable = False
        return images

    def numbers(self, at, start, stop):
        """What to call this with for the examples from start to stop of the epoch's order.

        at : checkpoint.Position.  Of images that are made, a piece of the epoch is made here, by its
        own chance: what that is depends on the epoch and the piece alone.
        """
        if self.made is None:
            return at.order[start:stop]
        begin = start // self.piece * self.piece
        if self.have != (at.key, begin):
            piece = at.order[begin:begin + self.piece]
            made = self.made.make(piece, np.random.default_rng([at.key, begin]))
            self.images, self.which = self._readable(made.reshape(len(made), -1)), self.all[piece]
            self.have = at.key, begin
        return np.arange(start - begin, min(stop, len(at.order)) - begin)

    def __call__(self, some):
        """(x, y) of the examples numbered `some`; the next call overwrites them."""
        m = len(some)
        if m not in self.memory:
            x = self.x[:m]
            self.memory[m] = x, self.y[:m], x.reshape(m, *self.shape)
        x, y, examples = self.memory[m]
        self.gather(self.images, self.rows, self.which, some, x, y, checked=True)
        return examples, y
