"""MNIST in the forms that the book's network.py and network2.py take.  Book ch. 1.

    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()

As there, an image is byte/256 in float32.  Unlike there nothing is unpickled: the data are in the
package, and each pair (x, y) is made when it is asked for, so that 50,000 of them take no memory.
"""

import gzip
import io
import pickle
from collections.abc import Sequence

import numpy as np

from ..data import load_mnist


def load_data(filename=None):
    """(training_data, validation_data, test_data), each a pair (images, labels) of arrays.

    filename : an old mnist.pkl.gz, where the shipped data are not meant
    images : (n, 784) float32, byte/256;  labels : (n,) int64
    """
    if filename is not None:
        return read_pickle(filename)
    return tuple((as_floats(images), labels.astype(np.int64)) for images, labels in load_mnist())


def load_data_wrapper():
    """(training_data, validation_data, test_data), each like a list of pairs (x, y).

    x : (784, 1) float32;  y : (10, 1) in training, of vectorized_result; an int elsewhere
    """
    training, validation, test = load_mnist()
    return Pairs(*training, vectors=True), Pairs(*validation), Pairs(*test)


def vectorized_result(j):
    """The desired output for digit j: (10, 1), 1.0 at j and 0 elsewhere."""
    e = np.zeros((10, 1))
    e[j] = 1.0
    return e


def as_floats(images):
    """Bytes (n, 28, 28) as rows of float32 from 0 to 255/256."""
    return (images.reshape(len(images), -1) * np.float32(1 / 256)).astype(np.float32, copy=False)


class Pairs(Sequence):
    """What load_data_wrapper hands out: a list of pairs (x, y), each made when asked for.

    images : (n, h, w) bytes;  labels : (n,) ints;  vectors : whether y is vectorized_result(label)
    Slices and shuffles like a list, and may be gone through as often as one likes.
    """

    def __init__(self, images, labels, vectors=False):
        self.images, self.labels, self.vectors = images, labels, vectors

    def __len__(self):
        return len(self.images)

    def __getitem__(self, key):
        if isinstance(key, slice):
            return Pairs(self.images[key], self.labels[key], self.vectors)
        if not isinstance(key, (int, np.integer)):
            raise TypeError("pairs are taken by a number or a slice, as from a list, not by "
                            f"{key!r:.50}; several are [training_data[i] for i in ...]")
        x = as_floats(self.images[key][None]).reshape(-1, 1)
        label = int(self.labels[key])
        y = vectorized_result(label) if self.vectors else label
        for array in (x, y)[:1 + self.vectors]:
            array.flags.writeable = False  # made here: what one wrote there would be lost
        return x, y

    def __repr__(self):
        x, y = self[0] if len(self) else (None, None)
        return f"{len(self):,} pairs (x, y), like {np.shape(x)}, {np.shape(y) or type(y).__name__}"

    def __setitem__(self, key, pair):
        raise TypeError("these pairs are made when they are asked for, and cannot be changed; "
                        "list(training_data) is a list of them that can")

    def __add__(self, other):
        return list(self) + list(other)

    def __radd__(self, other):
        return list(other) + list(self)

    def reorder(self, order):
        """Put the pairs in another order, in place."""
        self.images, self.labels = self.images[order], self.labels[order]


# --- the book's own data files --------------------------------------------------------------------

def read_pickle(filename):
    """The arrays in an old mnist.pkl.gz or mnist_expanded.pkl.gz.

    A pickle can name any function to be called.  Of this one only arrays are taken, and any other
    name ends the reading before anything is called: ValueError.
    """
    try:
        with gzip.open(filename, "rb") as file:
            content = ArraysOnly(io.BytesIO(file.read()), encoding="latin1").load()
        parts = tuple((np.asarray(images, np.float32), np.asarray(labels, np.int64))
                      for images, labels in content)
        if len(parts) != 3 or any(images.ndim != 2 or labels.shape != images.shape[:1]
                                  for images, labels in parts):
            raise ValueError("in it must be three pairs of images (n, 784) and as many labels")
        return parts
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {filename}; load_data() without one reads the data "
                                "that nndl ships") from None
    except Exception as error:  # damaged bytes make gzip, pickle and NumPy raise nearly anything
        raise ValueError(f"{filename} is not one of the book's data files: {error}; load_data() "
                         "without a file reads the data that nndl ships") from None


class ArraysOnly(pickle.Unpickler):
    """Reads arrays and what holds them, and refuses everything else that a pickle can say."""

    KNOWN = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype,
             ("_codecs", "encode"): lambda text, _: text.encode("latin1"),  # the bytes of an array
             # NumPy 1's names and NumPy 2's.
             **{(f"numpy.{core}.{module}", name): getattr(getattr(np._core, module), name)
                for core in ("core", "_core") for module, name in (
                    ("multiarray", "_reconstruct"), ("multiarray", "scalar"),
                    ("numeric", "_frombuffer"))}}

    def find_class(self, module, name):
        """What the pickle names, if an array is made of it."""
        if (module, name) not in self.KNOWN:
            raise ValueError(f"it asks for {module}.{name}, which no array needs")
        return self.KNOWN[module, name]
