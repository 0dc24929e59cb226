"""What shapes fit together: the checks and the output sizes that every backend shares.

Each function raises ValueError or TypeError naming the argument, what was expected and what came.
The Numba kernels index without bounds checks and rely on these.
"""

import functools

import numpy as np

FLOATS = {np.dtype("float32")}, {np.dtype("float64")}

def pair(name, value, least):
    """An int, or a pair of ints, as a pair (rows, columns); each at least `least`."""
    two = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(two) != 2 or not all(is_int(v) for v in two):
        raise TypeError(f"{name} must be an int or a pair of ints (rows, columns), not {value!r}")
    if min(two) < least:
        raise ValueError(f"{name} must be at least {least}, not {value!r}")
    return int(two[0]), int(two[1])


def times(shape):
    """A shape as one says it: 20 x 12 x 12; sequences of any length have t steps."""
    return " x ".join("t" if n is None else str(n) for n in shape)


def is_int(value):
    """Whether value counts: an int or a NumPy integer, and no bool."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def check_float(**arrays):
    """All arrays must be float32, or all float64."""
    if {x.dtype for x in arrays.values()} in FLOATS:
        return
    (first, a), *others = arrays.items()
    if a.dtype != "float32" and a.dtype != "float64":
        raise TypeError(f"{first} must be float32 or float64, not {a.dtype}; "
                        f"convert it with {first}.astype('float32')")
    for name, other in others:
        if other.dtype != a.dtype:
            raise TypeError(f"{name} is {other.dtype} but {first} is {a.dtype}: use one of the "
                            f"two for both, say {name}.astype('{a.dtype}')")


def check_same_shape(**arrays):
    """All arrays must have one shape and one float type."""
    check_float(**arrays)
    if len({x.shape for x in arrays.values()}) == 1:
        return
    (first, a), *others = arrays.items()
    for name, other in others:
        if other.shape != a.shape:
            raise ValueError(f"{name} has shape {other.shape}, {first} has {a.shape}; "
                             "they must be alike")


def check_rows(**arrays):
    """All arrays must have one shape (m, n), one example per row, or (m, t, n), and one float type."""
    check_same_shape(**arrays)
    (first, a), *_ = arrays.items()
    if a.ndim not in (2, 3) or a.shape[-1] == 0:
        raise ValueError(f"{first} must have shape (m, n), one example per row, or (m, t, n), one for "
                         f"each step, not {a.shape}; a single one is {first}.reshape(1, -1)")


def check_dense(a, w, b=None, delta=None):
    """a (m, n_in), w (n_out, n_in), b (n_out,), delta (m, n_out)."""
    if w.ndim != 2:
        raise ValueError(f"w must have shape (n_out, n_in), not {w.shape}")
    n_out, n_in = w.shape
    if a.ndim != 2 or a.shape[1] != n_in:
        raise ValueError(f"a must have shape (m, {n_in}) to fit w {w.shape}, not {a.shape}; "
                         "one example per row: a single one is a.reshape(1, -1)")
    check_float(a=a, w=w)
    if b is not None:
        if b.shape != (n_out,):
            raise ValueError(f"b must have shape ({n_out},) to fit w {w.shape}, not {b.shape}")
        check_float(w=w, b=b)
    if delta is not None:
        if delta.shape != (a.shape[0], n_out):
            raise ValueError(f"delta must have shape {(a.shape[0], n_out)}, not {delta.shape}")
        check_float(w=w, delta=delta)


def check_images(name, x):
    """x must have shape (m, c, h, w)."""
    if x.ndim != 4:
        raise ValueError(f"{name} must have shape (m, c, h, w), not {x.shape}; a single grey image "
                         f"is {name}.reshape(1, 1, *{name}.shape)")


def check_conv(x, w, b=None):
    """x (m, c, h, w), w (f, c, kh, kw), b (f,)."""
    check_images("x", x)
    if w.ndim != 4:
        raise ValueError(f"w must have shape (f, c, kh, kw), not {w.shape}")
    if x.shape[1] != w.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels but w {w.shape} filters {w.shape[1]}")
    check_float(x=x, w=w)
    if b is not None:
        if b.shape != w.shape[:1]:
            raise ValueError(f"b must have shape {w.shape[:1]} to fit w {w.shape}, not {b.shape}")
        check_float(w=w, b=b)


def conv_size(shape, kernel, stride=(1, 1), padding=(0, 0), what="kernel"):
    """(oh, ow) of windows of size `kernel` over an image of (h, w) = shape.

    A remainder at the edge that no whole window covers is dropped.
    """
    try:
        return _conv_size(shape, kernel, stride, padding, what)
    except TypeError:  # a list, which cannot be looked up; or something wrong, which is said again
        return _conv_size.__wrapped__(shape, kernel, stride, padding, what)


@functools.cache
def _conv_size(shape, kernel, stride, padding, what):
    for name, two in ((what, kernel), ("stride", stride), ("padding", padding)):
        if not isinstance(two, (tuple, list)) or len(two) != 2 or not all(is_int(v) for v in two):
            raise TypeError(f"{name} must be a pair of ints (rows, columns), not {two!r}")
    size = []
    for n, k, s, p in zip(shape, kernel, stride, padding):
        if k < 1 or s < 1 or p < 0:
            raise ValueError(f"{what} {k} and stride {s} must be at least 1, padding {p} at least 0")
        if k > n + 2 * p:
            raise ValueError(f"{what} {kernel[0]} x {kernel[1]} is larger than its "
                             f"{shape[0]} x {shape[1]} input (padding {padding[0]}, {padding[1]})")
        size.append((n + 2 * p - k) // s + 1)
    return tuple(size)


def check_output(name, dz, expected):
    """The gradient at an output must have the output's shape."""
    if dz.shape != tuple(expected):
        raise ValueError(f"{name} must have the output's shape {tuple(expected)}, not {dz.shape}")


