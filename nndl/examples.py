"""What comes into a network: examples and what is desired of them, checked, and as numbers.

Each function takes the network first.  Examples are bytes or floats, or symbols, ints, where the
network begins with an Embedding; sequences of unequal length come as data.sequences.Sequences;
desired outputs of which not all steps count become Counted.
"""

import math
import warnings

import numpy as np

from .data.made import Made
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
        x = np.asarray(x)
        if x.dtype == net.dtype and x.shape[1:] == net.input_shape and len(x):
            return x
    elif x.dtype == net.dtype and None in net.input_shape:
        return checked(net, x)
    x, valid = parted(checked(net, x))
    if not symbols(net):
        if x.dtype == np.uint8:
            x = np.multiply(x, net.dtype.type(1 / 256), dtype=net.dtype)
        x = x.astype(net.dtype, copy=False)
        if None not in net.input_shape:
            x = x.reshape(len(x), *net.input_shape)
    return x if valid is None else Sequences(x, valid=valid)


def checked(net, x):
    """x, if it is at least one example, bytes or floats, or symbols, that fits the network."""
    if not isinstance(x, (Made, Sequences)):
        x = np.asarray(x)
    if symbols(net):
        check_symbols("x", parted(x)[0], symbols(net))
    elif x.dtype != np.uint8 and x.dtype.kind != "f":
        mend = ("x.astype('float32') makes 0 and 1 of them" if x.dtype == bool else
                "pixels from 0 to 255 are x.astype('uint8')")
        raise TypeError(f"images must be bytes (uint8) or floats, not {x.dtype}; {mend}")
    if None in net.input_shape or symbols(net):
        fits = _is(x.shape[1:], net.input_shape)
    else:
        fits = x.ndim > 1 and math.prod(x.shape[1:]) == math.prod(net.input_shape)
    if not fits:
        raise ValueError(_does_not_fit(net, x))
    if len(x) == 0:
        raise ValueError("images is empty: at least one example is needed")
    if isinstance(x, Sequences) and not any(hasattr(layer, "valid") for layer in net.layers):
        raise ValueError("the network has no recurrent layer, which alone knows what to do with "
                         "sequences of unequal length")
    return x


def _does_not_fit(net, x):
    shape = _written("m", *net.input_shape)
    if None in net.input_shape or symbols(net):
        what = "symbols" if symbols(net) else "sequences"
        single = " x.reshape(1, *x.shape) is one alone" if x.ndim == len(net.input_shape) else ""
        return f"{what} must have shape {shape}, not {x.shape}" + (f";{single}" if single else "")
    one = x.shape[1:] if x.ndim != 3 or len(net.input_shape) != 3 else (1, *x.shape[1:])
    mend = (f"a single example is x.reshape{(1, *net.input_shape)}"
            if math.prod(x.shape) == math.prod(net.input_shape) else
            f"say Network(..., input_shape={one}) if they are right")
    return f"images must have shape {shape}, one example after the other, not {x.shape}; {mend}"


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


def targets(net, y, m, name="y", valid=None):
    """Desired outputs (m, n_out), or (m, t, n_out): labels become rows with a single 1.

    valid : which steps the inputs have, where each step has an output: the others do not count
    """
    if isinstance(y, Counted):  # what this has made before
        return y
    y = np.asarray(y)
    if y.dtype.kind == "f" and _is(y.shape, (m, *net.output_shape)):
        hot = y.astype(net.dtype, copy=False)
        return hot if valid is None else Counted(hot, valid=valid)
    check_labels(net, name, y, m)
    if not by_step(net):
        hot = np.zeros((m, net.output_shape[0]), net.dtype)
        hot[np.arange(m), y] = 1
        return hot
    hot = np.zeros((*y.shape, net.output_shape[1]), net.dtype)
    counted = y >= 0 if valid is None else valid & (y >= 0)
    i, s = np.nonzero(counted)
    hot[i, s, y[i, s]] = 1
    return hot if counted.all() else Counted(hot, valid=counted)


def check_labels(net, name, y, m):
    """y must be m labels, ints from 0 to n_out - 1; at each step where each has an output.

    There -1 says that a step's output does not matter.
    """
    *steps, n_out = net.output_shape
    if y.dtype.kind not in "iu" or not _is(y.shape, (m, *steps)) or len(steps) > 1:
        mend = ""
        if _is(y.shape, (m, *net.output_shape)) and y.dtype.kind in "iub":
            mend = "; say y.astype(float)"
        elif steps and y.shape == (m,):
            mend = ("; the network has an output at each step: for one in all put Last() behind the "
                    "recurrent layer, and for an image Flatten() first")
        raise ValueError(f"{name}: labels must be ints {_written(m, *steps)} or desired outputs, "
                         f"floats {_written(m, *net.output_shape)}, not {y.dtype} {y.shape}{mend}")
    low, high = 0 if y.dtype.kind == "u" else int(y.min()), int(y.max())
    least = -1 if steps else 0
    if low < least or high >= n_out:
        raise ValueError(f"{name}: labels must be from 0 to {n_out - 1} for a network of {n_out} "
                         f"outputs{', or -1 where a step does not count' if steps else ''}, not "
                         f"{low if low < least else high}")
    if steps and not (y >= 0).any():
        raise ValueError(f"{name}: all labels are -1, so that no step counts")


def data(net, name, data):
    """(images, labels), checked once for all mini-batches."""
    try:
        images, y = data
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair (images, labels), such as load_mnist().training, "
                        f"not {type(data).__name__}") from None
    try:
        images = images if isinstance(images, (Made, Sequences)) else np.asarray(images)
        y = np.asarray(y)
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
    checked(net, images)
    if len(net.output_shape) > 2:
        raise ValueError(f"the network's outputs are {times(net.output_shape)}, not a row: "
                         "end it with Dense(10), Softmax()")
    if y.dtype.kind != "f" or not _is(y.shape, (len(y), *net.output_shape)):
        check_labels(net, name, y, len(y))
    elif not np.isfinite(y).all():
        raise ValueError(f"{name}: the desired outputs must be finite numbers")
    if by_step(net) and net.output_shape[0] is None:
        _same_steps(net, name, images, y)
    numbers = parted(images)[0]
    if numbers.dtype.kind == "f" and numbers.max() == 255 and numbers.min() == 0:
        warnings.warn(f"{name}: images are floats from 0 to 255, with which networks learn "
                      "badly; hand in bytes, images.astype('uint8'), or images / 256",
                      stacklevel=4)
    return images, y


def _same_steps(net, name, x, y):
    """Of sequences of any length: as many labels as there are outputs."""
    reads = read(net)
    if y.shape[1] != x.shape[1] - reads:
        raise ValueError(f"{name}: {x.shape[1]} steps"
                         + (f", of which {reads} are read," if reads else "")
                         + f" have {x.shape[1] - reads} outputs, but there are labels for {y.shape[1]}")
