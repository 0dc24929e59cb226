"""The activation functions in Numba: one loop over all numbers, in the order of memory.

As activation_numpy, with each block taking a share of the array.  `activate` and `back` below are
for a run of numbers; fused operations use them, too, while the numbers are in cache.
"""

import math

from numba import prange

from .activation_numpy import MONOTONE, known
from .exponential_numba import exponential, normal
from .jit import BLOCKS, elementwise_kernel, exact_kernel, share
from .memory import buffer, in_logical_order, in_memory_order, remembered
from .shapes import check_float, check_same_shape

__all__ = ["MONOTONE"]

KINDS = "linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu"
LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, GELU = range(len(KINDS))
# So many numbers the calling thread is done with before another one has begun.
FEW = [1000 if kind in (SIGMOID, TANH, ELU, GELU) else 16_000 for kind in range(len(KINDS))]


def sigmoid_forward(z, work=None):
    """As activation_numpy.sigmoid_forward."""
    return _apply(SIGMOID, z, work)


def sigmoid_backward(da, a, work=None):
    """As activation_numpy.sigmoid_backward."""
    return _chain(SIGMOID, da, a, work)


def tanh_forward(z, work=None):
    """As activation_numpy.tanh_forward."""
    return _apply(TANH, z, work)


def tanh_backward(da, a, work=None):
    """As activation_numpy.tanh_backward."""
    return _chain(TANH, da, a, work)


def relu_forward(z, work=None):
    """As activation_numpy.relu_forward."""
    return _apply(RELU, z, work)


def relu_backward(da, a, work=None):
    """As activation_numpy.relu_backward."""
    return _chain(RELU, da, a, work)


def leaky_relu_forward(z, slope=0.01, work=None):
    """As activation_numpy.leaky_relu_forward."""
    return _apply(LEAKY_RELU, z, work, slope)


def leaky_relu_backward(da, a, slope=0.01, work=None):
    """As activation_numpy.leaky_relu_backward."""
    return _chain(LEAKY_RELU, da, a, work, slope)


def elu_forward(z, alpha=1.0, work=None):
    """As activation_numpy.elu_forward."""
    return _apply(ELU, z, work, alpha)


def elu_backward(da, a, alpha=1.0, work=None):
    """As activation_numpy.elu_backward."""
    return _chain(ELU, da, a, work, alpha)


def gelu_forward(z, work=None):
    """As activation_numpy.gelu_forward."""
    return _apply(GELU, z, work)


def gelu_backward(da, z, work=None):
    """As activation_numpy.gelu_backward."""
    check_same_shape(da=da, z=z)
    return _chain(GELU, da, z, work)


def activation_forward(z, name, alpha=0.0, work=None):
    """As activation_numpy.activation_forward."""
    return z if name == "linear" else _apply(KINDS.index(known(name)), z, work, alpha)


def activation_backward(da, a, z, name, alpha=0.0, work=None):
    """As activation_numpy.activation_backward."""
    if name == "linear":
        return da
    return _chain(KINDS.index(known(name)), da, z if name == "gelu" else a, work, alpha)


def _apply(kind, z, work, alpha=0.0):
    """An activation of z, whatever its shape."""
    def prepare():
        check_float(z=z)
        flat = in_memory_order(z)
        a = buffer(work, "a", flat.shape, z.dtype)
        return (z.dtype.type(alpha), flat.reshape(-1), a.reshape(-1)), in_logical_order(a)

    arguments, a = remembered(work, "forward", (z,), alpha, prepare)
    (activate if z.size <= FEW[kind] else _forward)(kind, *arguments)
    return a


def _chain(kind, da, a, work, alpha=0.0):
    """The way back through an activation, by the chain rule; for gelu a is z."""
    def prepare():
        check_same_shape(da=da, a=a)
        flat = in_memory_order(da)
        dz = buffer(work, "dz", flat.shape, da.dtype)
        return ((a.dtype.type(alpha), flat.reshape(-1), in_memory_order(a).reshape(-1),
                 dz.reshape(-1)), in_logical_order(dz))

    arguments, dz = remembered(work, "backward", (da, a), alpha, prepare)
    (back if da.size <= FEW[kind] else _backward)(kind, *arguments)
    return dz


@elementwise_kernel
def _forward(kind, alpha, z, a):
    for block in prange(BLOCKS):
        activate(kind, alpha, share(block, z), share(block, a))


@elementwise_kernel
def _backward(kind, alpha, da, a, dz):
    for block in prange(BLOCKS):
        back(kind, alpha, share(block, da), share(block, a), share(block, dz))


