"""A fully connected layer's way back and its step downhill in one, the reference."""

from .dense_numpy import dense_backward
from .update_numpy import layer_step


def dense_step(delta, a, w, b, eta, l2=0.0, l1=0.0, need_da=True, out_w=None, out_b=None, work=None):
    """dense_backward, then layer_step.  Book BP2-BP4, (20), (93).

    delta, a, w : as for dense_backward;  b : (n_out,);  eta, l2, l1 : as for layer_step
    Returns (da, w', b'), the last two in out_w and out_b where given (they may be w and b); da is
    taken with the old w.
    """
    da, nabla_w, nabla_b = dense_backward(delta, a, w, need_da)
    w, b = layer_step(w, b, nabla_w, nabla_b, eta, l2, l1, out_w, out_b)
    return da, w, b