def check_winner(winner, expected, size):
    """winner must be what max-pooling with windows of this size made: kernels index by it."""
    check_output("winner", winner, expected)
    if winner.dtype != "int32":
        raise TypeError(f"winner must be int32, as max-pooling makes it, not {winner.dtype}")
    # Seen as unsigned, a negative number is a large one too.
    if winner.size and winner.view("uint32").max() >= size[0] * size[1]:
        raise ValueError(f"winner must be from 0 to {size[0] * size[1] - 1}, an index within a window "
                         f"of {size[0]} x {size[1]}; was it made with another pool size?")


def check_recurrent(x, w_xh, w_hh, b=None, valid=None, gates=1, **states):
    """x (m, t, n_in), w_xh (gates n, n_in), w_hh (gates n, n), b (gates n,), valid (m, t) of bools.

    states : (m, n) each, or None.  Returns m, t, n.
    """
    if w_hh.ndim != 2 or w_hh.shape[0] != gates * w_hh.shape[1] or not w_hh.size:
        raise ValueError(f"w_hh must have shape ({'n' if gates == 1 else f'{gates} n'}, n), "
                         f"not {w_hh.shape}")
    n = w_hh.shape[1]
    if w_xh.ndim != 2 or len(w_xh) != gates * n:
        raise ValueError(f"w_xh must have shape ({gates * n}, n_in) to fit w_hh {w_hh.shape}, "
                         f"not {w_xh.shape}")
    if x.ndim != 3 or x.shape[2] != w_xh.shape[1]:
        raise ValueError(f"x must have shape (m, t, {w_xh.shape[1]}) to fit w_xh {w_xh.shape}, not "
                         f"{x.shape}; a single sequence is x.reshape(1, *x.shape)")
    m, t, _ = x.shape
    if t == 0:
        raise ValueError(f"x has shape {x.shape}, sequences of no steps: at least one is needed")
    check_float(x=x, w_xh=w_xh, w_hh=w_hh)
    if b is not None:
        if b.shape != (gates * n,):
            raise ValueError(f"b must have shape ({gates * n},) to fit w_hh {w_hh.shape}, "
                             f"not {b.shape}")
        check_float(x=x, b=b)
    for name, state in states.items():
        if state is not None:
            if state.shape != (m, n):
                raise ValueError(f"{name} must have shape {(m, n)}, a state of {n} numbers for each "
                                 f"of {m} sequences, not {state.shape}")
            check_float(**{"x": x, name: state})
    if valid is not None and (valid.shape != (m, t) or valid.dtype != bool):
        raise ValueError(f"valid must be bools of shape {(m, t)}, one for each step of each sequence, "
                         f"not {valid.dtype} {valid.shape}")
    return m, t, n


def check_recurrent_back(x, w_xh, w_hh, valid, truncate, gates=1, *, dh, h, c=None, all_gates=None,
                         **states):
    """As check_recurrent, with dh, h and c (m, t, n), and all_gates (m, t, 4 n)."""
    m, t, n = check_recurrent(x, w_xh, w_hh, valid=valid, gates=gates, **states)
    for name, array, width in (("dh", dh, n), ("h", h, n), ("c", c, n), ("gates", all_gates, 4 * n)):
        if array is not None:
            if array.shape != (m, t, width):
                raise ValueError(f"{name} must have shape {(m, t, width)} to fit x {x.shape} and w_hh "
                                 f"{w_hh.shape}, not {array.shape}")
            check_float(**{"x": x, name: array})
    check_truncate(truncate)
    return m, t, n


def check_truncate(truncate):
    """truncate: None, or a number of steps."""
    if truncate is not None:
        if not is_int(truncate):
            raise TypeError(f"truncate must be an int or None, not {truncate!r}")
        if truncate < 1:
            raise ValueError(f"truncate must be at least 1 step, not {truncate}")
        truncate = int(truncate)
    return truncate


def check_embedding(x, w, d=None):
    """x (m, t) of symbols, ints from 0 on; w (symbols, n); d (m, t, n)."""
    if w.ndim != 2:
        raise ValueError(f"w must have shape (symbols, n), not {w.shape}")
    check_float(w=w)
    check_symbols("x", x, len(w))
    if x.ndim != 2:
        raise ValueError(f"x must have shape (m, t), a symbol at each step, not {x.shape}; a single "
                         "sequence is x.reshape(1, -1)")
    if d is not None:
        if d.shape != (*x.shape, w.shape[1]):
            raise ValueError(f"d must have shape {(*x.shape, w.shape[1])}, not {d.shape}")
        check_float(w=w, d=d)


def check_symbols(name, x, symbols):
    """x must be ints from 0 to symbols - 1."""
    if x.dtype.kind not in "iu":
        raise TypeError(f"{name} must be symbols, ints from 0 to {symbols - 1}, not {x.dtype}")
    if x.size and (x.min() < 0 or x.max() >= symbols):
        wrong = x.min() if x.min() < 0 else x.max()
        raise ValueError(f"{name} must be symbols from 0 to {symbols - 1}, not {wrong}")
