"""The activation functions, the reference: each forward with its derivative right below.

A monotone activation remembers its own output: sigma' can be read off sigma, as the book does with
sigma' = sigma (1 - sigma).  GELU is not monotone, so its backward takes z.

No function warns or overflows for any float, infinities included; NaN comes out as NaN, so that
training can notice it.  z and the results have any one shape; dz means dC/dz, da means dC/da.
"""

import numpy as np
from scipy.special import erf

from .shapes import check_float, check_same_shape

MONOTONE = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu")


def sigmoid_forward(z, work=None):
    """sigma(z) = 1 / (1 + e^-z), book (3), with exponents that are never positive."""
    check_float(z=z)
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1) / (1 + e)


def sigmoid_backward(da, a, work=None):
    """dz = da sigma'(z), and sigma' = a (1 - a).  The ⊙ sigma'(z) of BP2."""
    check_same_shape(da=da, a=a)
    return da * a * (1 - a)


def tanh_forward(z, work=None):
    """tanh(z), book (110)."""
    check_float(z=z)
    return np.tanh(z)


def tanh_backward(da, a, work=None):
    """dz = da tanh'(z), and tanh' = 1 - a²."""
    check_same_shape(da=da, a=a)
    return da * (1 - a * a)


def relu_forward(z, work=None):
    """max(0, z), book (112).  NaN stays NaN; -0.0 becomes 0."""
    check_float(z=z)
    return np.where(z <= 0, z.dtype.type(0), z)


def relu_backward(da, a, work=None):
    """dz = da where the neuron is on.  At z = 0 exactly the slope is taken to be 0."""
    check_same_shape(da=da, a=a)
    return np.where(a > 0, da, da.dtype.type(0))


def leaky_relu_forward(z, slope=0.01, work=None):
    """z where z > 0, slope·z elsewhere; 0 < slope < 1.  Maas, Hannun and Ng 2013."""
    check_float(z=z)
    return np.where(z > 0, z, z.dtype.type(slope) * z)


def leaky_relu_backward(da, a, slope=0.01, work=None):
    """dz = da or slope·da: the slope is positive, so a has the sign of z."""
    check_same_shape(da=da, a=a)
    return np.where(a > 0, da, da.dtype.type(slope) * da)


def elu_forward(z, alpha=1.0, work=None):
    """z where z > 0, alpha (e^z - 1) elsewhere.  Clevert, Unterthiner and Hochreiter 2015."""
    check_float(z=z)
    return np.where(z > 0, z, z.dtype.type(alpha) * np.expm1(np.minimum(z, 0)))


def elu_backward(da, a, alpha=1.0, work=None):
    """dz = da where z > 0, else da·alpha e^z = da (a + alpha)."""
    check_same_shape(da=da, a=a)
    return np.where(a > 0, da, da * (np.minimum(a, 0) + a.dtype.type(alpha)))


def gelu_forward(z, work=None):
    """z Phi(z), Phi the standard normal's distribution function.  Hendrycks and Gimpel 2016.

    The exact one, with erf.  Below -40 the product is 0 in any float, and -inf times 0 would not be.
    """
    check_float(z=z)
    z = np.maximum(z, -40)
    return z * (0.5 * (1 + erf(z * np.sqrt(0.5).astype(z.dtype))))


def gelu_backward(da, z, work=None):
    """dz = da (Phi(z) + z phi(z)), phi the normal density."""
    check_same_shape(da=da, z=z)
    z = np.clip(z, -40, 40)  # outside, the slope is 0 or 1 in any float, and z² could overflow
    density = np.exp(-0.5 * z * z) * z.dtype.type(1 / np.sqrt(2 * np.pi))
    return da * (0.5 * (1 + erf(z * np.sqrt(0.5).astype(z.dtype))) + z * density)


def activation_forward(z, name, alpha=0.0, work=None):
    """The activation called name, for operations that contain one; alpha is its slope or scale.

    "linear" is no activation: it hands z on.
    """
    if name == "linear":
        return z
    if name in ("leaky_relu", "elu"):
        return FORWARD[name](z, alpha, work)
    return FORWARD[known(name)](z, work)


def activation_backward(da, a, z, name, alpha=0.0, work=None):
    """Undo activation_forward; only "gelu" looks at z, which may be None for all others."""
    if name == "linear":
        return da
    if name in ("leaky_relu", "elu"):
        return BACKWARD[name](da, a, alpha, work)
    return BACKWARD[known(name)](da, z if name == "gelu" else a, work)


def known(name):
    """name, if there is an activation of that name."""
    if name not in FORWARD:
        raise ValueError(f"activation must be 'linear' or one of {', '.join(FORWARD)}, not {name!r}")
    return name


FORWARD = {"sigmoid": sigmoid_forward, "tanh": tanh_forward, "relu": relu_forward,
           "leaky_relu": leaky_relu_forward, "elu": elu_forward, "gelu": gelu_forward}
BACKWARD = {"sigmoid": sigmoid_backward, "tanh": tanh_backward, "relu": relu_backward,
            "leaky_relu": leaky_relu_backward, "elu": elu_backward, "gelu": gelu_backward}
