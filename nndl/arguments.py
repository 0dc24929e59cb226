"""What several modules ask of their arguments, in the same words."""

import math
import numbers

import numpy as np

from .ops.shapes import is_int


def check_generator(rng):
    """TypeError unless rng is a NumPy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a Generator, say np.random.default_rng(0), not {rng!r}")


def check_int(name, value, least):
    """ValueError unless value is an int of at least so much."""
    if not is_int(value) or value < least:
        raise ValueError(f"{name} must be an int of at least {least}, not {value!r}")


def is_number(value):
    """Whether value is a finite real number, and not a bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
