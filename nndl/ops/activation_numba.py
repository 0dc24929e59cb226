"""The activation functions in Numba: one loop over all numbers, in the order of memory.

As activation_numpy.  Each has a kernel for a run of numbers, and one that shares an array out in
blocks; fused operations use the first, too, while the numbers are in cache.
"""

import math

from numba import prange

from .activation_numpy import MONOTONE, known
from .exponential_numba import exponential, normal
from .jit import BLOCKS, elementwise_kernel, exact_kernel, share
from .memory import buffer, in_logical_order, in_memory_order, remembered
from .shapes import check_float, check_same_shape

__all__ = ["MONOTONE"]

SCALED = "leaky_relu", "elu"  # by an alpha: the slope of one, the scale of the other
# So many numbers the calling thread is done with before another one has begun.
FEW = {"sigmoid": 1000, "tanh": 1000, "relu": 16_000, "leaky_relu": 16_000, "elu": 1000, "gelu": 1000}


def sigmoid_forward(z, work=None):
    """As activation_numpy.sigmoid_forward."""
    return _apply("sigmoid", z, work)


def sigmoid_backward(da, a, work=None):
    """As activation_numpy.sigmoid_backward."""
    return _chain("sigmoid", da, a, work)


def tanh_forward(z, work=None):
    """As activation_numpy.tanh_forward."""
    return _apply("tanh", z, work)


def tanh_backward(da, a, work=None):
    """As activation_numpy.tanh_backward."""
    return _chain("tanh", da, a, work)


def relu_forward(z, work=None):
    """As activation_numpy.relu_forward."""
    return _apply("relu", z, work)


def relu_backward(da, a, work=None):
    """As activation_numpy.relu_backward."""
    return _chain("relu", da, a, work)


def leaky_relu_forward(z, slope=0.01, work=None):
    """As activation_numpy.leaky_relu_forward."""
    return _apply("leaky_relu", z, work, slope)


def leaky_relu_backward(da, a, slope=0.01, work=None):
    """As activation_numpy.leaky_relu_backward."""
    return _chain("leaky_relu", da, a, work, slope)


def elu_forward(z, alpha=1.0, work=None):
    """As activation_numpy.elu_forward."""
    return _apply("elu", z, work, alpha)


def elu_backward(da, a, alpha=1.0, work=None):
    """As activation_numpy.elu_backward."""
    return _chain("elu", da, a, work, alpha)


def gelu_forward(z, work=None):
    """As activation_numpy.gelu_forward."""
    return _apply("gelu", z, work)


def gelu_backward(da, z, work=None):
    """As activation_numpy.gelu_backward."""
    check_same_shape(da=da, z=z)
    return _chain("gelu", da, z, work)


def activation_forward(z, name, alpha=0.0, work=None):
    """As activation_numpy.activation_forward."""
    if name == "linear":
        return z
    return _apply(known(name), z, work, alpha)


def activation_backward(da, a, z, name, alpha=0.0, work=None):
    """As activation_numpy.activation_backward."""
    if name == "linear":
        return da
    return _chain(known(name), da, z if name == "gelu" else a, work, alpha)


def _apply(name, z, work, alpha=0.0):
    """An activation of z, whatever its shape."""
    forward, arguments, a = remembered(work, prepare_forward, (z,), name, alpha)
    forward(*arguments)
    return a


def prepare_forward(work, z, name, alpha=0.0):
    """(kernel, its arguments, a), where the kernel makes a of z."""
    check_float(z=z)
    flat, (few, many) = in_memory_order(z), FORWARD[name]
    alphas = (z.dtype.type(alpha),) if name in SCALED else ()
    a = buffer(work, "a", flat.shape, z.dtype)
    return (few if z.size <= FEW[name] else many, (flat.reshape(-1), *alphas, a.reshape(-1)),
            in_logical_order(a))


def _chain(name, da, a, work, alpha=0.0):
    """The way back through an activation, by the chain rule; for gelu a is z."""
    backward, arguments, dz = remembered(work, prepare_backward, (da, a), name, alpha)
    backward(*arguments)
    return dz


def prepare_backward(work, da, a, name, alpha=0.0):
    """(kernel, its arguments, dz), where the kernel makes dz of da and a."""
    check_same_shape(da=da, a=a)
    flat, (few, many) = in_memory_order(da), BACKWARD[name]
    alphas = (a.dtype.type(alpha),) if name in SCALED else ()
    dz = buffer(work, "dz", flat.shape, da.dtype)
    return (few if da.size <= FEW[name] else many,
            (flat.reshape(-1), in_memory_order(a).reshape(-1), *alphas, dz.reshape(-1)),
            in_logical_order(dz))


@exact_kernel
def sigmoid(z, a):
    """a = sigma(z), book (3): e / (1 + e) or 1 / (1 + e), with e = e^-|z|, which is never above 1."""
    number = z.dtype.type
    one = number(1)  # a plain 1 is an int, which with a float32 makes a float64
    for i in range(a.size):
        p, s = exponential(-abs(z[i]), number)
        e = s + s * p
        a[i] = (e if z[i] < 0 else one) / (one + e)


@elementwise_kernel
def _sigmoid(z, a):
    for block in prange(BLOCKS):
        sigmoid(share(block, z), share(block, a))


