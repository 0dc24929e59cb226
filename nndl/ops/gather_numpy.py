"""A mini-batch gathered from the data, the reference."""

import numpy as np

from .shapes import check_float


def gather(images, rows, which, some, x, y, checked=False):
    """The examples numbered `some` as floats in x, and their desired outputs in y.

    images : (n, n_in), bytes, which become byte/256, or floats;  some : (m,) ints from 0 to n - 1
    rows : (k, n_out), of which row which[i] is what is desired of example i;  which : (n,) ints
    x : (m, n_in);  y : (m, n_out), both overwritten
    checked : that all this fits together is known already
    """
    if not checked:
        check_gather(images, rows, which, some, x, y)
    x[...] = images[some]
    if images.dtype == np.uint8:
        x *= x.dtype.type(1 / 256)
    y[...] = rows[which[some]]


def check_gather(images, rows, which, some, x, y):
    """What fits together, and that all numbers of examples are there."""
    check_float(x=x, y=y, rows=rows)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise TypeError(f"images must be bytes (uint8) or floats, not {images.dtype}")
    if images.ndim != 2 or x.shape != (len(some), images.shape[1]):
        raise ValueError(f"x must have shape {(len(some), *images.shape[1:])} to take {len(some)} of "
                         f"images {images.shape}, not {x.shape}")
    if len(which) != len(images):
        raise ValueError(f"which must have {len(images)} numbers, one for each image, "
                         f"not {len(which)}")
    if y.shape != (len(some), rows.shape[1]):
        raise ValueError(f"y must have shape {(len(some), rows.shape[1])}, not {y.shape}")
    for name, numbers, n in (("some", some, len(images)), ("which", which, len(rows))):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < n:
            raise ValueError(f"{name} must be from 0 to {n - 1}, not {numbers.min()} to "
                             f"{numbers.max()}")
