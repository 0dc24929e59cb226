"""What network3's readers know from Theano as shared variables: plain numbers with the same face."""

import math

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class AsArray(NDArrayOperatorsMixin):
    """What can be used as the array that _array() returns: x + 1, np.sum(x), x.mean(), x.T."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **more):
        arrays = [x._array() if isinstance(x, AsArray) else x for x in inputs]
        if out:  # as in w += 1
            more["out"] = tuple(x._array() if isinstance(x, AsArray) else x for x in out)
        result = getattr(ufunc, method)(*arrays, **more)
        return out[0] if len(out) == 1 else result

    def __getattr__(self, name):
        # Only what arrays have: whatever else is asked for, by copy or pickle say, is not there.
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._array(), name)

    def __len__(self):
        return self.shape[0]

    def eval(self):
        """get_value()."""
        return self.get_value()


class Shared(AsArray):
    """Images or labels with the face of a Theano shared variable: get_value, set_value, eval.

    array : images (n, h, w) bytes, seen as (n, h w) floats, byte/256; or (n, ...) floats as they are;
            or labels (n,), seen as int32
    Also an array that can only be read.  Bytes become floats where one looks.
    """

    def __init__(self, array):
        self.array = array

    def _images(self):
        """Whether these are bytes that stand for floats."""
        return self.array.dtype == np.uint8 and self.array.ndim > 1

    def _array(self):
        value = self.get_value(borrow=True).view()
        value.flags.writeable = False
        return value

    def __repr__(self):
        return f"Shared, {'images' if self.ndim > 1 else 'labels'} {self.shape}, {self.dtype}"

    def get_value(self, borrow=False):
        """The numbers; where they are floats in memory already, a copy of them unless borrow."""
        value = self._some(slice(None))
        kept = isinstance(self.array, np.ndarray) and np.may_share_memory(value, self.array)
        return value.copy() if kept and not borrow else value

    def set_value(self, value, borrow=False):
        """Put other numbers in its place."""
        self.array = np.asarray(value)

    @property
    def shape(self):
        """(n, 784), or (n,)."""
        shape = self.array.shape
        return (shape[0], math.prod(shape[1:])) if self._images() else tuple(shape)

    @property
    def ndim(self):
        """2 or 1."""
        return len(self.shape)

    @property
    def size(self):
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def dtype(self):
        """float32 for images, int32 for labels."""
        return self._some(slice(0, 0)).dtype

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.get_value(), dtype=dtype)

    def __getitem__(self, key):
        some = self._some(key)
        if self._images() and isinstance(some, np.ndarray):
            some.flags.writeable = False  # made here: what one wrote there would be lost
        return some

    def _some(self, key):
        if not self._images():
            some = self.array[key]
            return some.astype(np.int32, copy=False) if some.dtype.kind in "iu" else some
        # The images first, and then what is wanted of them, so that no others become floats.
        first, *rest = key if isinstance(key, tuple) else (key,)
        numbers = np.arange(len(self))[first]
        some = self.array[numbers.ravel()].reshape(numbers.size, self.shape[1]) * np.float32(1 / 256)
        if not isinstance(first, slice):
            first = np.arange(len(some)).reshape(numbers.shape)
            return some[first, *rest]
        return some[:, *rest]


class Parameter(AsArray):
    """A layer's w or b: an array with the face of a Theano shared variable.

    owner : the layer of nndl that has it;  name : "w" or "b"
    turned : whether the book's array is the transpose of ours, as for dense layers
    """

    def __init__(self, owner, name, value, turned=False):
        self.owner, self.name, self.turned = owner, name, turned
        self.value = np.asarray(value, np.float32)

    def __repr__(self):
        return f"Parameter {self.name} {self.shape}, {self.dtype}"

    def _array(self):
        array = getattr(self.owner, self.name, None)
        if array is None:  # not yet in a network
            return self.value
        return array.T if self.turned else array

    def get_value(self, borrow=False):
        """A copy of the numbers; the numbers themselves if borrow."""
        return self._array() if borrow else np.array(self._array())

    def set_value(self, value, borrow=False):
        """Put other numbers in their place, of the same shape."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"the value of {self.name} must have shape {self.shape}, "
                             f"not {value.shape}")
        self._array()[...] = value

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array(), dtype=dtype)

    def __getitem__(self, key):
        return self._array()[key]

    def __setitem__(self, key, value):
        self._array()[key] = value