@exact_kernel
def sigmoid_prime(da, a, dz):
    """dz = da sigma'(z)."""
    one = a.dtype.type(1)
    for i in range(dz.size):
        dz[i] = da[i] * a[i] * (one - a[i])


@elementwise_kernel
def _sigmoid_prime(da, a, dz):
    for block in prange(BLOCKS):
        sigmoid_prime(share(block, da), share(block, a), share(block, dz))


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


@elementwise_kernel
def _tanh(z, a):
    for block in prange(BLOCKS):
        tanh(share(block, z), share(block, a))


@exact_kernel
def tanh_prime(da, a, dz):
    """dz = da tanh'(z)."""
    one = a.dtype.type(1)
    for i in range(dz.size):
        dz[i] = da[i] * (one - a[i] * a[i])


@elementwise_kernel
def _tanh_prime(da, a, dz):
    for block in prange(BLOCKS):
        tanh_prime(share(block, da), share(block, a), share(block, dz))


@exact_kernel
def relu(z, a):
    """a = max(0, z), book (112)."""
    for i in range(a.size):
        a[i] = 0 if z[i] <= 0 else z[i]  # this way round, NaN stays NaN


@elementwise_kernel
def _relu(z, a):
    for block in prange(BLOCKS):
        relu(share(block, z), share(block, a))


@exact_kernel
def relu_prime(da, a, dz):
    """dz = da where the neuron is on."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else 0


@elementwise_kernel
def _relu_prime(da, a, dz):
    for block in prange(BLOCKS):
        relu_prime(share(block, da), share(block, a), share(block, dz))


@exact_kernel
def leaky_relu(z, slope, a):
    """a = z where z > 0, slope z elsewhere."""
    for i in range(a.size):
        a[i] = z[i] if z[i] > 0 else slope * z[i]


@elementwise_kernel
def _leaky_relu(z, slope, a):
    for block in prange(BLOCKS):
        leaky_relu(share(block, z), slope, share(block, a))


@exact_kernel
def leaky_relu_prime(da, a, slope, dz):
    """dz = da, or slope da."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else slope * da[i]


@elementwise_kernel
def _leaky_relu_prime(da, a, slope, dz):
    for block in prange(BLOCKS):
        leaky_relu_prime(share(block, da), share(block, a), slope, share(block, dz))


@exact_kernel
def elu(z, alpha, a):
    """a = z where z > 0, alpha (e^z - 1) elsewhere; np.expm1."""
    number = z.dtype.type
    for i in range(a.size):
        p, s = exponential(number(0) if z[i] > 0 else z[i], number)
        a[i] = z[i] if z[i] > 0 else alpha * ((s - number(1)) + s * p)


@elementwise_kernel
def _elu(z, alpha, a):
    for block in prange(BLOCKS):
        elu(share(block, z), alpha, share(block, a))


@exact_kernel
def elu_prime(da, a, alpha, dz):
    """dz = da, or da (a + alpha)."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else da[i] * (a[i] + alpha)


@elementwise_kernel
def _elu_prime(da, a, alpha, dz):
    for block in prange(BLOCKS):
        elu_prime(share(block, da), share(block, a), alpha, share(block, dz))


@exact_kernel
def gelu(z, a):
    """a = z Phi(z)."""
    number = z.dtype.type
    for i in range(a.size):
        # Below -40 the product is 0 in any float, and -inf times 0 would not be.
        z_i = number(-40) if z[i] < number(-40) else z[i]
        distribution, _ = normal(z_i, number)
        a[i] = z_i * distribution


@elementwise_kernel
def _gelu(z, a):
    for block in prange(BLOCKS):
        gelu(share(block, z), share(block, a))


@exact_kernel
def gelu_prime(da, z, dz):
    """dz = da (Phi(z) + z phi(z))."""
    number = z.dtype.type
    for i in range(dz.size):
        # Outside, the slope is 0 or 1 in any float, and infinity times 0 would not be.
        z_i = number(-40) if z[i] < number(-40) else number(40) if z[i] > number(40) else z[i]
        distribution, density = normal(z_i, number)
        dz[i] = da[i] * (distribution + z_i * (density * number(0.3989422804014327)))  # 1 / sqrt(2 pi)


@elementwise_kernel
def _gelu_prime(da, z, dz):
    for block in prange(BLOCKS):
        gelu_prime(share(block, da), share(block, z), share(block, dz))


# For each activation (few, many): the kernel for a run of numbers, and the one that shares it out.
# The latter are written out: made by a function, from the former, they would miss Numba's cache.
FORWARD = {
    "sigmoid": (sigmoid, _sigmoid), "tanh": (tanh, _tanh), "relu": (relu, _relu),
    "leaky_relu": (leaky_relu, _leaky_relu), "elu": (elu, _elu), "gelu": (gelu, _gelu),
}
BACKWARD = {
    "sigmoid": (sigmoid_prime, _sigmoid_prime), "tanh": (tanh_prime, _tanh_prime),
    "relu": (relu_prime, _relu_prime), "leaky_relu": (leaky_relu_prime, _leaky_relu_prime),
    "elu": (elu_prime, _elu_prime), "gelu": (gelu_prime, _gelu_prime),
}
