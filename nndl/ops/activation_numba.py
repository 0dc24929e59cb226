"""The activation functions in Numba: one loop over all numbers, in the order of memory.

As activation_numpy, with each block taking a share of the array.
"""

import math

from numba import prange

from .activation_numpy import MONOTONE, known
from .jit import (
    BLOCKS,
    buffer,
    elementwise_kernel,
    exact_kernel,
    in_logical_order,
    in_memory_order,
    kernel,
    remembered,
    share,
)
from .shapes import check_float, check_same_shape

__all__ = ["MONOTONE"]


def sigmoid_forward(z, work=None):
    """As activation_numpy.sigmoid_forward."""
    return _apply(_sigmoid_forward, z, work)


def sigmoid_backward(da, a, work=None):
    """As activation_numpy.sigmoid_backward."""
    return _chain(_sigmoid_backward, da, a, work)


def tanh_forward(z, work=None):
    """As activation_numpy.tanh_forward."""
    return _apply(_tanh_forward, z, work)


def tanh_backward(da, a, work=None):
    """As activation_numpy.tanh_backward."""
    return _chain(_tanh_backward, da, a, work)


def relu_forward(z, work=None):
    """As activation_numpy.relu_forward."""
    return _apply(_relu_forward, z, work)


def relu_backward(da, a, work=None):
    """As activation_numpy.relu_backward."""
    return _chain(_relu_backward, da, a, work)


def leaky_relu_forward(z, slope=0.01, work=None):
    """As activation_numpy.leaky_relu_forward."""
    return _apply(_leaky_relu_forward, z, work, slope)


def leaky_relu_backward(da, a, slope=0.01, work=None):
    """As activation_numpy.leaky_relu_backward."""
    return _chain(_leaky_relu_backward, da, a, work, slope)


def elu_forward(z, alpha=1.0, work=None):
    """As activation_numpy.elu_forward."""
    return _apply(_elu_forward, z, work, alpha)


def elu_backward(da, a, alpha=1.0, work=None):
    """As activation_numpy.elu_backward."""
    return _chain(_elu_backward, da, a, work, alpha)


def gelu_forward(z, work=None):
    """As activation_numpy.gelu_forward."""
    return _apply(_gelu_forward, z, work)


def gelu_backward(da, z, work=None):
    """As activation_numpy.gelu_backward."""
    check_same_shape(da=da, z=z)
    return _chain(_gelu_backward, da, z, work)


def activation_forward(z, name, alpha=0.0, work=None):
    """As activation_numpy.activation_forward."""
    if name == "linear":
        return z
    if name in ("leaky_relu", "elu"):
        return FORWARD[name](z, alpha, work)
    return FORWARD[known(name)](z, work)


def activation_backward(da, a, z, name, alpha=0.0, work=None):
    """As activation_numpy.activation_backward."""
    if name == "linear":
        return da
    if name in ("leaky_relu", "elu"):
        return BACKWARD[name](da, a, alpha, work)
    return BACKWARD[known(name)](da, z if name == "gelu" else a, work)


FORWARD = {"sigmoid": sigmoid_forward, "tanh": tanh_forward, "relu": relu_forward,
           "leaky_relu": leaky_relu_forward, "elu": elu_forward, "gelu": gelu_forward}
BACKWARD = {"sigmoid": sigmoid_backward, "tanh": tanh_backward, "relu": relu_backward,
            "leaky_relu": leaky_relu_backward, "elu": elu_backward, "gelu": gelu_backward}


def _apply(loop, z, work, *alpha):
    """Run a forward loop over z, whatever its shape."""
    def prepare():
        check_float(z=z)
        return buffer(work, "a", in_memory_order(z).shape, z.dtype), [z.dtype.type(x) for x in alpha]

    a, numbers = remembered(work, "forward", (z,), alpha, prepare)
    loop(in_memory_order(z).reshape(-1), *numbers, a.reshape(-1))
    return in_logical_order(a)


def _chain(loop, da, known_from_forward, work, *alpha):
    """Run a backward loop over da and a (or z), whatever their shape."""
    a = known_from_forward

    def prepare():
        check_same_shape(da=da, a=a)
        return buffer(work, "dz", in_memory_order(da).shape, da.dtype), [a.dtype.type(x) for x in alpha]

    dz, numbers = remembered(work, "backward", (da, a), alpha, prepare)
    loop(in_memory_order(da).reshape(-1), in_memory_order(a).reshape(-1), *numbers, dz.reshape(-1))
    return in_logical_order(dz)


# The book's three activations for a run of numbers, which dense_epoch uses, too.


