"""What comes into a network: examples and what is desired of them, checked, and as numbers.

Each function takes the network first.  Examples are bytes or floats, or symbols, ints, where the
network begins with an Embedding; sequences of unequal length come as data.sequences.Sequences;
desired outputs of which not all steps count become Counted.
"""

import math
import warnings

import numpy as np

from .data.made import Made
from .data.mnist import Dataset
from .data.sequences import Counted, Sequences, parted
from .ops.shapes import check_symbols, times

A_FEW_STEPS = 2  # of sequences of any length, where there must be some


def symbols(net):
    """How many symbols the network reads; 0 if it reads numbers."""
    return getattr(net.layers[0], "symbols", 0)


def by_step(net):
    """Whether the network has an output at each step of a sequence."""
    return len(net.output_shape) == 2


def read(net):
    """How many steps the network reads before it has an output."""
    return sum(getattr(layer, "reads", 0) for layer in net.layers)


def blank(net, n):
    """(examples, labels): n black images, or as many sequences of the first symbol."""
    steps = A_FEW_STEPS + read(net)
    shape = tuple(steps if size is None else size for size in net.input_shape)
    x = np.zeros((n, *shape), np.int64 if symbols(net) else np.uint8)
    if not by_step(net):
        return x, np.zeros(n, np.uint8)
    t = net.output_shape[0]
    return x, np.zeros((n, A_FEW_STEPS if t is None else t), np.uint8)


def inputs(net, x):
    """x as floats of shape (m, *input_shape), bytes as byte/256; symbols as they are."""
    if not isinstance(x, Sequences):
        x = as_array("x", x)
        if x.dtype == net.dtype and x.shape[1:] == net.input_shape and len(x):
            return x
    elif x.dtype == net.dtype and None in net.input_shape:
        return checked(net, x)
    x = checked(net, x)
    if symbols(net):
        return x
    x, valid = parted(x)
    if x.dtype == np.uint8:
        x = np.multiply(x, net.dtype.type(1 / 256), dtype=net.dtype)
    x = x.astype(net.dtype, copy=False)
    if None not in net.input_shape:
        x = x.reshape(len(x), *net.input_shape)
    return x if valid is None else Sequences(x, valid=valid)


def checked(net, x):
    """x, if it is at least one example, bytes or floats, or symbols, that fits the network."""
    if not isinstance(x, (Made, Sequences)):
        x = as_array("x", x)
    if symbols(net):
        check_symbols("x", parted(x)[0], symbols(net))
    elif x.dtype != np.uint8 and x.dtype.kind != "f":
        pixels = len(x) and x.dtype != bool and x.max() > 1
        raise TypeError(f"examples must be bytes (uint8) or floats, not {x.dtype}; "
                        + ("pixels from 0 to 255 are x.astype('uint8')" if pixels else
                           "0 and 1 are x.astype('float32')"))
    if None in net.input_shape or symbols(net):
        fits = _is(x.shape[1:], net.input_shape)
    else:  # one of the two a row, or with axes of size 1 more or less
        fits = x.ndim > 1 and (_long(x.shape[1:]) == _long(net.input_shape)
                               or (1 in (x.ndim - 1, len(net.input_shape))
                                   and math.prod(x.shape[1:]) == math.prod(net.input_shape)))
    if not fits:
        raise ValueError(_does_not_fit(net, x))
    if len(x) == 0:
        raise ValueError("x is empty: at least one example is needed")
    if 0 in x.shape:
        raise ValueError(f"x has shape {x.shape}: each sequence needs at least one step")
    if isinstance(x, Sequences):
        if not any(hasattr(layer, "valid") for layer in net.layers):
            raise ValueError("the network has no recurrent layer, which alone knows what to do with "
                             "sequences of unequal length")
        writes = x.valid[:, read(net):].any(axis=1)
        if not writes.all():
            raise ValueError(f"x: sequence {int(writes.argmin())} has no step behind the {read(net)} "
                             "that are read: a shorter one is padded to so many before the first "
                             "step to be written comes, see nndl.data.tasks.to_be_written")
    return x


