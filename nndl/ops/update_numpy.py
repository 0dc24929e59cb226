"""One step of stochastic gradient descent, the reference.  Book (20), (93), (97), (107), (108)."""

import math

import numpy as np

from .shapes import check_float, check_same_shape


def all_finite(x):
    """Whether x, a gradient or weights, any shape, has neither NaN nor an infinity."""
    check_float(x=x)
    return bool(np.isfinite(x).all())


def gradient_norm(gradients):
    """‖g‖ of several arrays seen as one vector: the root of the sum of all their squares.

    gradients : arrays of one float type, of any shapes.  Returns a float, summed in float64.
    """
    check_float(**{f"gradients[{number}]": g for number, g in enumerate(gradients)})
    return math.sqrt(sum(float(np.square(g, dtype=float).sum()) for g in gradients))


def sgd_step(w, nabla_w, v, eta, l2=0.0, l1=0.0, mu=0.0, out_w=None, out_v=None, work=None):
    """v' = mu v - eta nabla_w - l2 w - l1 sgn(w),  w' = w + v'.

    w, nabla_w, v : any one shape; v is the velocity, or None where mu is 0
    eta : step for the gradient as handed in, so learning rate / mini-batch size for a sum
    l2  : eta lmbda / n, weight decay, book (93)
    l1  : eta lmbda / n, decay towards 0 at constant speed, book (97); sgn(0) = 0
    mu  : momentum's friction, book (107), (108): 0 is plain gradient descent
    Returns (w', v'), in out_w and out_v where given (they may be w and v); v' is None if v is.
    """
    check_step(w, nabla_w, v, mu, out_w, out_v)
    eta, l2, l1, mu = (w.dtype.type(x) for x in (eta, l2, l1, mu))
    step = -eta * nabla_w - l2 * w - l1 * np.sign(w)
    if v is None:
        return np.add(w, step, out=out_w), None
    v = np.add(mu * v, step, out=out_v)
    return np.add(w, v, out=out_w), v


def layer_step(w, b, nabla_w, nabla_b, eta, l2=0.0, l1=0.0, out_w=None, out_b=None, work=None):
    """sgd_step for all that a layer has, without momentum: its biases b do not decay, book (21).

    Returns (w', b'), in out_w and out_b where given.
    """
    check_layer_step(w, b, nabla_w, nabla_b, out_w, out_b)
    new_w, _ = sgd_step(w, nabla_w, None, eta, l2, l1, out_w=out_w)
    new_b, _ = sgd_step(b, nabla_b, None, eta, out_w=out_b)
    return new_w, new_b


def check_step(w, nabla_w, v, mu, out_w, out_v):
    """Arrays of one shape and type, those that are not None; momentum needs a velocity."""
    given = {"w": w, "nabla_w": nabla_w, "v": v, "out_w": out_w, "out_v": out_v}
    check_same_shape(**{name: x for name, x in given.items() if x is not None})
    if v is None and mu:
        raise ValueError(f"momentum mu={mu} needs a velocity v: np.zeros_like(w) to begin with")


def check_layer_step(w, b, nabla_w, nabla_b, out_w, out_b):
    """The same for each of the two, and one type for both."""
    for name, *arrays in ("w", w, nabla_w, out_w), ("b", b, nabla_b, out_b):
        given = zip((name, f"nabla_{name}", f"out_{name}"), arrays)
        check_same_shape(**{name: x for name, x in given if x is not None})
    check_float(w=w, b=b)
