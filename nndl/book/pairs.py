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
        self.pairs = pairs = _listed(pairs, name)
        if isinstance(pairs, Pairs):
            self.images, self.y = pairs.images.reshape(len(pairs), -1), pairs.labels
        else:
            self.images, self.y = _stacked(pairs, name, sizes)
        self.order = np.arange(len(self.y))
        if self.images.shape[1] != sizes[0]:
            raise ValueError(f"{name}: each x must be a column ({sizes[0]}, 1) for a network of "
                             f"{sizes}, not ({self.images.shape[1]}, 1)")

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
        else:
            self.pairs[:] = [self.pairs[i] for i in order]


def _listed(pairs, name):
    """The pairs as a list, which an iterator such as zip is made into."""
    if _are_arrays(pairs):
        raise TypeError(f"{name} must be a list of pairs (x, y), not the two arrays that load_data "
                        f"returns; {WRAPPER}")
    if isinstance(pairs, (tuple, list)) and len(pairs) == 3 and all(map(_are_arrays, pairs)):
        raise TypeError(f"{name} must be a list of pairs (x, y), not all that load_data returns: "
                        f"training_data, validation_data, test_data; {WRAPPER}")
    if isinstance(pairs, (tuple, list)) and any(hasattr(part, "get_value") for part in pairs):
        raise TypeError(f"{name} must be a list of pairs (x, y), not network3's images and labels; "
                        f"{WRAPPER}")
    try:
        pairs = pairs if isinstance(pairs, (list, Pairs)) else list(pairs)
    except TypeError:
        raise TypeError(f"{name} must be a list of pairs (x, y), not {type(pairs).__name__}; "
                        f"{WRAPPER}") from None
    if not pairs:
        raise ValueError(f"{name} is empty; an iterator such as zip(...) can be gone through only "
                         f"once: make it a list, {name} = list({name})")
    return pairs


def _are_arrays(pair):
    """Whether this is a pair of all images and all labels."""
    return (isinstance(pair, (tuple, list)) and len(pair) == 2
            and all(isinstance(part, np.ndarray) for part in pair) and pair[1].ndim == 1)


def _stacked(pairs, name, sizes):
    """(images, y) of a list of pairs."""
    try:
        x, y = zip(*pairs)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of pairs (x, y), not of {type(pairs[0]).__name__}; "
                        f"{WRAPPER}") from None
    column = (sizes[0], 1)
    for number, shape in enumerate(map(np.shape, x)):
        if shape != column:
            say = "; say x.reshape(-1, 1)" if np.prod(shape) == sizes[0] else ""
            raise ValueError(f"{name}: each x must be a column {column}, not {shape} as in "
                             f"{name}[{number}]{say}")
    images = np.stack(x).reshape(len(x), -1)
    if images.dtype.kind not in "fiub":
        raise TypeError(f"{name}: each x must be a column of numbers, not of {images.dtype}")
    if images.dtype.kind != "f":
        images = images.astype(float)  # bytes would be taken for pixels, byte/256
    if all(np.ndim(one) == 0 for one in y):
        return images, _labels(y, name, sizes)
    for number, shape in enumerate(map(np.shape, y)):
        if shape != (sizes[-1], 1):
            raise ValueError(f"{name}: each y must be a label or a column ({sizes[-1]}, 1), not "
                             f"{shape} as in {name}[{number}]; mnist_loader.vectorized_result(label) "
                             "makes one")
    return images, np.stack(y).reshape(len(y), -1).astype(float)


def _labels(y, name, sizes):
    """Numbers y as labels (m,), or as desired outputs (m, 1) of a network with one output."""
    labels = np.array(y)
    if labels.dtype.kind not in "fiub":
        wrong = np.array([np.asarray(one).dtype.kind not in "fiub" for one in y])
    elif sizes[-1] > 1:
        wrong = (labels != np.round(labels)) | (labels < 0) | (labels >= sizes[-1])
    else:
        wrong = np.zeros(len(y), bool)
    if wrong.any():
        number = int(wrong.argmax())
        raise ValueError(f"{name}: each y must be a label, a whole number from 0 to {sizes[-1] - 1}, "
                         f"or a column ({sizes[-1]}, 1), not {y[number]!r} as in {name}[{number}]")
    return labels.astype(np.int64) if sizes[-1] > 1 else labels.astype(float).reshape(-1, 1)