def as_array(name, x, what="images"):
    """x, which should be images or labels, as an array; an error that says what it is instead."""
    if isinstance(x, Dataset):
        raise TypeError(f"{name}: {what} must come alone, not as a data set of images and labels: hand "
                        f"in its .{what}")
    try:
        return np.asarray(x)
    except ValueError:
        if _is_pair(x):
            raise TypeError(f"{name}: {what} must come alone, not as a pair (images, labels): take its "
                            f"[{('images', 'labels').index(what)}]") from None
        raise ValueError(f"{name} is a list of unequal arrays; sequences of unequal length are "
                         "nndl.Sequences.of(list)") from None


def _is_pair(x):
    """Whether this looks like (images, labels), and not like two sequences."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        return False
    images, labels = x
    return getattr(labels, "ndim", 0) == 1 < getattr(images, "ndim", 0) and len(images) == len(labels)


def _does_not_fit(net, x):
    shape = _written("m", *net.input_shape)
    if None in net.input_shape or symbols(net):
        what = "symbols" if symbols(net) else "sequences"
        mend = ""
        if x.ndim == len(net.input_shape):
            mend = ("; numbers, one at each step, are x[..., None]" if net.input_shape[1:] == (1,) else
                    "; x.reshape(1, *x.shape) is one alone")
        return f"{what} must have shape {shape}, not {x.shape}{mend}"
    one = x.shape[1:] if x.ndim != 3 or len(net.input_shape) != 3 else (1, *x.shape[1:])
    if math.prod(x.shape) == math.prod(net.input_shape):
        mend = f"a single example is x.reshape{(1, *net.input_shape)}"
    elif x.shape[1:] == net.input_shape[::-1]:
        mend = f"their axes change places by x.transpose{(0, *range(x.ndim - 1, 0, -1))}"
    else:
        mend = f"say Network(..., input_shape={one}) if they are right"
    return f"examples must have shape {shape}, one after the other, not {x.shape}; {mend}"


def _long(shape):
    """A shape without its axes of size 1."""
    return tuple(size for size in shape if size != 1)


def _is(shape, asked):
    """Whether this is the shape that is asked for, in which None stands for any number of steps."""
    return len(shape) == len(asked) and all(n in (None, there) for n, there in zip(asked, shape))


def _written(*sizes):
    """A shape as Python writes it, with t for any number of steps."""
    names = ", ".join("t" if n is None else str(n) for n in sizes)
    return f"({names},)" if len(sizes) == 1 else f"({names})"


def steps_that_count(net, x):
    """Which steps of these inputs have an output to be judged; None: all, or there is one in all."""
    _, valid = parted(x)
    if valid is None or not by_step(net):
        return None
    return valid[:, read(net):]


def targets(net, y, x):
    """Desired outputs (m, n_out), or (m, t, n_out), for inputs x: labels become rows with a single 1.

    Steps that x does not have do not count, nor do labels of -1.
    """
    if isinstance(y, Counted):  # what this has made before
        return y
    m, y, valid = len(x), labels_of("y", y), steps_that_count(net, x)
    if y.dtype.kind == "f" and _is(y.shape, (m, *net.output_shape)):
        _same_steps(net, "y", x, y)
        hot = y.astype(net.dtype, copy=False)
        return hot if valid is None else Counted(hot, valid=valid)
    check_labels(net, "y", y, m, valid)
    _same_steps(net, "y", x, y)
    if not by_step(net):
        hot = np.zeros((m, net.output_shape[0]), net.dtype)
        hot[np.arange(m), y] = 1
        return hot
    hot = np.zeros((*y.shape, net.output_shape[1]), net.dtype)
    counted = y >= 0 if valid is None else valid & (y >= 0)
    i, s = np.nonzero(counted)
    hot[i, s, y[i, s]] = 1
    return hot if counted.all() else Counted(hot, valid=counted)


def labels_of(name, y):
    """y as an array; of labels that are Sequences, with -1 where there is no step."""
    if not isinstance(y, Sequences):
        return as_array(name, y, "labels")
    if y.dtype.kind not in "iu" or y.ndim != 2:
        raise TypeError(f"{name}: of Sequences only labels, ints (m, t), can be desired, not {y.dtype} "
                        f"{y.shape}; hand in y.padded: steps that x does not have do not count")
    return np.where(y.valid, y.padded.astype(np.int64), -1)


def check_labels(net, name, y, m, valid=None):
    """y must be m labels, ints from 0 to n_out - 1; at each step where each has an output.

    There -1 says that a step's output does not matter, and only valid steps are looked at.
    """
    *steps, n_out = net.output_shape
    if y.dtype.kind not in "iu" or not _is(y.shape, (m, *steps)) or len(steps) > 1:
        mend = ""
        if _is(y.shape, (m, *net.output_shape)) and y.dtype.kind in "iub":
            mend = "; say y.astype(float)"
        elif y.dtype.kind == "f" and _is(y.shape, (m, *steps)) and len(steps) < 2:
            mend = ("; desired outputs are y[..., None]" if n_out == 1 else
                    "; labels that came as floats are y.astype(int)")
        elif y.dtype.kind in "iu" and not steps and y.shape == (m, 1):
            mend = "; say y[:, 0]"
        elif steps and y.shape == (m,):
            mend = ("; the network has an output at each step: for one in all put Last() behind the "
                    "recurrent layer, and for an image Flatten() first")
        raise ValueError(f"{name}: labels must be ints {_written(m, *steps)} or desired outputs, "
                         f"floats {_written(m, *net.output_shape)}, not {y.dtype} {y.shape}{mend}")
    if valid is not None and valid.shape == y.shape:
        y = y[valid]
    low, high = (0 if y.dtype.kind == "u" else int(y.min()), int(y.max())) if y.size else (-1, -1)
    least = -1 if steps else 0
    if low < least or high >= n_out:
        raise ValueError(f"{name}: labels must be from 0 to {n_out - 1} for a network of {n_out} "
                         f"outputs{', or -1 where a step does not count' if steps else ''}, not "
                         f"{low if low < least else high}"
                         + ("; 0 and 1 for a single output are floats, y[..., None].astype(float)"
                            if n_out == 1 else ""))


def data(net, name, data):
    """(images, labels), checked once for all mini-batches."""
    try:
        images, y = data
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair (images, labels), such as load_mnist().training, "
                        f"not {type(data).__name__}") from None
    try:
        images = images if isinstance(images, (Made, Sequences)) else np.asarray(images)
        y = labels_of(name, y)
    except ValueError:
        raise ValueError(f"{name}: images and labels must each be one array; these are lists of "
                         "unequal arrays; sequences of unequal length are Sequences.of(list)") from None
    if images.ndim == 0 or y.ndim == 0:
        raise TypeError(f"{name} must be a pair of arrays (images, labels); "
                        f"{'labels' if images.ndim else 'images'} came as "
                        f"{y if images.ndim else images}")
    if len(images) == 0 or len(images) != len(y):
        raise ValueError(f"{name} must have as many labels as images, and at least one: "
                         f"not {len(images)} images and {len(y)} labels")
    try:
        checked(net, images)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    if len(net.output_shape) > 2:
        raise ValueError(f"the network's outputs are {times(net.output_shape)}, not a row: "
                         "end it with Dense(10), Softmax()")
    counted = steps_that_count(net, images)
    if y.dtype.kind != "f" or not _is(y.shape, (len(y), *net.output_shape)):
        check_labels(net, name, y, len(y), counted)
        _same_steps(net, name, images, y)
        if by_step(net) and not (y >= 0 if counted is None else (y >= 0) & counted).any():
            raise ValueError(f"{name}: no step counts: each is missing or has the label -1")
    else:
        _same_steps(net, name, images, y)
        if not np.isfinite(y if counted is None else y[counted]).all():
            raise ValueError(f"{name}: the desired outputs must be finite numbers")
    numbers = parted(images)[0]
    if numbers.dtype.kind == "f" and numbers.max() == 255 and numbers.min() == 0:
        warnings.warn(f"{name}: images are floats from 0 to 255, with which networks learn "
                      "badly; hand in bytes, images.astype('uint8'), or images / 256",
                      stacklevel=4)
    return images, y


def _same_steps(net, name, x, y):
    """As many labels as there are outputs, where there is one at each step."""
    reads = read(net)
    if by_step(net) and y.shape[1] != x.shape[1] - reads:
        raise ValueError(f"{name}: {x.shape[1]} steps"
                         + (f", of which {reads} are read," if reads else "")
                         + f" have {x.shape[1] - reads} outputs, but there are labels for {y.shape[1]}")
