"""One step of stochastic gradient descent in Numba: one pass over the weights, no temporaries."""

import math

import numpy as np
from numba import prange

from .jit import BLOCKS, elementwise_kernel, exact_kernel, kernel, share
from .memory import buffer, in_logical_order, in_memory_order, remembered
from .shapes import check_float
from .update_numpy import check_layer_step, check_step

FEW = 1000  # weights: the calling thread has changed them before another one has begun

# In place of a velocity where there is none.
NOTHING = {np.dtype(name): np.empty(0, name) for name in ("float32", "float64")}


def all_finite(x):
    """As update_numpy.all_finite."""
    check_float(x=x)
    return _all_finite(in_memory_order(x).reshape(-1))


def gradient_norm(gradients):
    """As update_numpy.gradient_norm."""
    check_float(**{f"gradients[{number}]": g for number, g in enumerate(gradients)})
    return math.sqrt(sum(_sum_of_squares(in_memory_order(g).reshape(-1)) for g in gradients))


def sgd_step(w, nabla_w, v, eta, l2=0.0, l1=0.0, mu=0.0, out_w=None, out_v=None, work=None):
    """As update_numpy.sgd_step."""
    # What changeable copies it must copy each time: remembered is only what changes in place.
    arrays = w, nabla_w, v, out_w, out_v
    step, runs, new_w, new_v, number = (
        remembered(work, _prepare_step, arrays, mu) if out_w is w and out_v is v
        else _prepare_step(work, *arrays, mu))
    step(*runs, number(eta), number(l2), number(l1), number(mu))
    return delivered(new_w, out_w), None if v is None else delivered(new_v, out_v)


def _prepare_step(work, w, nabla_w, v, out_w, out_v, mu):
    check_step(w, nabla_w, v, mu, out_w, out_v)
    new_w = changeable(w, out_w, work, "w")
    new_v = changeable(v, out_v, work, "v") if v is not None else NOTHING[w.dtype]
    runs = new_w.reshape(-1), in_memory_order(nabla_w).reshape(-1), new_v.reshape(-1)
    return (step_down if w.size <= FEW else _step), runs, new_w, new_v, w.dtype.type


def layer_step(w, b, nabla_w, nabla_b, eta, l2=0.0, l1=0.0, out_w=None, out_b=None, work=None):
    """As update_numpy.layer_step, in one call."""
    arrays = w, b, nabla_w, nabla_b, out_w, out_b
    step, runs, new_w, new_b, number = (
        remembered(work, _prepare_layer_step, arrays) if out_w is w and out_b is b
        else _prepare_layer_step(work, *arrays))
    step(*runs, number(eta), number(l2), number(l1))
    return delivered(new_w, out_w), delivered(new_b, out_b)


def _prepare_layer_step(work, w, b, nabla_w, nabla_b, out_w, out_b):
    check_layer_step(w, b, nabla_w, nabla_b, out_w, out_b)
    new_w, new_b = changeable(w, out_w, work, "new_w"), changeable(b, out_b, work, "new_b")
    runs = (new_w.reshape(-1), in_memory_order(nabla_w).reshape(-1), new_b.reshape(-1),
            in_memory_order(nabla_b).reshape(-1))
    return (both_down if w.size <= FEW else _layer_step), runs, new_w, new_b, w.dtype.type


def changeable(x, out, work, name):
    """x in memory that may be changed: out's own where that is in memory order, else a buffer."""
    if out is not None:
        memory = in_memory_order(out)
        if np.may_share_memory(memory, out):
            if out is not x:
                out[...] = x
            return memory
    x = in_memory_order(x)
    new = buffer(work, name, x.shape, x.dtype)
    new[...] = x
    return new


def delivered(result, out):
    """What changeable has lent, as the caller wants it."""
    if out is None:
        return in_logical_order(result)
    if not np.may_share_memory(result, out):
        out[...] = in_logical_order(result)
    return out


@exact_kernel
def _all_finite(x):
    finite = True
    for i in range(x.size):
        finite &= x[i] - x[i] == 0  # of NaN or an infinity that is NaN
    return finite


@kernel
def _sum_of_squares(x):
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i]) * np.float64(x[i])
    return total


@elementwise_kernel
def _step(w, nabla_w, v, eta, l2, l1, mu):
    for block in prange(BLOCKS):
        step_down(share(block, w), share(block, nabla_w), share(block, v), eta, l2, l1, mu)


@elementwise_kernel
def _layer_step(w, nabla_w, b, nabla_b, eta, l2, l1):
    for block in prange(BLOCKS):
        both_down(share(block, w), share(block, nabla_w), share(block, b), share(block, nabla_b),
                  eta, l2, l1)


@exact_kernel
def both_down(w, nabla_w, b, nabla_b, eta, l2, l1):
    """One step for a run of weights and a run of biases, in place."""
    zero, none = eta - eta, b[:0]
    step_down(w, nabla_w, none, eta, l2, l1, zero)
    step_down(b, nabla_b, none, eta, zero, zero, zero)


@exact_kernel
def step_down(w, nabla_w, v, eta, l2, l1, mu):
    """One step for a run of weights, in place; v is empty where there is no velocity."""
    one = w.dtype.type(1)  # a plain 1 is an int, which with a float32 makes a float64
    for i in range(w.size):
        sign = one if w[i] > 0 else -one if w[i] < 0 else one - one
        step = -eta * nabla_w[i] - l2 * w[i] - l1 * sign
        if v.size:
            step += mu * v[i]
            v[i] = step
        w[i] += step