@exact_kernel
def sigmoid(z, a):
    """a = sigma(z)."""
    one = z.dtype.type(1)  # a plain 1 is an int, which with a float32 makes a float64
    for i in range(a.size):
        e = math.exp(-abs(z[i]))  # never above 1
        a[i] = (e if z[i] < 0 else one) / (one + e)


@exact_kernel
def sigmoid_prime(da, a, dz):
    """dz = da sigma'(z)."""
    one = a.dtype.type(1)
    for i in range(dz.size):
        dz[i] = da[i] * a[i] * (one - a[i])


@exact_kernel
def tanh(z, a):
    """a = tanh(z)."""
    for i in range(a.size):
        a[i] = math.tanh(z[i])


@exact_kernel
def tanh_prime(da, a, dz):
    """dz = da tanh'(z)."""
    one = a.dtype.type(1)
    for i in range(dz.size):
        dz[i] = da[i] * (one - a[i] * a[i])


@exact_kernel
def relu(z, a):
    """a = max(0, z)."""
    for i in range(a.size):
        a[i] = 0 if z[i] <= 0 else z[i]  # this way round, NaN stays NaN


@exact_kernel
def relu_prime(da, a, dz):
    """dz = da where the neuron is on."""
    for i in range(dz.size):
        dz[i] = da[i] if a[i] > 0 else 0


@elementwise_kernel
def _sigmoid_forward(z, a):
    for block in prange(BLOCKS):
        sigmoid(share(block, z), share(block, a))


@elementwise_kernel
def _sigmoid_backward(da, a, dz):
    for block in prange(BLOCKS):
        sigmoid_prime(share(block, da), share(block, a), share(block, dz))


@elementwise_kernel
def _tanh_forward(z, a):
    for block in prange(BLOCKS):
        tanh(share(block, z), share(block, a))


@elementwise_kernel
def _tanh_backward(da, a, dz):
    for block in prange(BLOCKS):
        tanh_prime(share(block, da), share(block, a), share(block, dz))


@elementwise_kernel
def _relu_forward(z, a):
    for block in prange(BLOCKS):
        relu(share(block, z), share(block, a))


@elementwise_kernel
def _relu_backward(da, a, dz):
    for block in prange(BLOCKS):
        relu_prime(share(block, da), share(block, a), share(block, dz))


@elementwise_kernel
def _leaky_relu_forward(z, slope, a):
    for block in prange(BLOCKS):
        z_, a_ = share(block, z), share(block, a)
        for i in range(a_.size):
            a_[i] = z_[i] if z_[i] > 0 else slope * z_[i]


@elementwise_kernel
def _leaky_relu_backward(da, a, slope, dz):
    for block in prange(BLOCKS):
        da_, a_, dz_ = share(block, da), share(block, a), share(block, dz)
        for i in range(dz_.size):
            dz_[i] = da_[i] if a_[i] > 0 else slope * da_[i]


@elementwise_kernel
def _elu_forward(z, alpha, a):
    for block in prange(BLOCKS):
        z_, a_ = share(block, z), share(block, a)
        for i in range(a_.size):
            a_[i] = z_[i] if z_[i] > 0 else alpha * math.expm1(z_[i])


@elementwise_kernel
def _elu_backward(da, a, alpha, dz):
    for block in prange(BLOCKS):
        da_, a_, dz_ = share(block, da), share(block, a), share(block, dz)
        for i in range(dz_.size):
            dz_[i] = da_[i] if a_[i] > 0 else da_[i] * (a_[i] + alpha)


@kernel
def _normal_distribution(z):
    """Phi(z), the chance that a standard normal number is below z."""
    return (1 + math.erf(z * 0.7071067811865476)) / 2


@elementwise_kernel
def _gelu_forward(z, a):
    for block in prange(BLOCKS):
        z_, a_ = share(block, z), share(block, a)
        for i in range(a_.size):
            # Below -40 the product is 0 in any float, and -inf times 0 would not be.
            a_[i] = 0 if z_[i] < -40 else z_[i] * _normal_distribution(z_[i])


@elementwise_kernel
def _gelu_backward(da, z, dz):
    for block in prange(BLOCKS):
        da_, z_, dz_ = share(block, da), share(block, z), share(block, dz)
        for i in range(dz_.size):
            if abs(z_[i]) > 40:  # there the slope is 0 or 1 in any float
                dz_[i] = da_[i] if z_[i] > 0 else 0
            else:
                density = math.exp(-z_[i] * z_[i] / 2) * 0.3989422804014327
                dz_[i] = da_[i] * (_normal_distribution(z_[i]) + z_[i] * density)
