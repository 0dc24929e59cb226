"""A fully connected layer's way back and its step downhill in one, the reference."""

from .dense_numpy import dense_backward
from .update_numpy import sgd_step


def dense_step(delta, a, w, b, eta, l2=0.0, l1=0.0, need_da=True, out_w=None, out_b=None, work=None):
    """dense_backward, then sgd_step for w, and for b without decay.  Book BP2-BP4, (20), (93).

    delta, a, w : as for dense_backward;  b : (n_out,);  eta, l2, l1 : as for sgd_step
    Returns (da, w', b'), the last two in out_w and out_b where given (they may be w and b); da is
    taken with the old w.
    """
    da, nabla_w, nabla_b = dense_backward(delta, a, w, need_da)
    w, _ = sgd_step(w, nabla_w, None, eta, l2, l1, out_w=out_w)
    b, _ = sgd_step(b, nabla_b, None, eta, out_w=out_b)
    return da, w, b
