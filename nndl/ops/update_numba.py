"""One step of stochastic gradient descent in Numba: one pass over the weights, no temporaries."""

import numpy as np
from numba import prange

from .jit import BLOCKS, buffer, elementwise_kernel, first, in_logical_order, in_memory_order
from .update_numpy import check_step


def sgd_step(w, nabla_w, v, eta, l2=0.0, l1=0.0, mu=0.0, out_w=None, out_v=None, work=None):
    """As update_numpy.sgd_step."""
    check_step(w, nabla_w, v, mu, out_w, out_v)
    number = w.dtype.type
    scalars = number(eta), number(l2), number(l1), number(mu)
    flat_w, gradient = in_memory_order(w), in_memory_order(nabla_w)
    velocity = None if v is None else in_memory_order(v)
    new_w = _target(flat_w, out_w, work, "w")
    new_v = None if v is None else _target(velocity, out_v, work, "v")
    none = flat_w[:0].reshape(-1)  # an empty array where there is no velocity
    _step(flat_w.reshape(-1), gradient.reshape(-1), none if v is None else velocity.reshape(-1),
          *scalars, new_w.reshape(-1), none if v is None else new_v.reshape(-1))
    return _deliver(new_w, out_w), _deliver(new_v, out_v)


def _target(like, out, work, name):
    """Memory for the result: out's own where that is in memory order, else a buffer."""
    if out is not None and np.may_share_memory(memory := in_memory_order(out), out):
        return memory
    return buffer(work, name, like.shape, like.dtype)


def _deliver(result, out):
    if result is None or out is None:
        return None if result is None else in_logical_order(result)
    if not np.may_share_memory(result, out):
        out[...] = in_logical_order(result)
    return out


@elementwise_kernel
def _step(w, nabla_w, v, eta, l2, l1, mu, new_w, new_v):
    one = w.dtype.type(1)  # a plain 1 is an int, which with a float32 makes a float64
    for block in prange(BLOCKS):
        for i in range(first(block, w.size), first(block + 1, w.size)):
            sign = one if w[i] > 0 else -one if w[i] < 0 else one - one
            step = -eta * nabla_w[i] - l2 * w[i] - l1 * sign
            if v.size:
                step += mu * v[i]
                new_v[i] = step
            new_w[i] = w[i] + step
