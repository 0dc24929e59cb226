"""The book's lists of pairs (x, y), and what the engine takes in their place: arrays."""

import numpy as np

from .mnist_loader import Pairs

WRAPPER = "mnist_loader.load_data_wrapper() makes such lists"


class Examples:
    """A list of pairs (x, y) as arrays, and the order that shuffling has given it.

    pairs : list of (x, y), x a column (n_in, 1), y a label or a column (n_out, 1)
    name : of the argument;  sizes : of the network's layers
    images : (n, n_in), bytes or floats;  y : (n,) labels, or (n, n_out) desired outputs
    """

    def __init__(self, pairs, name, sizes):
        self.pairs = pairs
        if isinstance(pairs, Pairs):
            self.images, self.y = pairs.images.reshape(len(pairs), -1), pairs.labels
        else:
            self.images, self.y = _stacked(_listed(pairs, name), name, sizes)
        self.order = np.arange(len(self.y))
        if self.images.shape[1] != sizes[0]:
            raise ValueError(f"{name}: each x must be a column ({sizes[0]}, 1) for a network of "
                             f"{sizes}, not of {self.images.shape[1]} numbers")

    def __len__(self):
        return len(self.y)

    def __iter__(self):
        """As the engine takes them: images, y = examples."""
        return iter((self.images, self.y))

    def shuffle(self, streams):
        """Put the caller's list in a new order, in place, as random.shuffle does."""
        order = streams.order(len(self))
        self.order = self.order[order]
        if isinstance(self.pairs, Pairs):
            self.pairs.reorder(order)
        elif isinstance(self.pairs, list):
            self.pairs[:] = [self.pairs[i] for i in order]


def _listed(pairs, name):
    """The pairs as a list, which an iterator such as zip is made into."""
    if isinstance(pairs, tuple) and len(pairs) == 2 and all(
            isinstance(part, np.ndarray) for part in pairs):
        raise TypeError(f"{name} must be a list of pairs (x, y), not the two arrays that load_data "
                        f"returns; {WRAPPER}")
    try:
        pairs = pairs if isinstance(pairs, list) else list(pairs)
    except TypeError:
        raise TypeError(f"{name} must be a list of pairs (x, y), not {type(pairs).__name__}; "
                        f"{WRAPPER}") from None
    if not pairs:
        raise ValueError(f"{name} is empty; an iterator such as zip(...) can be gone through only "
                         f"once: make it a list, {name} = list({name})")
    return pairs


def _stacked(pairs, name, sizes):
    """(images, y) of a list of pairs."""
    try:
        x, y = zip(*pairs)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of pairs (x, y), not of {type(pairs[0]).__name__}; "
                        f"{WRAPPER}") from None
    shapes = {np.shape(one) for one in x}
    if len(shapes) != 1 or (len(shape := shapes.pop())) != 2 or shape[1] != 1:
        raise ValueError(f"{name}: each x must be a column ({sizes[0]}, 1), not {np.shape(x[0])}; say "
                         "x.reshape(-1, 1)")
    images = np.stack(x).reshape(len(x), -1)
    if all(np.ndim(one) == 0 for one in y):
        return images, np.array(y, dtype=np.int64)
    if any(np.shape(one) != (sizes[-1], 1) for one in y):
        wrong = next(np.shape(one) for one in y if np.shape(one) != (sizes[-1], 1))
        raise ValueError(f"{name}: each y must be a label or a column ({sizes[-1]}, 1), not {wrong}; "
                         "mnist_loader.vectorized_result(label) makes one")
    return images, np.stack(y).reshape(len(y), -1).astype(float)