@exact_kernel
def activate(kind, alpha, z, a):
    """a = f(z) for a run of numbers; a may be z, but then they go one by one, at half the speed.

    alpha is the slope of leaky_relu, elu's scale.
    """
    if kind == SIGMOID:
        sigmoid(z, a)
    elif kind == TANH:
        tanh(z, a)
    elif kind == RELU:
        relu(z, a)
    elif kind == LEAKY_RELU:
        leaky_relu(z, alpha, a)
    elif kind == ELU:
        elu(z, alpha, a)
    elif kind == GELU:
        gelu(z, a)
    else:
        for i in range(a.size):
            a[i] = z[i]


@exact_kernel
def back(kind, alpha, da, a, dz):
    """dz = da f'(z), f' read off a; dz may be da.  For gelu a is z."""
    if kind == SIGMOID:
        sigmoid_prime(da, a, dz)
    elif kind == TANH:
        tanh_prime(da, a, dz)
    elif kind == RELU:
        relu_prime(da, a, dz)
    elif kind == LEAKY_RELU:
        leaky_relu_prime(da, a, alpha, dz)
    elif kind == ELU:
        elu_prime(da, a, alpha, dz)
    elif kind == GELU:
        gelu_prime(da, a, dz)
    else:
        for i in range(dz.size):
            dz[i] = da[i]


@exact_kernel
def sigmoid(z, a):
    """a = sigma(z), book (3): e / (1 + e) or 1 / (1 + e), with e = e^-|z|, which is never above 1."""
    number = z.dtype.type
    one = number(1)  # a plain 1 is an int, which with a float32 makes a float64
    for i in range(a.size):
        p, s = exponential(-abs(z[i]), number)
        e = s + s * p
        a[i] = (e if z[i] < 0 else one) / (one + e)


@exact_kernel
def sigmoid_prime(da, a, dz):
    """dz = da sigma'(z)."""
    one = a.dtype.type(1)
    for i in range(dz.size):
        dz[i] = da[i] * a[i] * (one - a[i])


@exact_kernel
def tanh(z, a):
    """a = tanh(z), book (110): (1 - e) / (1 + e) with e = e^-2|z|, and the sign of z.

    In terms of e - 1, which near 0 keeps the digits that e loses.
    """
    number = z.dtype.type
    for i in range(a.size):
        p, s = exponential(number(-2) * abs(z[i]), number)
        less = (s - number(1)) + s * p
        a[i] = math.copysign(less / (number(2) + less), z[i])


@exact_kernel
def tanh_prime(da, a, dz):
    """dz = da tanh'(z)."""
    one = a.dtype.type(1)
    for i in range(dz.size):
        dz[i] = da[i] * (one - a[i] * a[i])


@exact_kernel
def relu(z, a):
    """a = max(0, z), book (112)."""
    for i in range(a.size):
        a[i] = 0 if z[i] <= 0 else z[i]  # this way round, NaN stays NaN


@exact_kernel
def relu_prime(da, a, dz):
    """dz = da where the neuron is on."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else 0


@exact_kernel
def leaky_relu(z, slope, a):
    """a = z where z > 0, slope z elsewhere."""
    for i in range(a.size):
        a[i] = z[i] if z[i] > 0 else slope * z[i]


@exact_kernel
def leaky_relu_prime(da, a, slope, dz):
    """dz = da, or slope da."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else slope * da[i]


@exact_kernel
def elu(z, alpha, a):
    """a = z where z > 0, alpha (e^z - 1) elsewhere; np.expm1."""
    number = z.dtype.type
    for i in range(a.size):
        p, s = exponential(number(0) if z[i] > 0 else z[i], number)
        a[i] = z[i] if z[i] > 0 else alpha * ((s - number(1)) + s * p)


@exact_kernel
def elu_prime(da, a, alpha, dz):
    """dz = da, or da (a + alpha)."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else da[i] * (a[i] + alpha)


@exact_kernel
def gelu(z, a):
    """a = z Phi(z)."""
    number = z.dtype.type
    for i in range(a.size):
        # Below -40 the product is 0 in any float, and -inf times 0 would not be.
        z_i = number(-40) if z[i] < number(-40) else z[i]
        distribution, _ = normal(z_i, number)
        a[i] = z_i * distribution


@exact_kernel
def gelu_prime(da, z, dz):
    """dz = da (Phi(z) + z phi(z))."""
    number = z.dtype.type
    for i in range(dz.size):
        # Outside, the slope is 0 or 1 in any float, and infinity times 0 would not be.
        z_i = number(-40) if z[i] < number(-40) else number(40) if z[i] > number(40) else z[i]
        distribution, density = normal(z_i, number)
        dz[i] = da[i] * (distribution + z_i * (density * number(0.3989422804014327)))  # 1 / sqrt(2 pi)
