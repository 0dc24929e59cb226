"""Where weights and biases start: the book's initialisers and the field's.

Each takes (rng, shape, fan_in, fan_out) and returns (w, b), float64:

    shape   : of w; (n_out, n_in) for dense layers, (f, c, kh, kw) for convolutions
    fan_in  : how many inputs one neuron has, n_in or c kh kw
    fan_out : how many neurons one input reaches, n_out or f kh kw (divided by the pool's area where
              a pool follows, as network3 counts them)

Biases are drawn first, as the book's programs do.  Layers take one by name: Dense(100, init="he").
"""

import numpy as np


def large(rng, shape, fan_in, fan_out):
    """All from N(0, 1): chapter 1's, large enough to saturate a sigmoid.  Book ch. 3."""
    b = rng.standard_normal(shape[0])
    return rng.standard_normal(shape), b


def default(rng, shape, fan_in, fan_out):
    """Weights from N(0, 1/fan_in), so that z is of order 1; biases from N(0, 1).  Book ch. 3."""
    b = rng.standard_normal(shape[0])
    return rng.standard_normal(shape) / np.sqrt(fan_in), b


def network3(rng, shape, fan_in, fan_out):
    """As network3.py draws them: weights from N(0, 1/fan_out), biases from N(0, 1).

    For its dense layers fan_in was meant, as the book remarks.
    """
    b = rng.standard_normal(shape[0])
    return rng.standard_normal(shape) / np.sqrt(fan_out), b


def glorot(rng, shape, fan_in, fan_out):
    """Weights from N(0, 2/(fan_in + fan_out)), biases 0.  Glorot and Bengio 2010."""
    return rng.standard_normal(shape) * np.sqrt(2 / (fan_in + fan_out)), np.zeros(shape[0])


def he(rng, shape, fan_in, fan_out):
    """Weights from N(0, 2/fan_in), biases 0: ReLU halves the variance.  He et al. 2015."""
    return rng.standard_normal(shape) * np.sqrt(2 / fan_in), np.zeros(shape[0])


def zeros(rng, shape, fan_in, fan_out):
    """All 0: network3's softmax layer.  Behind it, nothing learns before it has moved."""
    return np.zeros(shape), np.zeros(shape[0])


INITIALISERS = {f.__name__: f for f in (large, default, network3, glorot, he, zeros)}


def by_name(name):
    """The initialiser called name; a function is handed back as it is."""
    if callable(name):
        return name
    if not isinstance(name, str) or name not in INITIALISERS:
        raise ValueError(f"init must be one of {', '.join(INITIALISERS)}, not {name!r}")
    return INITIALISERS[name]
